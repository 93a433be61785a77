"""A dissection's progress where there is no terminal, as in a log or a pipe: one line every few seconds."""

import time

from rich.console import Console

from annotator.units.progress import DissectionProgress

EVERY_SECONDS = 5.0


class ProgressLines:
    """Says a new stage at once, and how far it has come every few seconds; nothing on a terminal."""

    def __init__(self, console: Console, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._console, self._every = console, every_seconds
        self._said, self._stage, self._said_at = "", "", 0.0

    def show(self, seen: DissectionProgress) -> None:
        if self._console.is_terminal:
            return
        line, now = spell_progress(seen), time.monotonic()
        is_due = seen.stage != self._stage or now - self._said_at >= self._every
        if is_due and line != self._said:
            self._said, self._stage, self._said_at = line, seen.stage, now
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def spell_progress(seen: DissectionProgress) -> str:
    """Such as `measure: 512 of 2,000, 31/s, about 48 s left`."""
    words = [f"{seen.stage}: {seen.n_done:,} of {seen.n_total:,}" if seen.n_total else seen.stage]
    if seen.per_second:
        words.append(f"{seen.per_second:.0f}/s")
    if seen.seconds_left:
        words.append(f"about {spell_seconds(seen.seconds_left)} left")
    return ", ".join(words)


def spell_seconds(seconds: float) -> str:
    """In seconds, minutes or hours, whichever is read most easily."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
