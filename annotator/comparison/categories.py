"""The crowd's six categories beside Broden's six: shares and the table of confusions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from annotator.crowd.categories import SemanticCategory
from workers.engine.resampling import Array, bootstrap

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


def share_categories(categories: Iterable[str]) -> dict[str, float]:
    """Share of each of the six, in the order of the HIT; answers without a category are left out."""
    counts = Counter(category for category in categories if category)
    n = counts.total()
    return {str(category): counts[category] / n if n else 0.0 for category in SemanticCategory}


def estimate_shares(by_unit: Sequence[Sequence[str]]) -> dict[str, dict[str, float | None]]:
    """From the categories of each unit's answers: the 95 % interval of each share, by bootstrap over units."""
    counts = np.array([[chosen.count(category) for category in SemanticCategory] for chosen in by_unit], dtype=float)
    intervals = {}
    for place, category in enumerate(SemanticCategory):
        found = bootstrap(partial(_weigh_share, counts, place), n=len(counts), seed=SEED)
        intervals[str(category)] = {"low": found.low, "high": found.high}
    return intervals


def _weigh_share(counts: Array, place: int, drawn: Array) -> Array:
    n = drawn @ counts.sum(axis=1)
    return np.asarray(np.divide(drawn @ counts[:, place], n, out=np.full(len(drawn), np.nan), where=n > 0))


def count_confusions(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """From (crowd's, Broden's) of each unit: crowd's category -> Broden's category -> units."""
    counts = Counter(pairs)
    return {str(ours): {theirs: counts[ours, theirs] for theirs in BRODEN_CATEGORIES} for ours in SemanticCategory}


def is_counterpart(semantic: str, broden: str) -> bool:
    return semantic in COUNTERPARTS.get(broden, frozenset())
