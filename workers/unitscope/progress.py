"""Bars of progress for what is sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def show_bytes(wanted: bool) -> Iterator[Callable[[int, int], None]]:
    """A function that takes bytes done and bytes in all."""
    columns = (TextColumn("sending"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, disable=not wanted) as bars:
        line = bars.add_task("", total=None)
        yield lambda n_done, n_total: bars.update(line, completed=n_done, total=n_total)
