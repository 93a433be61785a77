"""How far the people of a campaign agree with each other: Fleiss' kappa, Krippendorff's alpha, identical concepts.

J. L. Fleiss, Measuring nominal scale agreement among many raters, 1971; K. Krippendorff, Computing Krippendorff's
alpha-reliability, 2011. Counts have shape (n_units, n_labels): how many answers of the unit chose the label. Units with
one answer say nothing about agreement and are left out. Intervals are by bootstrap over units.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

N_RESAMPLES = 1000
SEED = 1951


@dataclass(frozen=True)
class Estimate:
    """None where it is not defined: no unit with two answers, or only one label used."""

    value: float | None
    low: float | None = None
    high: float | None = None


def measure_kappa(counts: Array) -> float | None:
    """Fleiss' kappa; units may have different numbers of answers."""
    kept = _keep_rated(counts)
    if not len(kept):
        return None
    n = kept.sum(axis=1)
    observed = float(np.mean((np.sum(kept**2, axis=1) - n) / (n * (n - 1))))
    expected = float(np.sum((kept.sum(axis=0) / kept.sum()) ** 2))
    return None if expected >= 1 else (observed - expected) / (1 - expected)


def measure_alpha(counts: Array) -> float | None:
    """Krippendorff's alpha for nominal data."""
    kept = _keep_rated(counts)
    if not len(kept):
        return None
    n = kept.sum(axis=1)
    totals, n_all = kept.sum(axis=0), float(kept.sum())
    observed = float(np.sum((n**2 - np.sum(kept**2, axis=1)) / (n - 1))) / n_all
    expected = (n_all**2 - float(np.sum(totals**2))) / (n_all * (n_all - 1))
    return None if expected <= 0 else 1 - observed / expected


def measure_identical(counts: Array) -> float | None:
    """Mean over units of the share of pairs of answers that chose the same."""
    kept = _keep_rated(counts)
    if not len(kept):
        return None
    n = kept.sum(axis=1)
    return float(np.mean((np.sum(kept**2, axis=1) - n) / (n * (n - 1))))


def estimate(
    measure: Callable[[Array], float | None], counts: Array, *, n_resamples: int = N_RESAMPLES, seed: int = SEED
) -> Estimate:
    """The measure with its 95 % percentile interval over resampled units."""
    value = measure(counts)
    if value is None:
        return Estimate(None)
    generator = np.random.default_rng(seed)
    draws = (measure(counts[generator.integers(len(counts), size=len(counts))]) for _ in range(n_resamples))
    found = [draw for draw in draws if draw is not None]
    low, high = np.quantile(found, [0.025, 0.975]) if found else (value, value)
    return Estimate(value=value, low=float(low), high=float(high))


def count_labels(choices: list[list[int]], *, n_labels: int) -> Array:
    """From each unit's chosen labels, numbered from 0."""
    counts = np.zeros((len(choices), n_labels))
    for i, chosen in enumerate(choices):
        np.add.at(counts[i], chosen, 1)
    return counts


def _keep_rated(counts: Array) -> Array:
    return np.asarray(counts[counts.sum(axis=1) >= 2])
