"""Without a terminal, progress is one line per stage and every few seconds."""

import io
from dataclasses import replace

from rich.console import Console

from annotator.units.progress import DissectionProgress
from annotator.units.progress_lines import ProgressLines, spell_seconds

SEEN = DissectionProgress("measure", n_done=512, n_total=2000, per_second=31.2, seconds_left=47.7, n_processes=1)


def show(console: Console, *, every_seconds: float) -> None:
    lines = ProgressLines(console, every_seconds=every_seconds)
    begun = replace(SEEN, n_done=0, per_second=None, seconds_left=None)
    for seen in (begun, begun, SEEN, replace(SEEN, stage="merge", n_total=0, per_second=None, seconds_left=None)):
        lines.show(seen)


def test_a_log_gets_a_line_per_stage_and_every_few_seconds() -> None:
    file = io.StringIO()
    show(Console(file=file), every_seconds=0)
    said = ["measure: 0 of 2,000", "measure: 512 of 2,000, 31/s, about 48 s left", "merge"]
    assert file.getvalue().splitlines() == said
    file = io.StringIO()
    show(Console(file=file), every_seconds=1e9)
    assert file.getvalue().splitlines() == ["measure: 0 of 2,000", "merge"]
    assert [spell_seconds(one) for one in (9.6, 600, 9000)] == ["10 s", "10 min", "2.5 h"]


def test_a_terminal_has_its_bar_and_no_lines() -> None:
    file = io.StringIO()
    show(Console(file=file, force_terminal=True), every_seconds=0)
    assert file.getvalue() == ""
