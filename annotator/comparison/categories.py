"""The crowd's six categories beside Broden's six: shares and the table of confusions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from annotator.crowd.categories import SemanticCategory
from workers.engine.resampling import Array, Estimate, Strata, bootstrap, count_effective, widen_certain

SEED = 2014

BRODEN_CATEGORIES = ("object", "part", "scene", "material", "texture", "color")

# The categories of the crowd that correspond to each of Broden's. Broden has no region: its sky and grass are objects.
COUNTERPARTS: dict[str, frozenset[str]] = {
    "object": frozenset({SemanticCategory.OBJECT, SemanticCategory.REGION_OR_SURFACE}),
    "part": frozenset({SemanticCategory.OBJECT_PART}),
    "scene": frozenset({SemanticCategory.SCENE}),
    "material": frozenset({SemanticCategory.TEXTURE_OR_MATERIAL}),
    "texture": frozenset({SemanticCategory.TEXTURE_OR_MATERIAL}),
    "color": frozenset({SemanticCategory.SIMPLE_ELEMENTS_OR_COLORS}),
}


def estimate_shares(
    by_unit: Sequence[Sequence[str]], *, weights: Array | None = None, strata: Strata = None
) -> dict[str, Estimate]:
    """From the categories of each unit's answers: the share of each of the six, in the order of the HIT, with its 95 %
    interval by bootstrap over units, and by Wilson if it is 0 or 1. Answers without a category are left out.
    `weights`: units that a unit stands for.
    """
    counts = np.array([[chosen.count(category) for category in SemanticCategory] for chosen in by_unit], dtype=float)
    if weights is not None:
        counts *= weights[:, None]
    has_any = counts.sum(axis=1) > 0
    n_told = count_effective((np.ones(len(counts)) if weights is None else weights)[has_any]) if has_any.any() else 0.0

    def estimate(place: int) -> Estimate:
        found = bootstrap(partial(_weigh_share, counts, place), n=len(counts), seed=SEED, strata=strata)
        return widen_certain(found, n=n_told)

    return {str(category): estimate(place) for place, category in enumerate(SemanticCategory)}


def _weigh_share(counts: Array, place: int, drawn: Array) -> Array:
    n = drawn @ counts.sum(axis=1)
    return np.asarray(np.divide(drawn @ counts[:, place], n, out=np.full(len(drawn), np.nan), where=n > 0))


def count_confusions(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """From (crowd's, Broden's) of each unit: crowd's category -> Broden's category -> units."""
    counts = Counter(pairs)
    return {str(ours): {theirs: counts[ours, theirs] for theirs in BRODEN_CATEGORIES} for ours in SemanticCategory}


def is_counterpart(semantic: str, broden: str) -> bool:
    return semantic in COUNTERPARTS.get(broden, frozenset())
