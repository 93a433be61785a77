"""Scenes: whole places put together from surroundings and objects."""

from collections.abc import Callable

import numpy as np

from annotator.demo.pictures.canvas import SIDE, Canvas, Pen, Pose, Tag, oval, tone
from annotator.demo.pictures.palette import near
from annotator.demo.pictures.surroundings import (
    lay_grass,
    lay_mountains,
    lay_night,
    lay_road,
    lay_sand,
    lay_sea,
    lay_sky,
    lay_wall,
    lay_water,
)
from annotator.demo.pictures.things.table import THINGS


def _stand(canvas: Canvas, name: str, x: float, bottom: float, size: float) -> None:
    """Put an upright object on the ground at a share of the width and height."""
    rng = canvas.rng
    pose = Pose(x=x * SIDE, y=(bottom - size) * SIDE, size=size * SIDE, mirrored=bool(rng.random() < 0.5))
    canvas.darken(pose.x, bottom * SIDE, pose.size * 1.1, pose.size * 0.14)
    THINGS[name].draw(Pen(canvas, pose, name))


def _scatter(canvas: Canvas, names: list[str], ground: tuple[float, float], sizes: tuple[float, float]) -> None:
    """Put objects on the ground from far to near: nearer ones stand lower and are larger."""
    rng = canvas.rng
    for depth, name in zip(np.sort(rng.random(len(names))), names, strict=True):
        bottom = ground[0] + (ground[1] - ground[0]) * depth
        _stand(canvas, name, float(rng.uniform(0.08, 0.92)), bottom, float(sizes[0] + (sizes[1] - sizes[0]) * depth))


def _choose(canvas: Canvas, names: list[str], low: int, high: int) -> list[str]:
    return [str(n) for n in canvas.rng.choice(names, int(canvas.rng.integers(low, high + 1)))]


def _sun(canvas: Canvas, color: tuple[float, float, float], name: str) -> None:
    x, y = canvas.rng.uniform((0.12, 0.08), (0.88, 0.26)) * SIDE
    radius = float(canvas.rng.uniform(20, 34))
    canvas.paint([oval(x, y, radius, radius)], color, Tag(name), shade=0.05)


def street(canvas: Canvas) -> None:
    """Houses behind a road with cars and people."""
    lay_sky(canvas)
    lay_road(canvas, 0.66)
    for x in np.arange(0.1, 1.1, float(canvas.rng.uniform(0.26, 0.36))):
        name = str(canvas.rng.choice(["building", "house", "house", "building", "tree"]))
        _stand(canvas, name, float(x), 0.69, float(canvas.rng.uniform(0.2, 0.3)))
    _scatter(canvas, _choose(canvas, ["car", "car", "bus", "bicycle", "person"], 2, 3), (0.8, 0.96), (0.11, 0.17))
    _scatter(canvas, _choose(canvas, ["traffic light", "sign", "person"], 1, 2), (0.9, 0.98), (0.16, 0.22))


def field(canvas: Canvas) -> None:
    """A wide meadow with trees far off and flowers near."""
    lay_sky(canvas)
    lay_grass(canvas, float(canvas.rng.uniform(0.42, 0.56)))
    _scatter(canvas, _choose(canvas, ["tree", "tree", "house", "fence"], 1, 4), (0.56, 0.66), (0.09, 0.15))
    _scatter(canvas, _choose(canvas, ["flower", "flower", "mushroom", "dog", "bird"], 3, 7), (0.78, 1.02), (0.06, 0.11))


def beach(canvas: Canvas) -> None:
    """Sand before the sea."""
    lay_sky(canvas)
    if canvas.rng.random() < 0.6:
        _sun(canvas, near(canvas.rng, (1.0, 0.92, 0.6), 0.03), "sun")
    lay_sea(canvas, 0.42)
    _scatter(canvas, _choose(canvas, ["boat"], 0, 2), (0.5, 0.58), (0.07, 0.12))
    lay_sand(canvas, float(canvas.rng.uniform(0.6, 0.68)), 14)
    _scatter(
        canvas, _choose(canvas, ["umbrella", "umbrella", "ball", "person", "chair"], 1, 4), (0.8, 0.98), (0.11, 0.16)
    )


