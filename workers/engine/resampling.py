"""Bootstrap and permutation: the only place that draws resamples. numpy only (docs/measures.md, Intervals and tests).

A statistic takes how often each of n members was drawn, (n_draws, n), and gives (n_draws,) values, NaN where it is not
defined. Members are units, or images. Equal seeds give equal numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]
Strata = NDArray[np.int64] | None

N_RESAMPLES = 1000
N_PERMUTATIONS = 1999
# Resamples per chunk: 100,000 members then take 40 MB.
DRAWS_AT_ONCE = 50
LEVELS = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; None if it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Difference:
    """First minus second, its 95 % bootstrap interval, and the two-sided p-value of the permutation test."""

    value: float
    low: float
    high: float
    p: float
    is_paired: bool
    n_first: int
    n_second: int


def draw(*, n: int, seed: int, n_resamples: int = N_RESAMPLES, strata: Strata = None) -> Iterator[Array]:
    """How often each of n members is drawn, with replacement, in each resample: chunks of (n_draws, n).

    `strata` (n,) numbers each member's stratum: a resample has as many members of each as there are.
    """
    generator = np.random.default_rng(seed)
    groups = [np.arange(n)] if strata is None else [np.flatnonzero(strata == one) for one in np.unique(strata)]
    for first in range(0, n_resamples, DRAWS_AT_ONCE):
        n_draws = min(DRAWS_AT_ONCE, n_resamples - first)
        drawn = np.empty((n_draws, n))
        for group in groups:
            k = len(group)
            drawn[:, group] = generator.multinomial(k, np.full(k, 1 / k), size=n_draws)
        yield drawn


def bootstrap(
    statistic: Statistic, *, n: int, seed: int, n_resamples: int = N_RESAMPLES, strata: Strata = None
) -> Estimate:
    """The statistic of all n members, and its percentile interval over resamples in which it is defined."""
    value = float(statistic(np.ones((1, n)))[0]) if n else float("nan")
    if np.isnan(value):
        return Estimate(None)
    resamples = draw(n=n, seed=seed, n_resamples=n_resamples, strata=strata)
    drawn = np.concatenate([statistic(some) for some in resamples])
    low, high = np.nanquantile(drawn, LEVELS)
    return Estimate(value=value, low=float(low), high=float(high))


def estimate_mean(
    values: Sequence[float] | Array, *, seed: int, weights: Sequence[float] | Array | None = None, strata: Strata = None
) -> Estimate:
    """The (weighted) mean over members; a share if the values are 0 and 1. `weights` are 1 / probability of choice."""
    found = np.asarray(values, dtype=np.float64)
    weight = np.ones(len(found)) if weights is None else np.asarray(weights, dtype=np.float64)
    return bootstrap(lambda drawn: drawn @ (weight * found) / (drawn @ weight), n=len(found), seed=seed, strata=strata)


def estimate_count(flags: Sequence[bool] | NDArray[np.bool_], *, seed: int) -> Estimate:
    """How many members have the flag, and the interval of that count for as many members."""
    found = np.asarray(flags, dtype=np.float64)
    return bootstrap(lambda drawn: drawn @ found, n=len(found), seed=seed)


def compare_means(
    first: Sequence[float] | Array, second: Sequence[float] | Array, *, is_paired: bool, seed: int
) -> Difference:
    """Whether the mean of `first` differs from that of `second`; each has at least one value.

    Paired: value i of both is of the same member; members are resampled, and the test flips the signs of their
    differences. Otherwise: each side is resampled alone, and the test deals all values out to the two sides again.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    value = float(a.mean() - b.mean())
    if is_paired:
        drawn, dealt = _resample_mean(a - b, seed), _flip_signs(a - b, seed)
    else:
        drawn = _resample_mean(a, seed) - _resample_mean(b, seed + 1)
        dealt = _deal_out(a, b, seed)
    low, high = np.quantile(drawn, LEVELS)
    p = find_p(value=abs(value), by_chance=np.abs(dealt))
    return Difference(value, float(low), float(high), p, is_paired=is_paired, n_first=len(a), n_second=len(b))


def find_p(*, value: float, by_chance: Array) -> float:
    """One-sided: the share of values by chance that reach the observed one, which counts itself among them."""
    return float((1 + np.count_nonzero(by_chance >= value - 1e-12)) / (1 + len(by_chance)))


def _resample_mean(values: Array, seed: int) -> Array:
    return np.concatenate([drawn @ values for drawn in draw(n=len(values), seed=seed)]) / len(values)


def _flip_signs(differences: Array, seed: int) -> Array:
    generator = np.random.default_rng(seed)
    flips = (generator.integers(2, size=len(differences)) * 2 - 1 for _ in range(N_PERMUTATIONS))
    return np.array([signs @ differences for signs in flips]) / len(differences)


def _deal_out(a: Array, b: Array, seed: int) -> Array:
    generator = np.random.default_rng(seed)
    both = np.concatenate([a, b])
    dealt = (generator.permutation(both) for _ in range(N_PERMUTATIONS))
    return np.array([one[: len(a)].mean() - one[len(a) :].mean() for one in dealt])
