"""The crowd's six semantic categories and the codes under which answers of 2015 were published."""

from enum import StrEnum


class SemanticCategory(StrEnum):
    """In the order in which the HIT shows them (docs/measures.md, Semantic categories)."""

    SCENE = "scene"
    REGION_OR_SURFACE = "region or surface"
    OBJECT = "object"
    OBJECT_PART = "object part"
    TEXTURE_OR_MATERIAL = "texture or material"
    SIMPLE_ELEMENTS_OR_COLORS = "simple elements or colors"


# [ZKLOT15]'s published answers; ties between categories go to the lower code.
PUBLISHED_CODES = {
    1: SemanticCategory.SCENE,
    2: SemanticCategory.OBJECT,
    3: SemanticCategory.REGION_OR_SURFACE,
    4: SemanticCategory.OBJECT_PART,
    5: SemanticCategory.TEXTURE_OR_MATERIAL,
    6: SemanticCategory.SIMPLE_ELEMENTS_OR_COLORS,
}
