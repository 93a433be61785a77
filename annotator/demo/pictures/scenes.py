"""Scenes: whole places put together from surroundings and objects."""

from collections.abc import Callable

import numpy as np

from annotator.demo.pictures import surroundings as lay
from annotator.demo.pictures.canvas import SIDE, Canvas, Pen, Pose, Tag, oval
from annotator.demo.pictures.palette import near
from annotator.demo.pictures.things.table import THINGS

# The least and the most.
Range = tuple[float, float]


def _stand(canvas: Canvas, name: str, x: float, bottom: float, size: float) -> None:
    """Put an upright object on the ground at a share of the width and height."""
    rng = canvas.rng
    pose = Pose(x=x * SIDE, y=(bottom - size) * SIDE, size=size * SIDE, mirrored=bool(rng.random() < 0.5))
    canvas.darken(pose.x, bottom * SIDE, pose.size * 1.1, pose.size * 0.14)
    THINGS[name].draw(Pen(canvas, pose, name))


def _choose(canvas: Canvas, names: list[str], n: tuple[int, int]) -> list[str]:
    return [str(name) for name in canvas.rng.choice(names, int(canvas.rng.integers(n[0], n[1] + 1)))]


def _scatter(canvas: Canvas, names: list[str], n: tuple[int, int], bottoms: Range, sizes: Range) -> None:
    """Put some of these objects on the ground from far to near: nearer ones stand lower and are larger."""
    chosen = _choose(canvas, names, n)
    for depth, name in zip(np.sort(canvas.rng.random(len(chosen))), chosen, strict=True):
        bottom, size = (low + (high - low) * depth for low, high in (bottoms, sizes))
        _stand(canvas, name, float(canvas.rng.uniform(0.08, 0.92)), bottom, float(size))


def _sun(canvas: Canvas, color: tuple[float, float, float], name: str) -> None:
    x, y = canvas.rng.uniform((0.12, 0.08), (0.88, 0.26)) * SIDE
    radius = float(canvas.rng.uniform(20, 34))
    canvas.paint([oval(x, y, radius, radius)], color, Tag(name), shade=0.05)


def street(canvas: Canvas) -> None:
    """Houses behind a road with cars and people."""
    lay.sky(canvas)
    lay.road(canvas, 0.66)
    for x in np.arange(0.1, 1.1, float(canvas.rng.uniform(0.26, 0.36))):
        name = str(canvas.rng.choice(["building", "house", "house", "building", "tree"]))
        _stand(canvas, name, float(x), 0.69, float(canvas.rng.uniform(0.2, 0.3)))
    _scatter(canvas, ["car", "car", "bus", "bicycle", "person"], (2, 3), (0.8, 0.96), (0.11, 0.17))
    _scatter(canvas, ["traffic light", "sign", "person"], (1, 2), (0.9, 0.98), (0.16, 0.22))


def field(canvas: Canvas) -> None:
    """A wide meadow with trees far off and flowers near."""
    lay.sky(canvas)
    lay.grass(canvas, float(canvas.rng.uniform(0.42, 0.56)))
    _scatter(canvas, ["tree", "tree", "house", "fence"], (1, 4), (0.56, 0.66), (0.09, 0.15))
    _scatter(canvas, ["flower", "flower", "mushroom", "dog", "bird"], (3, 7), (0.78, 1.02), (0.06, 0.11))


def beach(canvas: Canvas) -> None:
    """Sand before the sea."""
    lay.sky(canvas)
    if canvas.rng.random() < 0.6:
        _sun(canvas, near(canvas.rng, (1.0, 0.92, 0.6), 0.03), "sun")
    lay.sea(canvas, 0.42)
    _scatter(canvas, ["boat"], (0, 2), (0.5, 0.58), (0.07, 0.12))
    lay.sand(canvas, float(canvas.rng.uniform(0.6, 0.68)), 14)
    _scatter(canvas, ["umbrella", "umbrella", "ball", "person", "chair"], (1, 4), (0.8, 0.98), (0.11, 0.16))


