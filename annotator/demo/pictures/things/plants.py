"""Things that grow: tree, flower, leaf, mushroom, cactus, and fruit."""

import numpy as np

from annotator.demo.pictures.canvas import Pen, Points, Rgb, dim, flipped, oval, turned
from annotator.demo.pictures.materials import foliage, wood
from annotator.demo.pictures.palette import WHITE, near, vivid

_GREEN: Rgb = (0.25, 0.5, 0.2)


def tree(pen: Pen) -> None:
    """A leafy tree, or a fir."""
    rng = pen.rng
    trunk = wood(rng)
    if rng.random() < 0.35:
        pen.box((-0.09, 0.55, 0.09, 1.0), trunk, part="trunk", material="wood")
        for k, y in enumerate((0.65, 0.25, -0.12, -0.45)):
            half = 0.62 - 0.12 * k
            tier: Points = [(-half, y), (half, y), (0, y - 0.56)]
            green = near(rng, (0.12, 0.36, 0.2), 0.03)
            pen.polygon(tier, green, part="crown", material="foliage", edge=0.02, shade=0.4)
        return
    pen.polygon([(-0.1, 0.1), (0.1, 0.1), (0.16, 1.0), (-0.16, 1.0)], trunk, part="trunk", material="wood")
    for side in (-1, 1):
        pen.stroke([(0, 0.3), (side * 0.34, -0.05)], 0.08, trunk, part="trunk", material="wood")
    leaves = foliage(rng) * np.float32(rng.uniform(0.9, 1.3))
    blobs = ((0, -0.5, 0.46), (-0.42, -0.22, 0.36), (0.42, -0.22, 0.36), (0, -0.1, 0.4))
    pen.shapes([oval(x, y, r, r * 0.9) for x, y, r in blobs], leaves, part="crown", material="foliage", shade=0.6)


def flower(pen: Pen) -> None:
    """A flower from the front, on a stem with two leaves."""
    rng = pen.rng
    n_petals = int(rng.choice([5, 6, 8, 12, 16]))
    color = vivid(rng) if rng.random() < 0.75 else near(rng, WHITE, 0.04)
    pen.stroke([(0, 0), (0.06, 0.55), (0, 1.1)], 0.06, _GREEN, part="stem")
    for side in (-1, 1):
        leaf = flipped([(0.02, 0.85), (0.3, 0.6), (0.55, 0.62), (0.3, 0.85)], side)
        pen.polygon(leaf, near(rng, _GREEN, 0.05), part="stem", material="foliage", edge=0.015)
    width = min(0.34, 2.0 / n_petals)
    for turn in np.arange(n_petals) * 2 * np.pi / n_petals:
        petal = np.add(turned(oval(0.38, 0, 0.32, width / 1.4, 20), turn), (0, -0.1))
        pen.polygon(petal, near(rng, color, 0.02), part="petal", edge=0.022, shade=0.3)
    pen.ellipse(0, -0.1, 0.19, 0.19, near(rng, (0.95, 0.75, 0.15), 0.05), dome=True, edge=0.02)


def mushroom(pen: Pen) -> None:
    """A toadstool with white dots."""
    cap = near(pen.rng, (0.82, 0.13, 0.1) if pen.rng.random() < 0.6 else (0.6, 0.4, 0.22), 0.06)
    stem = near(pen.rng, (0.93, 0.9, 0.82), 0.03)
    pen.polygon([(-0.16, 0.0), (0.16, 0.0), (0.24, 0.9), (-0.24, 0.9)], stem, part="stem", edge=0.02)
    pen.ellipse(0, 0.06, 0.62, 0.12, (0.85, 0.78, 0.68))
    pen.polygon(oval(0, 0.06, 0.78, 0.82, 40, 180, 360), cap, texture="polka-dotted", edge=0.02, dome=True)
    dots = (
        (-0.4, -0.2, 0.11), (0.0, -0.5, 0.13), (0.4, -0.22, 0.12), (0.05, -0.12, 0.09), (-0.22, -0.52, 0.07),
        (0.6, -0.06, 0.07),
    )  # fmt: skip
    for x, y, r in dots:
        pen.ellipse(x, y, r, r * 0.85, WHITE, texture="polka-dotted", shade=0.1)


