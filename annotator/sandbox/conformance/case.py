"""One check of one operation."""

from collections.abc import Callable
from dataclasses import dataclass

from annotator.sandbox.conformance.bench import Bench


@dataclass(frozen=True)
class Case:
    """`codes` are the error codes it provokes; `needs_people` where somebody must do a HIT first."""

    operation: str
    shows: str
    check: Callable[[Bench], None]
    codes: tuple[str, ...] = ()
    needs_people: bool = False
