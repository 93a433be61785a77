"""How well a unit's crops fit together in people's eyes: mean precision and its interval (docs/measures.md, Precision).

[ZKLOT15] publishes the mean over the answers. People disagree far more than counting 57 crops explains, so the interval
is a Beta-binomial one: each person has their own chance of leaving a crop of the unit unmarked, drawn around the unit's
mean with an overdispersion that is estimated over the campaign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.bounds import INTERPRETABLE_ABOVE

Array = NDArray[np.float64]

N_TOP_CROPS = 57
# Estimated on the published answers (Places205-AlexNet, 1,376 units, 3 answers each): used if a campaign has
# no unit with two answers.
PUBLISHED_OVERDISPERSION = 0.21
# The posterior is computed on this many cells of [0, 1], chunk by chunk so that 100,000 units fit into memory.
N_CELLS = 200
CHUNK = 2048
# Below this range, the Beta distribution is narrower than a cell. Above it, all of it is near 0 and 1.
OVERDISPERSION_RANGE = (0.001, 0.9)


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


@dataclass(frozen=True, eq=False)
class UnitPrecisions:
    """Shape (n_units,) each: mean over answers, and the bounds of the highest-density 95 % interval of the mean."""

    mean: Array
    low: Array
    high: Array
    overdispersion: float


def measure_precision(counts: AnswerCounts, *, level: float = 0.95) -> UnitPrecisions:
    """Mean precision of each unit with its interval. Prior of the unit's mean: uniform on [0, 1]."""
    overdispersion = estimate_overdispersion(counts)
    low, high = estimate_intervals(counts, overdispersion=overdispersion, level=level)
    return UnitPrecisions(mean=mean_by_unit(counts), low=low, high=high, overdispersion=overdispersion)


def mean_by_unit(counts: AnswerCounts) -> Array:
    shares = counts.n_fitting / counts.n_shown
    return np.asarray(np.bincount(counts.unit, weights=shares) / np.bincount(counts.unit), dtype=np.float64)


def estimate_overdispersion(counts: AnswerCounts) -> float:
    """Correlation of two crops' judgements by one person, given the unit: the moment estimate over all units.

    With J answers of a unit, the variance between answers is m (1 - m) (1 + (n - 1) rho) / n; both m (1 - m) and the
    variance are estimated without bias and pooled over the units that have two answers or more.
    """
    n_answers = np.bincount(counts.unit)
    several = n_answers >= 2
    if not several.any():
        return PUBLISHED_OVERDISPERSION
    shares = counts.n_fitting / counts.n_shown
    mean = mean_by_unit(counts)
    squares = np.bincount(counts.unit, weights=(shares - mean[counts.unit]) ** 2)
    variance = squares[several] / (n_answers[several] - 1)
    spread_of_one = mean[several] * (1 - mean[several]) + variance / n_answers[several]
    if (whole := float(spread_of_one.sum())) <= 0:
        return PUBLISHED_OVERDISPERSION
    n = len(counts.n_shown) / float(np.sum(1 / counts.n_shown))
    if n <= 1:
        return PUBLISHED_OVERDISPERSION
    rho = (n * float(variance.sum()) / whole - 1) / (n - 1)
    return min(max(rho, OVERDISPERSION_RANGE[0]), OVERDISPERSION_RANGE[1])


def estimate_intervals(counts: AnswerCounts, *, overdispersion: float, level: float) -> tuple[Array, Array]:
    """Bounds of shape (n_units,): the fewest cells that hold `level` of the posterior, widened to the mean."""
    n_units = int(counts.unit[-1]) + 1 if len(counts.unit) else 0
    low, high = np.empty(n_units), np.empty(n_units)
    mean = mean_by_unit(counts)
    for first in range(0, n_units, CHUNK):
        end = min(first + CHUNK, n_units)
        rows = slice(*np.searchsorted(counts.unit, [first, end]))
        logs = np.zeros((end - first, N_CELLS))
        for n in np.unique(counts.n_shown[rows]):
            chosen = counts.n_shown[rows] == n
            table = _log_probabilities(int(n), overdispersion)
            np.add.at(logs, counts.unit[rows][chosen] - first, table[counts.n_fitting[rows][chosen]])
        low[first:end], high[first:end] = _find_densest(logs, level)
    return np.minimum(low, mean), np.maximum(high, mean)


def _find_densest(logs: Array, level: float) -> tuple[Array, Array]:
    """Outer edges of the most probable cells that together hold `level`; ties to the lower cell."""
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    order = np.argsort(-weights, axis=1, kind="stable")
    held = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    n_needed = np.argmax(held >= level * (1 - 1e-12), axis=1)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(N_CELLS)[None, :], axis=1)
    inside = place <= n_needed[:, None]
    first = np.argmax(inside, axis=1)
    last = N_CELLS - 1 - np.argmax(inside[:, ::-1], axis=1)
    return first / N_CELLS, (last + 1) / N_CELLS


@lru_cache(maxsize=64)
def _log_probabilities(n: int, overdispersion: float) -> Array:
    """Shape (n + 1, N_CELLS): log Beta-binomial probability of k fitting crops of n, the mean at each cell's center.

    Without the binomial coefficient, which is the same for every mean.
    """
    together = (1 - overdispersion) / overdispersion
    centers = (np.arange(N_CELLS) + 0.5) / N_CELLS
    fitting = _log_rising(together * centers, n)
    marked = _log_rising(together * (1 - centers), n)
    whole = _log_rising(np.array([together]), n)[n, 0]
    return np.asarray(fitting + marked[::-1] - whole)


def _log_rising(start: Array, n: int) -> Array:
    """Shape (n + 1, len(start)): log of start (start + 1) ... (start + k - 1) for k from 0 to n."""
    logs = np.log(start[None, :] + np.arange(n)[:, None])
    return np.vstack([np.zeros(len(start)), np.cumsum(logs, axis=0)])


def count_fitting(*, precision: float, n_shown: int) -> int:
    """The count behind a published share: every published precision is a multiple of 1/57."""
    return round(precision * n_shown)


def count_interpretable(means: Sequence[float]) -> int:
    return sum(mean > INTERPRETABLE_ABOVE for mean in means)
