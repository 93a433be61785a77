"""Progress on stderr, for commands that wait for an answer: a bar on a terminal, else a line every few seconds."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from workers import contract

LINE_SECONDS = 5.0


class ProgressBar:
    """Shown while the block runs."""

    def __enter__(self) -> "ProgressBar":
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.console = Console(file=sys.stderr)
        self.bars = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        self.bars.start()
        self.bar = self.bars.add_task("", total=None)
        self.said, self.said_at = "", time.monotonic() - LINE_SECONDS
        return self

    def __call__(self, word: contract.Progress) -> None:
        self.bars.update(self.bar, description=word.stage, completed=word.n_done, total=word.n_total or None)
        line = f"{word.stage}: {word.n_done:,} of {word.n_total:,}" if word.n_total else word.stage
        is_due = time.monotonic() - self.said_at >= LINE_SECONDS
        if not self.console.is_terminal and is_due and line != self.said:
            self.said, self.said_at = line, time.monotonic()
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def __exit__(self, *_: object) -> None:
        self.bars.stop()
