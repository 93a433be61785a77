"""The labels of the rendered concept images, by category, and the words that people have for them.

Numbers are fixed by the order below (1 is the first color), so that a label means the same in every set.
"""

from dataclasses import dataclass
from types import MappingProxyType

Words = tuple[str, ...]


def _read(text: str) -> dict[str, Words]:
    """The labels of a text, each with its words: `name: word/word` or, if the first word is the name, `name/word`."""
    entries = (entry.strip().rpartition(": ") for entry in text.split(","))
    return {name or words.partition("/")[0]: tuple(words.split("/")) for name, _, words in entries}


# Each label with the words that people use for it, the most common first; in the order of the label numbers.
# Categories are in the order of category.csv; a tie of coverage goes to the later one.
_TEXTS = {
    "color": """
        black-c: black, blue-c: blue, brown-c: brown, green-c: green, grey-c: grey/gray, orange-c: orange color,
        pink-c: pink, purple-c: purple/violet, red-c: red, white-c: white, yellow-c: yellow""",
    "object": """
        airplane/plane/aeroplane, ball/soccer ball/balls, balloon/hot-air balloon/balloons, banana/bananas,
        bicycle/bike/bicycles, bird/birds, boat/sailboat/boats, book/books, building/buildings/skyscraper,
        bus/buses, butterfly/butterflies, cactus/cactuses, candle/candles, car/cars/automobile, castle/castles,
        cat/cats, chair/chairs, clock/clocks, cloud/clouds, cup/mug/cups, dog/dogs, fence/fences, fish/fishes,
        floor, flower/flowers, grass/lawn, guitar/guitars, house/houses, keyboard/keyboards,
        ladybird/ladybug/ladybirds, lamp/lamps, lighthouse/lighthouses, moon, mountain/mountains,
        mushroom/mushrooms, orange/oranges, painting/picture, person/people, pizza/pizzas, road/street surface,
        sand, sea/water, sign/signs/road sign, sky, sofa/couch/sofas, spider/spiders, star/stars,
        strawberry/strawberries, sun, table/tables, traffic light/traffic lights/stoplight, tree/trees,
        umbrella/umbrellas, wall/walls""",
    "part": """
        arm/arms, beak/bill, chimney/chimneys, crown: treetop/crown, door/doors, ear/ears, eye/eyes, fin/fins,
        flame/flames, hair, handle/handles, head/heads, headlight/headlights, leg/legs, mouth/mouths, nose/noses,
        petal/petals, roof/roofs, sail/sails, stem/stems, tail/tails, torso/body, trunk/tree trunk, wheel/wheels,
        window/windows, wing/wings""",
    "material": """
        brick/bricks, fabric/cloth, foliage/leaves, fur/hair, glass, metal, paper/printed text,
        stone/stones/pebbles, tile/tiles, wood/wood grain""",
    "scene": """
        beach, city/skyline, desert, field/meadow, forest/woods, mountains/mountain landscape, night sky/starry sky,
        room/living room, street, underwater/under water""",
    "texture": """
        bubbly: bubbles/bubbly, chequered/checkered/checkerboard, cobwebbed: cobweb/spider web/cobwebbed,
        cracked: cracks/cracked, grid/grids, honeycombed: honeycomb/honeycombed, knitted/knitting,
        polka-dotted: polka dots/dots/polka-dotted, spiralled: spiral/spirals/spiralled,
        sprinkled: sprinkles/sprinkled, striped: stripes/striped, woven/weave, zigzagged: zigzag/zigzags/zigzagged""",
}
CATEGORIES: MappingProxyType[str, dict[str, Words]] = MappingProxyType({c: _read(text) for c, text in _TEXTS.items()})
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
