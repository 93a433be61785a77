"""Work that takes long and is done batch by batch: what is done is kept, so that whoever begins again goes on there."""

from collections.abc import Callable
from typing import Any, Protocol

from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


class Keeper(Protocol):
    """Keeps the state of each stage of one piece of work; it gives back only what the same work kept."""

    def read(self, stage: str) -> Arrays | None:
        """What was kept last; None if there is nothing."""

    def offer(self, stage: str, state: Callable[[], Arrays], *, is_last: bool) -> None:
        """Keeps the state now and then, and the last one in any case."""


class NoKeeper:
    """For work that is short, or begins anew if it is interrupted."""

    def read(self, stage: str) -> Arrays | None:
        return None

    def offer(self, stage: str, state: Callable[[], Arrays], *, is_last: bool) -> None:
        pass
