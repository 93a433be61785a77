"""Bootstrap and permutation: the only place that draws resamples. numpy only (docs/measures.md, Intervals and tests).

A statistic takes how often each of n members was drawn, (n_draws, n), and gives (n_draws,) values, NaN where it is not
defined. Members are units, or images. Equal seeds give equal numbers.
"""

import math
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
# Bounds this near to each other differ by rounding alone, in units of the value, or of 1.
ROUNDING = 1e-9
Z_95 = 1.959964


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; None if it is not defined. Without bounds, if all resamples are alike: members so
    few or so alike do not tell how far the value would move with others.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Difference:
    """First minus second, its 95 % bootstrap interval, and the two-sided p-value of the permutation test. Without
    bounds, if all resamples are alike.
    """

    value: float
    low: float | None
    high: float | None
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


def derange(*, n: int, seed: int) -> NDArray[np.int64]:
    """(n,) a random order in which nothing keeps its place, each such order equally likely; n is at least 2."""
    generator, places = np.random.default_rng(seed), np.arange(n)
    # Some 37 of 100 orders are of this kind, whatever n; drawing again until one is keeps them equally likely.
    while True:
        order = generator.permutation(n)
        if not (order == places).any():
            return order


def bootstrap(
    statistic: Statistic, *, n: int, seed: int, n_resamples: int = N_RESAMPLES, strata: Strata = None
) -> Estimate:
    """The statistic of all n members, and its percentile interval over resamples in which it is defined; stretched to
    the value itself, if resampling is so biased that all but a few resamples lie on one side of it.
    """
    value = float(statistic(np.ones((1, n)))[0]) if n else float("nan")
    if np.isnan(value):
        return Estimate(None)
    resamples = draw(n=n, seed=seed, n_resamples=n_resamples, strata=strata)
    drawn = np.concatenate([statistic(some) for some in resamples])
    return hold(value, *np.nanquantile(drawn, LEVELS))


def hold(value: float, low: float, high: float) -> Estimate:
    """The value with its interval, stretched to the value; with none, if the interval has no width."""
    low, high = min(float(low), value), max(float(high), value)
    return Estimate(value, low, high) if high - low > ROUNDING * max(1.0, abs(value)) else Estimate(value)


def estimate_mean(
    values: Sequence[float] | Array, *, seed: int, weights: Sequence[float] | Array | None = None, strata: Strata = None
) -> Estimate:
    """The (weighted) mean over members; a share if the values are 0 and 1. `weights` are 1 / probability of choice."""
    found = np.asarray(values, dtype=np.float64)
    weight = np.ones(len(found)) if weights is None else np.asarray(weights, dtype=np.float64)
    return bootstrap(lambda drawn: drawn @ (weight * found) / (drawn @ weight), n=len(found), seed=seed, strata=strata)


def estimate_share(values: Array | NDArray[np.bool_], *, seed: int, whole: float = 1.0) -> Estimate:
    """The mean of yes/no outcomes, or of each member's share of them, out of `whole`; by Wilson if all are 0 or all are
    whole.
    """
    found = whole * np.asarray(values, dtype=np.float64)
    return widen_certain(estimate_mean(found, seed=seed), n=len(found), whole=whole)


def widen_certain(found: Estimate, *, n: float, whole: float = 1.0) -> Estimate:
    """A share of n yes/no outcomes, out of `whole`: with Wilson's interval if all are 0 or all are whole, since
    resamples then have no other value.
    """
    if found.value is None or not (found.value == 0 or math.isclose(found.value, whole)):
        return found
    low, high = bound_rate(min(1.0, found.value / whole), n)
    return Estimate(found.value, low * whole, high * whole)


def count_effective(weights: Array) -> float:
    """How many members of equal weight tell as much as these [K65]: (sum w)^2 / sum w^2."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def bound_rate(rate: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval [W27] of a rate among n: of use for few members, and for rates of 0 and 1."""
    spread = Z_95 * Z_95 / n
    middle, root = rate + spread / 2, Z_95 * math.sqrt(rate * (1 - rate) / n + spread / (4 * n))
    # A rounding must not part 0 or 1 from the interval.
    return min(rate, max(0.0, (middle - root) / (1 + spread))), max(rate, min(1.0, (middle + root) / (1 + spread)))


def estimate_count(flags: Sequence[bool] | NDArray[np.bool_], *, seed: int) -> Estimate:
    """How many members have the flag, and the interval of that count for as many members; by Wilson if all or none."""
    found, n = np.asarray(flags, dtype=np.float64), len(flags)
    return widen_certain(bootstrap(lambda drawn: drawn @ found, n=n, seed=seed), n=n, whole=n)


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
    found = hold(value, *np.quantile(drawn, LEVELS))
    p = find_p(value=abs(value), by_chance=np.abs(dealt))
    return Difference(value, found.low, found.high, p, is_paired=is_paired, n_first=len(a), n_second=len(b))


@dataclass(frozen=True)
class Sampled:
    """(n,) values of members, how many members each stands for, and each one's stratum."""

    values: Array
    weights: Array
    strata: NDArray[np.int64]

    @property
    def is_even(self) -> bool:
        """True if every member stands for equally many: they can be dealt out again."""
        return bool(np.ptp(self.weights) < 1e-9)


