"""What a study's ratings say about each description and each method, with intervals (docs/studies.md, Intervals)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from annotator.studies.metrics import METRICS, Judged, add_up
from annotator.studies.votes import combine_votes, vote_by_majority
from workers.engine.resampling import LEVELS, Difference, Estimate, compare_means, hold

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

N_RESAMPLES = 400
# Hears how many resamples of how many are done.
Progress = Callable[[int, int], None]
BRAGG, MAJORITY = "bragg", "majority"


def tell_nobody(n_done: int, n_total: int) -> None:
    pass


@dataclass(frozen=True)
class Draws:
    """(n_draws,) the drawn images of all pairs, pairs ascending. `prior` is the concept model's probability."""

    pair: Integers
    activation: Array
    standardized: Array
    is_active: NDArray[np.bool_]
    weight: Array
    prior: Array


@dataclass(frozen=True)
class Ratings:
    """(n_ratings,): which draw was rated, by which rater, and whether the rater said yes."""

    draw: Integers
    rater: Integers
    says_yes: NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """(n_pairs,) unit and method of each unit-description pair; `methods` are the names."""

    unit: Integers
    method: Integers
    methods: Sequence[str]


@dataclass(frozen=True)
class Counting:
    """How votes become concepts."""

    rule: str = BRAGG
    error: float = 0.23


@dataclass(frozen=True)
class Comparison:
    """Two methods over the units that both describe. `p_corrected` is by Holm's method over all comparisons."""

    first: str
    second: str
    difference: Difference
    p_corrected: float


def judge_draws(
    draws: Draws, ratings: Ratings, *, n_pairs: int, counting: Counting, times: tuple[Array, Array] | None = None
) -> Judged:
    """Votes combined to the probability that a description holds. `times`: how often a resample drew each draw and
    each rater. A draw that nobody rated counts for nothing.
    """
    n = len(draws.pair)
    heard = np.ones(len(ratings.draw)) if times is None else times[1][ratings.rater]
    n_votes = add_up(heard, ratings.draw, n=n)
    n_yes = add_up(heard * ratings.says_yes, ratings.draw, n=n)
    if counting.rule == MAJORITY:
        concept = vote_by_majority(n_yes, n_votes)
    else:
        concept = combine_votes(n_yes, n_votes, prior=draws.prior, error=counting.error)
    is_rated = (np.bincount(ratings.draw, minlength=n) > 0).astype(np.float64)
    return Judged(
        pair=draws.pair,
        n_pairs=n_pairs,
        activation=draws.activation,
        standardized=draws.standardized,
        is_active=draws.is_active,
        weight=draws.weight,
        concept=concept,
        times=is_rated if times is None else is_rated * times[0],
    )


def score_pairs(judged: Judged) -> dict[str, Array]:
    """By metric, (n_pairs,); NaN for a pair of which no draw was rated."""
    is_rated = judged.add(judged.times) > 0
    return {name: np.where(is_rated, measure(judged), np.nan) for name, measure in METRICS.items()}


def score_methods(
    draws: Draws,
    ratings: Ratings,
    *,
    pairs: Pairs,
    counting: Counting,
    seed: int,
    progress: Progress = tell_nobody,
) -> list[dict[str, Estimate]]:
    """For each method, by metric, the mean over its units, with a 95 % interval over units, images and raters.

    Each resample draws units, drawn images within each pair, and raters. Resampling raters leaves some images with
    fewer votes, which moves all scores; the interval is therefore moved so that its mean lies on the value.
    """
    judged = judge_draws(draws, ratings, n_pairs=len(pairs.unit), counting=counting)
    value = _average(score_pairs(judged), pairs, np.ones(len(pairs.unit)))
    drawn = np.empty((N_RESAMPLES, *value.shape))
    for number, one in enumerate(_resample(draws, ratings, pairs, counting, seed)):
        drawn[number] = one
        progress(number + 1, N_RESAMPLES)
    # Without a rated pair a method has no value in any resample.
    drawn[:, np.isnan(value)] = 0
    low, high = value - np.nanmean(drawn, axis=0) + np.nanquantile(drawn, LEVELS, axis=0)
    return [
        {
            name: Estimate(None) if np.isnan(value[m, k]) else hold(float(value[m, k]), low[m, k], high[m, k])
            for k, name in enumerate(METRICS)
        }
        for m in range(len(pairs.methods))
    ]