def room(canvas: Canvas) -> None:
    """A living room with furniture."""
    lay.wall(canvas, 0.68)
    rng = canvas.rng
    for name, x in zip(_choose(canvas, ["painting", "clock", "painting"], (1, 2)), (0.28, 0.72), strict=False):
        pose = Pose(x=x * SIDE, y=float(rng.uniform(0.18, 0.26)) * SIDE, size=float(rng.uniform(0.1, 0.16)) * SIDE)
        THINGS[name].draw(Pen(canvas, pose, name))
    _stand(canvas, "sofa", float(rng.uniform(0.35, 0.65)), 0.82, float(rng.uniform(0.24, 0.3)))
    _scatter(canvas, ["lamp", "chair", "table", "cat", "lamp"], (1, 3), (0.84, 0.98), (0.14, 0.2))


def night_sky(canvas: Canvas) -> None:
    """Stars and a moon over a dark land."""
    lay.night(canvas)
    if canvas.rng.random() < 0.75:
        _sun(canvas, near(canvas.rng, (0.97, 0.95, 0.84), 0.02), "moon")
    if canvas.rng.random() < 0.7:
        ridge = 0.88 * SIDE - 30 * np.abs(np.sin(np.arange(SIDE) / float(canvas.rng.uniform(30, 80))))
        land = ridge[None, :] < np.arange(SIDE)[:, None]
        canvas.cover((0.05, 0.07, 0.12), Tag("mountain"), land)


def mountains(canvas: Canvas) -> None:
    """A range of mountains with firs before it."""
    lay.sky(canvas)
    lay.mountains(canvas, float(canvas.rng.uniform(0.6, 0.72)))
    if canvas.rng.random() < 0.6:
        lay.grass(canvas, float(canvas.rng.uniform(0.74, 0.82)))
        _scatter(canvas, ["tree"], (1, 5), (0.84, 0.98), (0.07, 0.12))


def forest(canvas: Canvas) -> None:
    """Trees close together."""
    lay.sky(canvas, cloudy=False)
    lay.grass(canvas, 0.6)
    _scatter(canvas, ["tree"], (8, 12), (0.68, 1.08), (0.2, 0.34))
    _scatter(canvas, ["mushroom"], (0, 4), (0.9, 1.0), (0.05, 0.09))


def city(canvas: Canvas) -> None:
    """A skyline of tall buildings."""
    lay.sky(canvas)
    n = int(canvas.rng.integers(9, 14))
    for depth in np.sort(canvas.rng.random(n)):
        size = float(canvas.rng.uniform(0.2, 0.4))
        _stand(canvas, "building", float(canvas.rng.random()), 0.92 + 0.1 * float(depth), size)


def desert(canvas: Canvas) -> None:
    """Dunes with cactuses under a hot sky."""
    lay.sky(canvas, cloudy=False)
    _sun(canvas, near(canvas.rng, (1.0, 0.94, 0.7), 0.02), "sun")
    for horizon in (0.45, 0.55, 0.68):
        lay.sand(canvas, horizon, 26)
    _scatter(canvas, ["cactus"], (1, 5), (0.68, 0.97), (0.09, 0.17))


def underwater(canvas: Canvas) -> None:
    """Fish in blue water above the sea floor."""
    rng = canvas.rng
    lay.water(canvas)
    for _ in range(int(rng.integers(3, 8))):
        x, y = rng.uniform((0.1, 0.12), (0.9, 0.75)) * SIDE
        pose = Pose(x, y, float(rng.uniform(30, 64)), float(rng.normal(0, 0.15)), bool(rng.random() < 0.5))
        THINGS["fish"].draw(Pen(canvas, pose, "fish"))


_DRAWN = (beach, city, desert, field, forest, mountains, night_sky, room, street, underwater)
SCENES: dict[str, Callable[[Canvas], None]] = {draw.__name__.replace("_", " "): draw for draw in _DRAWN}