def can_permute(first: Sampled, second: Sampled, *, is_paired: bool) -> bool:
    """Whether compare_samples permutes; otherwise its p-value is by bootstrap."""
    return is_paired or (first.is_even and second.is_even)


def compare_samples(first: Sampled, second: Sampled, *, is_paired: bool, seed: int) -> Difference:
    """compare_means of weighted means, resampled within strata; paired: both have the weights and strata of `first`.

    Members that were chosen with different probabilities cannot be dealt out again to two sides. The p-value is then
    the share of resamples that are as far from the observed difference as this is from zero [ET93] 16.
    """
    n_first, n_second = len(first.values), len(second.values)
    if is_paired:
        gaps = first.values - second.values
        value = float(np.average(gaps, weights=first.weights))
        drawn = _resample_weighted(Sampled(gaps, first.weights, first.strata), seed)
        dealt = _flip_signs(gaps * first.weights / first.weights.mean(), seed)
    elif can_permute(first, second, is_paired=False):
        return compare_means(first.values, second.values, is_paired=False, seed=seed)
    else:
        value = float(np.average(first.values, weights=first.weights))
        value -= float(np.average(second.values, weights=second.weights))
        drawn = _resample_weighted(first, seed) - _resample_weighted(second, seed + 1)
        dealt = drawn - value
    found = hold(value, *np.quantile(drawn, LEVELS))
    p = find_p(value=abs(value), by_chance=np.abs(dealt))
    return Difference(value, found.low, found.high, p, is_paired=is_paired, n_first=n_first, n_second=n_second)


def count_distinct(has: NDArray[np.bool_], drawn: Array) -> Array:
    """(n_draws,): of the k things that (n, k) members have, how many the drawn members have together."""
    found: Array = np.sum(drawn @ has.astype(np.float64) > 0, axis=1, dtype=np.float64)
    return found


def compare_distinct(first: NDArray[np.bool_], second: NDArray[np.bool_], *, is_paired: bool, seed: int) -> Difference:
    """Whether the members of `first`, (n, k), have more distinct things together than those of `second`, (m, k).

    A resample repeats members and so loses things, more on one side than on the other: the interval is that of the
    resamples, moved so that their mean lies on the value. The test exchanges the two sides of a member, or deals all
    members out again, and counts from the mean of what this gives.
    """
    n, m = len(first), len(second)
    value = float(first.any(axis=0).sum() - second.any(axis=0).sum())
    pairs = zip(draw(n=n, seed=seed), draw(n=m, seed=seed if is_paired else seed + 1), strict=True)
    drawn = np.concatenate([count_distinct(first, a) - count_distinct(second, b) for a, b in pairs])
    found = hold(value, *(value - drawn.mean() + np.quantile(drawn, LEVELS)))
    both, sides = np.concatenate([first, second]), _deal_sides(n, m, is_paired=is_paired, seed=seed)
    dealt = np.concatenate([count_distinct(both, side) - count_distinct(both, 1 - side) for side in sides])
    middle = float(dealt.mean())
    p = find_p(value=abs(value - middle), by_chance=np.abs(dealt - middle))
    return Difference(value, found.low, found.high, p, is_paired=is_paired, n_first=n, n_second=m)


def find_p(*, value: float, by_chance: Array) -> float:
    """One-sided: the share of values by chance that reach the observed one, which counts itself among them."""
    return float((1 + np.count_nonzero(by_chance >= value - 1e-12)) / (1 + len(by_chance)))


def _resample_mean(values: Array, seed: int) -> Array:
    return np.concatenate([drawn @ values for drawn in draw(n=len(values), seed=seed)]) / len(values)


def _resample_weighted(sample: Sampled, seed: int) -> Array:
    products = sample.weights * sample.values
    resamples = draw(n=len(products), seed=seed, strata=sample.strata)
    return np.concatenate([(drawn @ products) / (drawn @ sample.weights) for drawn in resamples])


def _deal_sides(n: int, m: int, *, is_paired: bool, seed: int) -> Iterator[Array]:
    """Which of n + m members are on the first side: chunks of (n_draws, n + m), 1 or 0."""
    generator = np.random.default_rng(seed)
    for first in range(0, N_PERMUTATIONS, DRAWS_AT_ONCE):
        n_draws = min(DRAWS_AT_ONCE, N_PERMUTATIONS - first)
        if is_paired:
            own = generator.integers(2, size=(n_draws, n)).astype(np.float64)
            yield np.concatenate([own, 1 - own], axis=1)
        else:
            plain = np.concatenate([np.ones(n), np.zeros(m)])
            yield generator.permuted(np.tile(plain, (n_draws, 1)), axis=1)


def _flip_signs(differences: Array, seed: int) -> Array:
    generator, n = np.random.default_rng(seed), len(differences)
    sizes = (min(DRAWS_AT_ONCE, N_PERMUTATIONS - first) for first in range(0, N_PERMUTATIONS, DRAWS_AT_ONCE))
    flips = (generator.integers(2, size=(size, n)) * 2 - 1 for size in sizes)
    return np.concatenate([signs @ differences for signs in flips]) / n


def _deal_out(a: Array, b: Array, seed: int) -> Array:
    generator = np.random.default_rng(seed)
    both = np.concatenate([a, b])
    dealt = (generator.permutation(both) for _ in range(N_PERMUTATIONS))
    return np.array([one[: len(a)].mean() - one[len(a) :].mean() for one in dealt])
