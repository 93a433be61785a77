"""A bar of progress on stderr, for commands that wait for an answer."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from workers import contract


class ProgressBar:
    """Drawn while the block runs."""

    def __enter__(self) -> "ProgressBar":
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bars = Progress(*columns, console=Console(file=sys.stderr), transient=True)
        self.bars.start()
        self.bar = self.bars.add_task("", total=None)
        return self

    def __call__(self, word: contract.Progress) -> None:
        self.bars.update(self.bar, description=word.stage, completed=word.n_done, total=word.n_total or None)

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.bars.stop()
