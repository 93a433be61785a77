"""The labels of the rendered concept images, by category, and the words that people have for them.

Numbers are fixed by the order below (1 is the first color), so that a label means the same in every set.
"""

from dataclasses import dataclass
from types import MappingProxyType

Words = tuple[str, ...]

# Each label with the words that people use for it, the most common first; in the order of the label numbers.
COLORS: dict[str, Words] = {
    "black-c": ("black",),
    "blue-c": ("blue",),
    "brown-c": ("brown",),
    "green-c": ("green",),
    "grey-c": ("grey", "gray"),
    "orange-c": ("orange color",),
    "pink-c": ("pink",),
    "purple-c": ("purple", "violet"),
    "red-c": ("red",),
    "white-c": ("white",),
    "yellow-c": ("yellow",),
}
OBJECTS: dict[str, Words] = {
    "airplane": ("airplane", "plane", "aeroplane"),
    "ball": ("ball", "soccer ball", "balls"),
    "balloon": ("balloon", "hot-air balloon", "balloons"),
    "banana": ("banana", "bananas"),
    "bicycle": ("bicycle", "bike", "bicycles"),
    "bird": ("bird", "birds"),
    "boat": ("boat", "sailboat", "boats"),
    "book": ("book", "books"),
    "building": ("building", "buildings", "skyscraper"),
    "bus": ("bus", "buses"),
    "butterfly": ("butterfly", "butterflies"),
    "cactus": ("cactus", "cactuses"),
    "candle": ("candle", "candles"),
    "car": ("car", "cars", "automobile"),
    "castle": ("castle", "castles"),
    "cat": ("cat", "cats"),
    "chair": ("chair", "chairs"),
    "clock": ("clock", "clocks"),
    "cloud": ("cloud", "clouds"),
    "cup": ("cup", "mug", "cups"),
    "dog": ("dog", "dogs"),
    "fence": ("fence", "fences"),
    "fish": ("fish", "fishes"),
    "floor": ("floor",),
    "flower": ("flower", "flowers"),
    "grass": ("grass", "lawn"),
    "guitar": ("guitar", "guitars"),
    "house": ("house", "houses"),
    "keyboard": ("keyboard", "keyboards"),
    "ladybird": ("ladybird", "ladybug", "ladybirds"),
    "lamp": ("lamp", "lamps"),
    "lighthouse": ("lighthouse", "lighthouses"),
    "moon": ("moon",),
    "mountain": ("mountain", "mountains"),
    "mushroom": ("mushroom", "mushrooms"),
    "orange": ("orange", "oranges"),
    "painting": ("painting", "picture"),
    "person": ("person", "people"),
    "pizza": ("pizza", "pizzas"),
    "road": ("road", "street surface"),
    "sand": ("sand",),
    "sea": ("sea", "water"),
    "sign": ("sign", "signs", "road sign"),
    "sky": ("sky",),
    "sofa": ("sofa", "couch", "sofas"),
    "spider": ("spider", "spiders"),
    "star": ("star", "stars"),
    "strawberry": ("strawberry", "strawberries"),
    "sun": ("sun",),
    "table": ("table", "tables"),
    "traffic light": ("traffic light", "traffic lights", "stoplight"),
    "tree": ("tree", "trees"),
    "umbrella": ("umbrella", "umbrellas"),
    "wall": ("wall", "walls"),
}
PARTS: dict[str, Words] = {
    "arm": ("arm", "arms"),
    "beak": ("beak", "bill"),
    "chimney": ("chimney", "chimneys"),
    "crown": ("treetop", "crown"),
    "door": ("door", "doors"),
    "ear": ("ear", "ears"),
    "eye": ("eye", "eyes"),
    "fin": ("fin", "fins"),
    "flame": ("flame", "flames"),
    "hair": ("hair",),
    "handle": ("handle", "handles"),
    "head": ("head", "heads"),
    "headlight": ("headlight", "headlights"),
    "leg": ("leg", "legs"),
    "mouth": ("mouth", "mouths"),
    "nose": ("nose", "noses"),
    "petal": ("petal", "petals"),
    "roof": ("roof", "roofs"),
    "sail": ("sail", "sails"),
    "stem": ("stem", "stems"),
    "tail": ("tail", "tails"),
    "torso": ("torso", "body"),
    "trunk": ("trunk", "tree trunk"),
    "wheel": ("wheel", "wheels"),
    "window": ("window", "windows"),
    "wing": ("wing", "wings"),
}
MATERIALS: dict[str, Words] = {
    "brick": ("brick", "bricks"),
    "fabric": ("fabric", "cloth"),
    "foliage": ("foliage", "leaves"),
    "fur": ("fur", "hair"),
    "glass": ("glass",),
    "metal": ("metal",),
    "paper": ("paper", "printed text"),
    "stone": ("stone", "stones", "pebbles"),
    "tile": ("tile", "tiles"),
    "wood": ("wood", "wood grain"),
}
SCENES: dict[str, Words] = {
    "beach": ("beach",),
    "city": ("city", "skyline"),
    "desert": ("desert",),
    "field": ("field", "meadow"),
    "forest": ("forest", "woods"),
    "mountains": ("mountains", "mountain landscape"),
    "night sky": ("night sky", "starry sky"),
    "room": ("room", "living room"),
    "street": ("street",),
    "underwater": ("underwater", "under water"),
}
TEXTURES: dict[str, Words] = {
    "bubbly": ("bubbles", "bubbly"),
    "chequered": ("chequered", "checkered", "checkerboard"),
    "cobwebbed": ("cobweb", "spider web", "cobwebbed"),
    "cracked": ("cracks", "cracked"),
    "grid": ("grid", "grids"),
    "honeycombed": ("honeycomb", "honeycombed"),
    "knitted": ("knitted", "knitting"),
    "polka-dotted": ("polka dots", "dots", "polka-dotted"),
    "spiralled": ("spiral", "spirals", "spiralled"),
    "sprinkled": ("sprinkles", "sprinkled"),
    "striped": ("stripes", "striped"),
    "woven": ("woven", "weave"),
    "zigzagged": ("zigzag", "zigzags", "zigzagged"),
}
# Category names in the order of category.csv; a tie of coverage goes to the later one.
CATEGORIES: MappingProxyType[str, dict[str, Words]] = MappingProxyType(
    {"color": COLORS, "object": OBJECTS, "part": PARTS, "material": MATERIALS, "scene": SCENES, "texture": TEXTURES}
)
# Objects without a shape of their own: people call these a region or a surface.
SURFACES = frozenset({"floor", "grass", "mountain", "road", "sand", "sea", "sky", "wall"})
# Parts that lie on other parts have a label map of their own.
INNER_PARTS = frozenset({"beak", "ear", "eye", "hair", "mouth", "nose", "window", "door", "headlight", "handle"})


@dataclass(frozen=True)
class Label:
    """One label of the set: its number, its name and its category."""

    number: int
    name: str
    category: str


def _number_labels() -> tuple[Label, ...]:
    pairs = [(name, category) for category, names in CATEGORIES.items() for name in names]
    return tuple(Label(number=i, name=name, category=category) for i, (name, category) in enumerate(pairs, start=1))


LABELS = _number_labels()
NUMBERS: MappingProxyType[tuple[str, str], int] = MappingProxyType({(x.category, x.name): x.number for x in LABELS})
