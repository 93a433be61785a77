"""How often a fitted network errs, class by class, with intervals over photographs. docs/evidence.md, Fit.

Errors are shares of the test part. Several seeds make one figure: an error of a photograph is the share of runs that
err on it, so that intervals speak of photographs and not of runs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.resampling import bound_rate, compare_means, estimate_share

SEED = 2016
TOP = 5

Flags = NDArray[np.bool_]
Shares = NDArray[np.float64]


def rank_true(scores: torch.Tensor, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) how many classes score higher than the true one, or as high and come before it."""
    true = scores.gather(1, torch.from_numpy(labels)[:, None])
    before = torch.arange(scores.shape[1]) < torch.from_numpy(labels)[:, None]
    return np.asarray(((scores > true) | ((scores == true) & before)).sum(dim=1).numpy())


def describe_errors(
    ranks: Sequence[NDArray[np.int64]], labels: NDArray[np.int64], names: Sequence[str]
) -> dict[str, Any]:
    """Of the runs' ranks of the true class: top-1 and top-5 error and the error of each class, with 95 % intervals.

    Top-5 error is null for five classes or fewer.
    """
    first = np.mean([rank > 0 for rank in ranks], axis=0)
    told = _state("top1_error", first)
    beyond = np.mean([rank >= TOP for rank in ranks], axis=0) if len(names) > TOP else None
    told |= (
        dict.fromkeys(("top5_error", "top5_error_low", "top5_error_high"))
        if beyond is None
        else _state("top5_error", beyond)
    )
    return {**told, "classes": [_describe_class(name, first[labels == label]) for label, name in enumerate(names)]}


def compare(errors: Mapping[str, Shares]) -> list[dict[str, Any]]:
    """Each two heads' difference in error over the same photographs, first minus second, with its 95 % interval."""
    names = list(errors)
    pairs = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    found = []
    for one, other in pairs:
        difference = compare_means(errors[one], errors[other], is_paired=True, seed=SEED)
        told = {"value": difference.value, "low": difference.low, "high": difference.high, "p": difference.p}
        found.append({"first": one, "second": other, **told})
    return found


def _state(name: str, errors: Shares) -> dict[str, float | None]:
    found = estimate_share(errors, seed=SEED)
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _describe_class(name: str, errors: Shares) -> dict[str, Any]:
    low, high = bound_rate(float(errors.mean()), len(errors)) if len(errors) else (0.0, 1.0)
    error = float(errors.mean()) if len(errors) else None
    return {"name": name, "n_test": len(errors), "error": error, "low": low, "high": high}
