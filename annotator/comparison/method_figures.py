"""The methods that describe a layer's units: how many units, mean scores, shared words, and how raters agree."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import rankdata

from annotator.comparison.methods import Said, gather_said
from annotator.comparison.shared_words import SharedWords, measure_shared_words
from workers.engine.resampling import Array, Estimate, bootstrap, estimate_mean

SEED = 2026
MIN_RATED = 3


@dataclass(frozen=True)
class RaterAgreement:
    """Two raters' ratings of the same descriptions: Pearson's and Spearman's correlation."""

    n_units: int
    correlation: Estimate
    rank_correlation: float


@dataclass(frozen=True)
class MethodFigures:
    name: str
    n_units: int
    score_name: str
    score: Estimate
    raters: RaterAgreement | None


@dataclass(frozen=True)
class MethodPair:
    first: str
    second: str
    shared: SharedWords


@dataclass(frozen=True)
class LayerMethods:
    methods: list[MethodFigures]
    pairs: list[MethodPair]


def describe_methods(unit_ids: Iterable[int]) -> LayerMethods:
    """Of one layer's units, or any others. Pairs without a unit in common are left out."""
    said = gather_said(unit_ids)
    texts = {name: {unit: one.text for unit, one in by_unit.items()} for name, by_unit in said.items()}
    pairs = [
        MethodPair(first, second, shared)
        for first, second in combinations(texts, 2)
        if (shared := measure_shared_words(texts[first], texts[second]))
    ]
    return LayerMethods([_describe(name, list(by_unit.values())) for name, by_unit in said.items()], pairs)


def _describe(name: str, said: Sequence[Said]) -> MethodFigures:
    ordered = sorted(said, key=lambda one: one.unit_id)
    scores = [one.score for one in ordered if one.score is not None]
    return MethodFigures(
        name=name,
        n_units=len(said),
        score_name=said[0].score_name if scores else "",
        score=estimate_mean(scores, seed=SEED) if scores else Estimate(None),
        raters=_compare_raters([one.details["ratings"] for one in ordered if "ratings" in one.details]),
    )


def _compare_raters(ratings: Sequence[Sequence[float]]) -> RaterAgreement | None:
    """None if fewer than three descriptions were rated, or a rater gave all the same rating."""
    table = np.array(ratings, dtype=np.float64)
    if len(table) < MIN_RATED or not table.std(axis=0).all():
        return None
    ranks = np.column_stack([rankdata(column) for column in table.T])
    correlation = bootstrap(lambda drawn: correlate(table, drawn), n=len(table), seed=SEED)
    return RaterAgreement(len(table), correlation, float(correlate(ranks, np.ones((1, len(ranks))))[0]))


def correlate(table: Array, drawn: Array) -> Array:
    """Pearson's correlation of two columns, for each row of counts in `drawn`; not a number without variance."""
    n = drawn.sum(axis=1)
    x, y = table[:, 0], table[:, 1]
    mean_x, mean_y = drawn @ x / n, drawn @ y / n
    variance = (drawn @ x**2 / n - mean_x**2) * (drawn @ y**2 / n - mean_y**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Array = (drawn @ (x * y) / n - mean_x * mean_y) / np.sqrt(np.maximum(variance, 0))
    return found