def cactus(pen: Pen) -> None:
    """A cactus with arms and ribs."""
    green = near(pen.rng, (0.28, 0.52, 0.28), 0.05)
    dark = dim(green, 0.6, 0.65, 0.6)
    arms = (((-0.05, 0.3), (-0.55, 0.3), (-0.55, -0.25)), ((0.05, 0.1), (0.5, 0.1), (0.5, -0.45)))
    for arm in arms:
        pen.stroke(arm, 0.24, green, part="arm")
        pen.stroke(arm, 0.03, dark, part="arm")
    pen.stroke([(0, 1.0), (0, -0.72)], 0.42, green)
    for x in (-0.12, 0.0, 0.12):
        pen.stroke([(x, 1.0), (x, -0.75)], 0.025, dark)
    for x, y in pen.rng.uniform((-0.18, -0.85), (0.18, 0.95), (40, 2)):
        pen.stroke([(x, y), (x + 0.035, y - 0.03)], 0.01, (0.95, 0.95, 0.8))


def strawberry(pen: Pen) -> None:
    """A strawberry with its seeds and green crown."""
    red = near(pen.rng, (0.86, 0.1, 0.12), 0.05)
    t = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    body = np.stack([0.68 * np.sin(t) * (1 - 0.22 * (1 - np.cos(t)) * 0.9), -0.75 * np.cos(t) + 0.1], axis=1)
    body[:, 0] *= np.where(body[:, 1] > 0.1, 0.92, 1.0)
    pen.polygon(body, red, dome=True, edge=0.02)
    for row, y in enumerate(np.linspace(-0.38, 0.6, 7)):
        half = 0.5 * np.sqrt(max(1 - ((y - 0.0) / 0.82) ** 2, 0))
        for x in np.arange(-half, half + 0.01, 0.2):
            pen.ellipse(x + 0.1 * (row % 2), y, 0.022, 0.035, (0.96, 0.84, 0.4), shade=0)
    for turn in np.linspace(-2.6, -0.5, 6):
        tip = (0.5 * np.cos(turn), -0.62 + 0.3 * np.sin(turn))
        pen.polygon([(-0.1, -0.6), tip, (0.1, -0.6), (tip[0] * 0.6, -0.42)], _GREEN, part="stem", edge=0.01)
    pen.stroke([(0, -0.6), (0.05, -0.95)], 0.05, _GREEN, part="stem")


def orange(pen: Pen) -> None:
    """An orange with a pitted skin, or its cut half."""
    skin = near(pen.rng, (0.96, 0.55, 0.08), 0.04)
    pen.ellipse(0, 0, 0.82, 0.8, skin, dome=True, edge=0.015)
    if pen.rng.random() < 0.5:
        pen.ellipse(0, 0, 0.72, 0.7, (0.98, 0.9, 0.7), shade=0.1)
        for turn in np.arange(9) * 2 * np.pi / 9:
            wedge = turned([(0.08, 0.0), (0.62, -0.19), (0.66, 0.0), (0.62, 0.19)], turn)
            pen.polygon(wedge, (0.98, 0.66, 0.18), edge=0.01, shade=0.3)
        return
    for x, y in pen.rng.uniform(-0.6, 0.6, (70, 2)):
        pen.ellipse(x, y, 0.013, 0.013, dim(skin, 0.75, 0.7, 0.5), shade=0)
    pen.ellipse(0.05, -0.62, 0.07, 0.05, _GREEN, part="stem")


def banana(pen: Pen) -> None:
    """Two bananas of a bunch."""
    for lift, tone in ((0.14, 0.9), (0.0, 1.0)):
        outer = oval(0, -0.5 + lift, 0.92, 0.98, 30, 15, 165)
        inner = oval(0, -0.62 + lift, 0.84, 0.62, 30, 15, 165)[::-1]
        yellow = near(pen.rng, (0.97 * tone, 0.84 * tone, 0.2), 0.02)
        pen.polygon(np.concatenate([outer, inner]), yellow, shade=0.5)
        ridge = oval(0, -0.55 + lift, 0.86, 0.8, 30, 25, 155)
        pen.stroke(ridge, 0.025, (0.78 * tone, 0.62 * tone, 0.12))
        for x in (outer[0], outer[-1]):
            pen.ellipse(x[0] * 0.98, x[1] - 0.06, 0.06, 0.07, (0.35, 0.27, 0.12), part="stem")
