"""How well a read-out does, with 95 % bootstrap intervals over photographs or questions; baselines by the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.resampling import Estimate, bootstrap, compare_means, estimate_mean, estimate_share

SEED = 2016

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


def tell(found: Estimate) -> dict[str, float | None]:
    return {"value": found.value, "low": found.low, "high": found.high}


def tell_mean(values: Sequence[float] | Values) -> dict[str, float | None]:
    """Mean of members with its interval."""
    return tell(estimate_mean(np.asarray(values, dtype=np.float64), seed=SEED))


def tell_share(values: Values | Flags) -> dict[str, float | None]:
    """Share of yes/no outcomes, or mean of each member's share of them, with its interval."""
    return tell(estimate_share(values, seed=SEED))


def tell_gain(values: Values | Flags, baseline: Values | Flags) -> dict[str, float | None]:
    """By how much the mean is higher than the baseline's, over the same members; p by permutation."""
    found = compare_means(
        np.asarray(values, np.float64), np.asarray(baseline, np.float64), is_paired=True, seed=SEED
    )  # fmt: skip
    return {"value": found.value, "low": found.low, "high": found.high, "p": found.p}


def find_precision(scores: NDArray[Any], truth: NDArray[Any]) -> float:
    """Average precision of (n,) scores: the mean over true members of the precision at their rank. Members of equal
    score count together, at the end of their run; not a number without true members.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(truth[order], dtype=np.float64)
    if not len(ranked) or not hits[-1]:
        return float("nan")
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    gained = np.diff(np.concatenate([[0.0], hits[ends]]))
    return float((gained * hits[ends] / (ends + 1)).sum() / hits[-1])


def tell_precision(scores: Values, truth: Flags) -> dict[str, float | None]:
    """Average precision over members, resampled."""

    def resample(drawn: Values) -> Values:
        times = drawn.astype(np.int64)
        return np.array([find_precision(np.repeat(scores, one), np.repeat(truth, one)) for one in times])

    return tell(bootstrap(resample, n=len(scores), seed=SEED))


def tell_explained(predicted: Values, truth: Values, baseline: float) -> dict[str, float | None]:
    """The share of the variance around the baseline that a prediction explains: 1 - sum of squared errors of the one by
    that of the other.
    """
    own, others = (truth - predicted) ** 2, (truth - baseline) ** 2

    def explain(drawn: Values) -> Values:
        total = drawn @ others
        return np.where(total > 0, 1 - drawn @ own / np.maximum(total, 1e-300), np.nan)

    return tell(bootstrap(explain, n=len(truth), seed=SEED))
