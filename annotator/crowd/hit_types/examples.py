"""The examples that a HIT page gives for each of the six categories."""

from annotator.crowd.categories import SemanticCategory

EXAMPLES = {
    SemanticCategory.SCENE: "a whole place: street, beach, corridor, bedroom",
    SemanticCategory.REGION_OR_SURFACE: "a stretch of something: road, grass, wall, sky, water",
    SemanticCategory.OBJECT: "a thing one can point at: lamp, car, dog, person",
    SemanticCategory.OBJECT_PART: "a part of a thing: wheel, leg, window, head",
    SemanticCategory.TEXTURE_OR_MATERIAL: "a pattern or stuff: stripes, wood, fur, brick",
    SemanticCategory.SIMPLE_ELEMENTS_OR_COLORS: "lines, edges, corners, dots, red, dark areas",
}
