"""The groups of the talk's figure of object detectors: under which heading a concept stands."""

from annotator.labels.lexicon import Lexicon

OTHER = "other objects"
# Group -> words whose kinds and synonyms belong there. The first group that fits is taken.
ROOTS: dict[str, tuple[str, ...]] = {
    "buildings": ("building", "roof", "skyline", "arch", "dome", "spire", "column", "window", "door", "bridge"),
    "people": ("person", "face", "head", "body part", "people", "crowd", "hair", "clothes"),
    "furniture": ("furniture", "seat", "cabinet", "shelf", "pool table", "work surface", "closet"),
    "lighting": ("light", "lighting", "chandelier"),
    "nature": (
        "nature", "landscape", "animal", "plant", "water", "sky", "cloud", "earth", "sand", "snow", "stone", "wood",
        "waterfall", "fruit",
    ),
    "scenes": ("room", "store", "city", "corridor", "stadium", "golf course", "playground"),
    "outdoor objects": (
        "vehicle", "wheel", "road", "sign", "fence", "athletic field", "track", "sidewalk", "train", "tent", "umbrella",
        "stairway", "railing", "windmill", "tower", "structure",
    ),
    "indoor objects": (
        "appliance", "container", "food", "fabric", "painting", "screen", "television", "book", "floor", "ceiling",
        "wall", "curtain", "musical instrument", "ball", "computer", "clock", "pillow", "sink", "text",
    ),
}  # fmt: skip
GROUPS = (*ROOTS, OTHER)


def find_group(*, concept: str, category: str, lexicon: Lexicon) -> str:
    """By the whole concept, then by its last word; scenes by their category alone."""
    if category == "scene":
        return "scenes"
    for word in dict.fromkeys((concept, lexicon.singular(concept), lexicon.singular(concept).rpartition(" ")[2])):
        for group, roots in ROOTS.items():
            if any(_belongs(word, lexicon.singular(root), lexicon) for root in roots):
                return group
    return OTHER


def _belongs(word: str, root: str, lexicon: Lexicon) -> bool:
    return bool(word == root or lexicon.find_synonymy(word, root) or lexicon.find_wideness(root, word))
