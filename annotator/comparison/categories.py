"""The crowd's six categories beside Broden's six: shares and the table of confusions."""

from collections import Counter
from collections.abc import Iterable

from annotator.crowd.categories import SemanticCategory

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


def count_confusions(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """From (crowd's, Broden's) of each unit: crowd's category -> Broden's category -> units."""
    counts = Counter(pairs)
    return {str(ours): {theirs: counts[ours, theirs] for theirs in BRODEN_CATEGORIES} for ours in SemanticCategory}


def is_counterpart(semantic: str, broden: str) -> bool:
    return semantic in COUNTERPARTS.get(broden, frozenset())