def compare_methods(scores: Array, *, pairs: Pairs, seed: int) -> list[Comparison]:
    """Each two methods by one metric's (n_pairs,) scores, paired by unit, with Holm's correction.

    Signs of the units' differences are flipped at random. Methods without two units in common are not compared. A
    score that is NaN is of a pair that nobody rated, and takes part in nothing.
    """
    found = []
    is_known = ~np.isnan(scores)
    for first, second in combinations(range(len(pairs.methods)), 2):
        known_rows = (rows[is_known[rows]] for rows in _rows_of(pairs, first, second))
        a, b = (dict(zip(pairs.unit[rows], scores[rows], strict=True)) for rows in known_rows)
        both = sorted(a.keys() & b.keys())
        if len(both) > 1:
            sides = [np.array([side[unit] for unit in both]) for side in (a, b)]
            found.append((first, second, compare_means(*sides, is_paired=True, seed=seed)))
    corrected = correct_for_many([difference.p for _, _, difference in found])
    return [
        Comparison(pairs.methods[first], pairs.methods[second], difference, p)
        for (first, second, difference), p in zip(found, corrected, strict=True)
    ]


def correct_for_many(p: Sequence[float]) -> list[float]:
    """Holm's step-down method: p times the number of tests that are left, never below a smaller one's."""
    corrected = [1.0] * len(p)
    least = 0.0
    for place, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        least = max(least, min(1.0, p[i] * (len(p) - place)))
        corrected[i] = least
    return corrected


def keep_first(draws: Draws, ratings: Ratings, *, share: float) -> tuple[Draws, Ratings]:
    """The first rated draws of each pair and what was said of them: the study after that share of its cost."""
    is_rated = np.bincount(ratings.draw, minlength=len(draws.pair)) > 0
    draws, ratings = _keep(draws, ratings, is_rated)
    first = np.flatnonzero(np.append(True, np.diff(draws.pair) != 0))
    sizes = np.diff(np.append(first, len(draws.pair)))
    place = np.arange(len(draws.pair)) - np.repeat(first, sizes)
    return _keep(draws, ratings, place < np.repeat(np.ceil(share * sizes), sizes))


def _keep(draws: Draws, ratings: Ratings, is_kept: NDArray[np.bool_]) -> tuple[Draws, Ratings]:
    kept = is_kept[ratings.draw]
    new = np.cumsum(is_kept) - 1
    fewer = Draws(*(getattr(draws, name)[is_kept] for name in Draws.__dataclass_fields__))
    return fewer, Ratings(new[ratings.draw[kept]], ratings.rater[kept], ratings.says_yes[kept])


def _rows_of(pairs: Pairs, *methods: int) -> Iterator[Integers]:
    return (np.flatnonzero(pairs.method == method) for method in methods)


def _resample(draws: Draws, ratings: Ratings, pairs: Pairs, counting: Counting, seed: int) -> Iterator[Array]:
    """Per resample, (n_methods, n_metrics) means."""
    generator = np.random.default_rng(seed)
    n_pairs, n_raters = len(pairs.unit), int(ratings.rater.max(initial=-1)) + 1
    n_units = int(pairs.unit.max(initial=-1)) + 1
    first = np.searchsorted(draws.pair, np.arange(n_pairs))
    sizes = np.bincount(draws.pair, minlength=n_pairs)[draws.pair]
    for _ in range(N_RESAMPLES):
        chosen = first[draws.pair] + (generator.random(len(sizes)) * sizes).astype(np.int64)
        images = np.bincount(chosen, minlength=len(sizes)).astype(np.float64)
        raters = np.bincount(generator.integers(n_raters, size=n_raters), minlength=n_raters).astype(np.float64)
        units = np.bincount(generator.integers(n_units, size=n_units), minlength=n_units).astype(np.float64)
        judged = judge_draws(draws, ratings, n_pairs=n_pairs, counting=counting, times=(images, raters))
        yield _average(score_pairs(judged), pairs, units[pairs.unit])


def _average(scores: dict[str, Array], pairs: Pairs, times: Array) -> Array:
    """(n_methods, n_metrics) means over rated pairs; NaN if a resample drew none of a method."""
    means = []
    for name in METRICS:
        known = ~np.isnan(scores[name])
        sums, total = (
            add_up((times * values)[known], pairs.method[known], n=len(pairs.methods))
            for values in (scores[name], np.ones(len(known)))
        )
        means.append(np.divide(sums, total, out=np.full(len(total), np.nan), where=total > 0))
    return np.array(means).T
