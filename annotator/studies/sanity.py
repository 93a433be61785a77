"""Two tests that a metric must pass before it is believed (docs/studies.md, Sanity tests) [OYKW25].

A description that misses half of the images where it holds is worse, and so is one that holds on as many more. A metric
that does not fall by both is marked.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from annotator.studies.metrics import METRICS, Judged

Array = NDArray[np.float64]

N_REPEATS = 16
# A metric passes if it falls in so large a share of pairs and repeats.
MUST_FALL = 0.9


@dataclass(frozen=True)
class Sanity:
    """The shares of pairs and repeats in which a metric falls; None if no pair can be tested."""

    falls_by_missing: float | None
    falls_by_added: float | None

    @property
    def is_passed(self) -> bool:
        shares = (self.falls_by_missing, self.falls_by_added)
        return all(share is not None and share >= MUST_FALL for share in shares)


def check_metrics(judged: Judged, *, seed: int) -> dict[str, Sanity]:
    """By metric, whether it falls if half of the positives are removed, and if as many false ones are added.

    Of each pair it asks about a description that fits by construction: it holds where the unit is active. So the
    verdict is about the metric, and no wrong description takes part. Only pairs count whose unit is active on two drawn
    images or more, and not on all.
    """
    held = judged.is_active
    crisp = replace(judged, concept=held.astype(np.float64), times=np.ones(len(held)))
    n_held = crisp.add(crisp.concept)
    counted = (n_held >= 2) & (n_held < crisp.add(np.ones(len(held))))
    generator = np.random.default_rng(seed)
    fallen = {name: np.zeros(2) for name in METRICS}
    for _ in range(N_REPEATS if counted.any() else 0):
        worse = (_remove_half(crisp, generator), _add_as_many(crisp, generator))
        for name, measure in METRICS.items():
            before = measure(crisp)[counted]
            fallen[name] += [float(np.mean(measure(one)[counted] < before)) for one in worse]
    return {name: _sum_up(shares, is_known=bool(counted.any())) for name, shares in fallen.items()}


def _sum_up(shares: Array, *, is_known: bool) -> Sanity:
    missing, added = (shares / N_REPEATS).tolist()
    return Sanity(missing, added) if is_known else Sanity(None, None)


def _remove_half(judged: Judged, generator: np.random.Generator) -> Judged:
    held = judged.concept > 0
    rank = _rank_within(judged, held, generator)
    n_kept = judged.add(held.astype(np.float64)) // 2
    return replace(judged, concept=(held & (rank < n_kept[judged.pair])).astype(np.float64))


def _add_as_many(judged: Judged, generator: np.random.Generator) -> Judged:
    """As much weight of images where the description does not hold as of those where it does."""
    held = judged.concept > 0
    order = np.lexsort((generator.random(len(held)), held, judged.pair))
    mass = np.where(held, 0, judged.mass)[order]
    so_far = np.cumsum(mass)
    pair = judged.pair[order]
    first = np.append(True, np.diff(pair) != 0)
    within = so_far - mass - (so_far - mass)[first][np.cumsum(first) - 1]
    wanted = judged.add(judged.mass * held)
    added = np.zeros(len(held), dtype=bool)
    added[order] = ~held[order] & (within < wanted[pair])
    return replace(judged, concept=(held | added).astype(np.float64))


def _rank_within(judged: Judged, members: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.int64]:
    """(n_draws,) each member's random place among the members of its pair; others come after them."""
    order = np.lexsort((generator.random(len(members)), ~members, judged.pair))
    pair = judged.pair[order]
    first = np.flatnonzero(np.append(True, np.diff(pair) != 0))
    place = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = place
    return rank
