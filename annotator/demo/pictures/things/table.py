"""Every object that the renderer can draw, and how it is placed."""

from dataclasses import dataclass
from types import MappingProxyType

from annotator.demo.pictures.canvas import Draw
from annotator.demo.pictures.things import buildings, creatures, household, plants, vehicles


@dataclass(frozen=True)
class Thing:
    """How an object is drawn: in which surroundings, how far it may tilt (degrees), how many at most.

    `share` counts its own pictures in each round of the deck; 0 means that it occurs in scenes only. Some
    things come up often, so that most of a unit's 57 top images can show one thing.
    """

    draw: Draw
    around: str
    tilt: float = 8.0
    crowd: int = 2
    share: int = 1


# Around: outdoors (sky, ground), indoors (wall, floor), air (sky), water (sea), under water, loose (any plain ground).
THINGS: MappingProxyType[str, Thing] = MappingProxyType(
    {
        "airplane": Thing(vehicles.airplane, "air", tilt=20),
        "ball": Thing(household.ball, "loose", tilt=180, crowd=3),
        "balloon": Thing(vehicles.balloon, "air", crowd=3, share=4),
        "banana": Thing(plants.banana, "loose", tilt=180, crowd=3),
        "bicycle": Thing(vehicles.bicycle, "outdoors", tilt=5, share=4),
        "bird": Thing(creatures.bird, "outdoors", tilt=12, crowd=3),
        "boat": Thing(vehicles.boat, "water", crowd=3),
        "book": Thing(household.book, "indoors", tilt=4, crowd=1, share=4),
        "building": Thing(buildings.building, "outdoors", tilt=2, crowd=4, share=0),
        "bus": Thing(vehicles.bus, "outdoors", tilt=4, crowd=1, share=4),
        "butterfly": Thing(creatures.butterfly, "loose", tilt=180, crowd=4, share=4),
        "cactus": Thing(plants.cactus, "outdoors", crowd=3, share=0),
        "candle": Thing(household.candle, "indoors", tilt=3, crowd=4),
        "car": Thing(vehicles.car, "outdoors", tilt=5, share=4),
        "castle": Thing(buildings.castle, "outdoors", tilt=2, crowd=1),
        "cat": Thing(creatures.cat, "indoors", tilt=12),
        "chair": Thing(household.chair, "indoors", tilt=3, crowd=3, share=0),
        "clock": Thing(household.clock, "indoors", tilt=10, crowd=3, share=4),
        "cup": Thing(household.cup, "indoors", tilt=5, crowd=3, share=4),
        "dog": Thing(creatures.dog, "outdoors", tilt=12),
        "fence": Thing(buildings.fence, "outdoors", tilt=2, crowd=1, share=0),
        "fish": Thing(creatures.fish, "under water", tilt=25, crowd=4),
        "flower": Thing(plants.flower, "loose", tilt=25, crowd=5),
        "guitar": Thing(household.guitar, "indoors", tilt=50, crowd=1, share=4),
        "house": Thing(buildings.house, "outdoors", tilt=2, share=4),
        "keyboard": Thing(household.keyboard, "loose", tilt=30, crowd=1, share=4),
        "ladybird": Thing(creatures.ladybird, "loose", tilt=180, crowd=4),
        "lamp": Thing(household.lamp, "indoors", tilt=3),
        "lighthouse": Thing(buildings.lighthouse, "water", tilt=2, crowd=1),
        "mushroom": Thing(plants.mushroom, "outdoors", tilt=12, crowd=4, share=4),
        "orange": Thing(plants.orange, "loose", tilt=180, crowd=5),
        "painting": Thing(household.painting, "indoors", tilt=4, crowd=3, share=0),
        "person": Thing(creatures.person, "outdoors", tilt=4, crowd=4),
        "face": Thing(creatures.face, "loose", tilt=12, crowd=2),
        "pizza": Thing(household.pizza, "loose", tilt=180, crowd=2, share=4),
        "sign": Thing(buildings.sign, "outdoors", tilt=6, crowd=3),
        "sofa": Thing(household.sofa, "indoors", tilt=2, crowd=1, share=4),
        "spider": Thing(creatures.spider, "loose", tilt=180, crowd=3),
        "strawberry": Thing(plants.strawberry, "loose", tilt=40, crowd=5, share=4),
        "table": Thing(household.table, "indoors", tilt=2, crowd=1, share=0),
        "traffic light": Thing(buildings.traffic_light, "outdoors", tilt=4, crowd=3),
        "tree": Thing(plants.tree, "outdoors", tilt=4, crowd=4),
        "umbrella": Thing(household.umbrella, "loose", tilt=20, crowd=3, share=4),
    }
)
# A portrait is a picture of a person.
OBJECT_OF: MappingProxyType[str, str] = MappingProxyType({"face": "person"})
