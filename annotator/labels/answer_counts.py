"""How many crops each answer keeps, for many units at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class BadCounts(ValueError):
    """Counts of crops that cannot be: more fitting than shown, none shown, or a unit without answers."""


@dataclass(frozen=True, eq=False)
class AnswerCounts:
    """Answers of many units, sorted by unit: arrays of one length, `unit` being 0, 0, 0, 1, 1, ..."""

    unit: NDArray[np.int64]
    n_fitting: NDArray[np.int64]
    n_shown: NDArray[np.int64]

    def __post_init__(self) -> None:
        if np.any(self.n_shown < 1) or np.any(self.n_fitting < 0) or np.any(self.n_fitting > self.n_shown):
            raise BadCounts("Each answer needs 0 <= crops that fit <= crops shown, and at least one crop shown.")
        if len(self.unit) and (self.unit[0] != 0 or np.any((steps := np.diff(self.unit)) < 0) or np.any(steps > 1)):
            raise BadCounts("Units must be numbered 0, 1, 2, ... in the order of the answers, none without answers.")

    @property
    def n_units(self) -> int:
        return int(self.unit[-1]) + 1 if len(self.unit) else 0
