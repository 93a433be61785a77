"""How far the people of a campaign agree with each other: Fleiss' kappa, Krippendorff's alpha, identical concepts.

[F71], [K11]; docs/measures.md, Agreement between people. Counts have shape (n_units, n_labels): how many answers of the
unit chose the label. Units with one answer say nothing about agreement and are left out. Intervals are by bootstrap
over units.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workers.engine.resampling import N_RESAMPLES, Estimate, bootstrap, widen_certain

Array = NDArray[np.float64]

Measure = Callable[[Array, Array], Array]

SEED = 1951


def measure(weigh: Measure, counts: Array) -> float | None:
    """The value of one of the three measures below; None if it is not defined."""
    kept = _keep_rated(counts)
    value = float(weigh(kept, np.ones((1, len(kept))))[0]) if len(kept) else math.nan
    return None if math.isnan(value) else value


# Each takes rated units (n_units, n_labels) and how often each unit was drawn (n_draws, n_units), and gives (n_draws,)
# values, NaN if the measure is not defined.
def weigh_kappa(kept: Array, drawn: Array) -> Array:
    """Fleiss' kappa; units may have different numbers of answers."""
    observed = drawn @ _share_equal_pairs(kept) / drawn.sum(axis=1)
    totals = drawn @ kept
    expected = np.sum((totals / totals.sum(axis=1, keepdims=True)) ** 2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(expected < 1, (observed - expected) / (1 - expected), math.nan))


def weigh_alpha(kept: Array, drawn: Array) -> Array:
    """Krippendorff's alpha for nominal data."""
    n = kept.sum(axis=1)
    totals = drawn @ kept
    n_all = totals.sum(axis=1)
    observed = drawn @ ((n**2 - np.sum(kept**2, axis=1)) / (n - 1)) / n_all
    expected = (n_all**2 - np.sum(totals**2, axis=1)) / (n_all * (n_all - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(expected > 0, 1 - observed / expected, math.nan))


def weigh_identical(kept: Array, drawn: Array) -> Array:
    """Mean over units of the share of pairs of answers that chose the same."""
    return np.asarray(drawn @ _share_equal_pairs(kept) / drawn.sum(axis=1))


def _share_equal_pairs(kept: Array) -> Array:
    n = kept.sum(axis=1)
    return np.asarray((np.sum(kept**2, axis=1) - n) / (n * (n - 1)))


def estimate(weigh: Measure, counts: Array, *, n_resamples: int = N_RESAMPLES, seed: int = SEED) -> Estimate:
    """One of the three measures with its 95 % percentile interval over resampled units. The share of identical pairs
    has Wilson's interval if it is 0 or 1.
    """
    kept = _keep_rated(counts)
    found = bootstrap(lambda drawn: weigh(kept, drawn), n=len(kept), seed=seed, n_resamples=n_resamples)
    return widen_certain(found, n=len(kept)) if weigh is weigh_identical else found


def count_labels(choices: list[list[int]], *, n_labels: int) -> Array:
    """From each unit's chosen labels, numbered from 0."""
    counts = np.zeros((len(choices), n_labels))
    for i, chosen in enumerate(choices):
        np.add.at(counts[i], chosen, 1)
    return counts


def _keep_rated(counts: Array) -> Array:
    return np.asarray(counts[counts.sum(axis=1) >= 2])