def room(canvas: Canvas) -> None:
    """A living room with furniture."""
    lay_wall(canvas, 0.68)
    rng = canvas.rng
    for name, x in zip(_choose(canvas, ["painting", "clock", "painting"], 1, 2), (0.28, 0.72), strict=False):
        pose = Pose(x=x * SIDE, y=float(rng.uniform(0.18, 0.26)) * SIDE, size=float(rng.uniform(0.1, 0.16)) * SIDE)
        THINGS[name].draw(Pen(canvas, pose, name))
    _stand(canvas, "sofa", float(rng.uniform(0.35, 0.65)), 0.82, float(rng.uniform(0.24, 0.3)))
    _scatter(canvas, _choose(canvas, ["lamp", "chair", "table", "cat", "lamp"], 1, 3), (0.84, 0.98), (0.14, 0.2))


def night_sky(canvas: Canvas) -> None:
    """Stars and a moon over a dark land."""
    lay_night(canvas)
    if canvas.rng.random() < 0.75:
        _sun(canvas, near(canvas.rng, (0.97, 0.95, 0.84), 0.02), "moon")
    if canvas.rng.random() < 0.7:
        ridge = 0.88 * SIDE - 30 * np.abs(np.sin(np.arange(SIDE) / float(canvas.rng.uniform(30, 80))))
        land = ridge[None, :] < np.arange(SIDE)[:, None]
        canvas.cover(np.asarray(land), tone((0.05, 0.07, 0.12)), Tag("mountain"))


def mountains(canvas: Canvas) -> None:
    """A range of mountains with firs before it."""
    lay_sky(canvas)
    lay_mountains(canvas, float(canvas.rng.uniform(0.6, 0.72)))
    if canvas.rng.random() < 0.6:
        lay_grass(canvas, float(canvas.rng.uniform(0.74, 0.82)))
        _scatter(canvas, _choose(canvas, ["tree"], 1, 5), (0.84, 0.98), (0.07, 0.12))


def forest(canvas: Canvas) -> None:
    """Trees close together."""
    lay_sky(canvas, clouds=False)
    lay_grass(canvas, 0.6)
    _scatter(canvas, ["tree"] * int(canvas.rng.integers(8, 13)), (0.68, 1.08), (0.2, 0.34))
    _scatter(canvas, _choose(canvas, ["mushroom"], 0, 4), (0.9, 1.0), (0.05, 0.09))


def city(canvas: Canvas) -> None:
    """A skyline of tall buildings."""
    lay_sky(canvas)
    n = int(canvas.rng.integers(9, 14))
    for depth in np.sort(canvas.rng.random(n)):
        size = float(canvas.rng.uniform(0.2, 0.4))
        _stand(canvas, "building", float(canvas.rng.random()), 0.92 + 0.1 * float(depth), size)


def desert(canvas: Canvas) -> None:
    """Dunes with cactuses under a hot sky."""
    lay_sky(canvas, clouds=False)
    _sun(canvas, near(canvas.rng, (1.0, 0.94, 0.7), 0.02), "sun")
    for horizon in (0.45, 0.55, 0.68):
        lay_sand(canvas, horizon, 26)
    _scatter(canvas, _choose(canvas, ["cactus"], 1, 5), (0.68, 0.97), (0.09, 0.17))


def underwater(canvas: Canvas) -> None:
    """Fish in blue water above the sea floor."""
    rng = canvas.rng
    lay_water(canvas)
    for _ in range(int(rng.integers(3, 8))):
        x, y = rng.uniform((0.1, 0.12), (0.9, 0.75)) * SIDE
        pose = Pose(x, y, float(rng.uniform(30, 64)), float(rng.normal(0, 0.15)), bool(rng.random() < 0.5))
        THINGS["fish"].draw(Pen(canvas, pose, "fish"))


SCENES: dict[str, Callable[[Canvas], None]] = {
    "beach": beach,
    "city": city,
    "desert": desert,
    "field": field,
    "forest": forest,
    "mountains": mountains,
    "night sky": night_sky,
    "room": room,
    "street": street,
    "underwater": underwater,
}
