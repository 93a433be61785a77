"""How well a unit's crops fit together in people's eyes: mean precision and its interval (docs/measures.md, Precision).

[ZKLOT15] publishes the mean over the answers. People disagree far more than counting 57 crops explains, so the interval
is a Beta-binomial one: each person has their own chance of leaving a crop of the unit unmarked, drawn around the unit's
mean. How far people spread is estimated per layer (`dispersion.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.labels.answer_counts import AnswerCounts
from annotator.labels.beta_binomial import N_CELLS
from annotator.labels.dispersion import estimate_weights, find_log_likelihoods
from workers.engine.format.bounds import INTERPRETABLE_ABOVE

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

N_TOP_CROPS = 57


@dataclass(frozen=True, eq=False)
class UnitPrecisions:
    """Shape (n_units,) each: mean over answers, and the bounds of the highest-density 95 % interval of the mean."""

    mean: Array
    low: Array
    high: Array


def measure_precision(counts: AnswerCounts, *, layer: Ints | None = None, level: float = 0.95) -> UnitPrecisions:
    """Mean precision of each unit with its interval. Prior of the unit's mean: uniform on [0, 1].

    `layer`: per unit, its layer numbered from 0; one layer if it is not given.
    """
    numbers = np.zeros(counts.n_units, dtype=np.int64) if layer is None else layer
    weights = estimate_weights(counts, layer=numbers)[numbers]
    low, high = estimate_intervals(counts, weights=weights, level=level)
    return UnitPrecisions(mean=mean_by_unit(counts), low=low, high=high)


def mean_by_unit(counts: AnswerCounts) -> Array:
    shares = counts.n_fitting / counts.n_shown
    return np.asarray(np.bincount(counts.unit, weights=shares) / np.bincount(counts.unit), dtype=np.float64)


def estimate_intervals(counts: AnswerCounts, *, weights: Array, level: float) -> tuple[Array, Array]:
    """Bounds of shape (n_units,): the fewest cells that hold `level` of the posterior, widened to the mean.

    `weights`: shape (n_units, len(OVERDISPERSIONS)), each row with the sum 1.
    """
    low, high, mean = np.empty(counts.n_units), np.empty(counts.n_units), mean_by_unit(counts)
    for units, logs in find_log_likelihoods(counts):
        highest = logs.max(axis=(0, 2))[:, None]
        density = np.zeros(highest.shape)
        for column, one in zip(weights[units].T, logs, strict=True):
            density = density + column[:, None] * np.exp(one - highest)
        low[units], high[units] = _find_densest(density, level)
    return np.minimum(low, mean), np.maximum(high, mean)


def _find_densest(density: Array, level: float) -> tuple[Array, Array]:
    """Outer edges of the most probable cells that together hold `level`; ties to the lower cell."""
    weights = density / density.sum(axis=1, keepdims=True)
    order = np.argsort(-weights, axis=1, kind="stable")
    held = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    n_needed = np.argmax(held >= level * (1 - 1e-12), axis=1)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(N_CELLS)[None, :], axis=1)
    inside = place <= n_needed[:, None]
    first = np.argmax(inside, axis=1)
    last = N_CELLS - 1 - np.argmax(inside[:, ::-1], axis=1)
    return first / N_CELLS, (last + 1) / N_CELLS


def count_fitting(*, precision: float, n_shown: int) -> int:
    """The count behind a published share: every published precision is a multiple of 1/57."""
    return round(precision * n_shown)


def count_interpretable(means: Sequence[float]) -> int:
    return sum(mean > INTERPRETABLE_ABOVE for mean in means)
