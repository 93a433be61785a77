"""People and animals: person, face, bird, fish, butterfly, ladybird, cat, dog, spider."""

from functools import partial

import numpy as np

from annotator.demo.pictures.canvas import Pen, Points, Rgb, dim, flipped, oval
from annotator.demo.pictures.palette import BLACK, SKIN, WHITE, near, pick, vivid

_HAIR = ((0.12, 0.09, 0.08), (0.36, 0.22, 0.12), (0.85, 0.68, 0.35), (0.6, 0.28, 0.12), (0.55, 0.54, 0.53))
_COATS = ((0.78, 0.53, 0.28), (0.5, 0.33, 0.2), (0.3, 0.28, 0.27), (0.86, 0.8, 0.72), (0.6, 0.58, 0.56))
_IRIS = ((0.2, 0.4, 0.65), (0.3, 0.5, 0.25), (0.4, 0.25, 0.12))


def _eye(pen: Pen, x: float, y: float, size: float, iris: Rgb, white: Rgb = WHITE) -> None:
    """White, iris, pupil and glint."""
    pen.ellipse(x, y, size * 1.25, size * 0.85, white, part="eye", edge=size * 0.12, shade=0.1)
    pen.ellipse(x, y, size * 0.7, size * 0.7, iris, part="eye", shade=0.1)
    pen.ellipse(x, y, size * 0.36, size * 0.36, BLACK, part="eye", shade=0)
    pen.ellipse(x - size * 0.2, y - size * 0.22, size * 0.16, size * 0.16, WHITE, part="eye", shade=0)


def _head(pen: Pen, x: float, y: float, size: float, skin: Rgb) -> None:
    """A human head from the front."""

    def at(dx: float, dy: float) -> tuple[float, float]:
        return x + size * dx, y + size * dy

    hair = pick(pen.rng, _HAIR)
    long = float(pen.rng.choice([0.1, 0.9]))
    pen.ellipse(*at(0, -0.15), size * 0.95, size * 1.12, hair, part="hair")
    if long > 0.5:
        pen.box((*at(-0.95, -0.1), *at(0.95, 1.15)), hair, size * 0.3, part="hair")
    for side in (-1, 1):
        pen.ellipse(*at(side * 0.8, 0.05), size * 0.13, size * 0.22, skin, part="ear", edge=size * 0.03)
    pen.ellipse(x, y, size * 0.8, size * 1.03, skin, part="head", dome=True, edge=size * 0.03)
    fringe: Points = [*oval(*at(0, -0.12), size * 0.84, size * 1.0, 24, 190, 350), at(0.2, -0.62)]
    pen.polygon(fringe, hair, part="hair")
    iris = pick(pen.rng, _IRIS)
    for side in (-1, 1):
        _eye(pen, *at(side * 0.34, -0.08), size * 0.15, iris)
        pen.stroke([at(side * 0.18, -0.3), at(side * 0.5, -0.33)], size * 0.07, hair, part="head")
    pen.polygon([at(-0.02, -0.05), at(0.14, 0.3), at(-0.12, 0.3)], dim(skin, 0.78, 0.7, 0.68), part="nose")
    smile = oval(*at(0, 0.5), size * 0.33, size * float(pen.rng.uniform(0.05, 0.22)), 20, 0, 180)
    pen.polygon(smile, (0.72, 0.2, 0.22), part="mouth", shade=0)
    pen.stroke([at(-0.3, 0.5), at(0.3, 0.5)], size * 0.05, (0.5, 0.15, 0.15), part="mouth")


def person(pen: Pen) -> None:
    """A standing person."""
    skin, shirt, trousers = pick(pen.rng, SKIN), vivid(pen.rng), near(pen.rng, (0.2, 0.25, 0.4), 0.12)
    lift = float(pen.rng.uniform(-0.25, 0.3))
    for side in (-1, 1):
        pen.stroke([(side * 0.1, 0.3), (side * 0.15, 0.9)], 0.17, trousers, part="leg", material="fabric")
        pen.ellipse(side * 0.19, 0.95, 0.13, 0.06, BLACK, part="leg")
        pen.stroke([(side * 0.25, -0.32), (side * 0.42, 0.0)], 0.14, shirt, part="arm", material="fabric")
        pen.stroke([(side * 0.42, 0.0), (side * 0.47, lift)], 0.1, skin, part="arm")
    pen.box((-0.27, -0.42, 0.27, 0.36), shirt, 0.14, part="torso", material="fabric", edge=0.015)
    pen.stroke([(0, -0.5), (0, -0.38)], 0.15, skin, part="torso")
    _head(pen, 0, -0.68, 0.24, skin)


def face(pen: Pen) -> None:
    """A portrait: head and shoulders."""
    skin, shirt = pick(pen.rng, SKIN), vivid(pen.rng)
    pen.box((-0.9, 0.62, 0.9, 1.6), shirt, 0.4, part="torso", material="fabric", edge=0.02)
    pen.stroke([(0, 0.4), (0, 0.72)], 0.4, dim(skin, 0.85, 0.82, 0.8), part="torso")
    _head(pen, 0, -0.12, 0.66, skin)


def bird(pen: Pen) -> None:
    """A perching songbird."""
    coat, belly = vivid(pen.rng), near(pen.rng, (0.95, 0.88, 0.75), 0.08)
    dark = dim(coat, 0.55)
    for x in (-0.02, 0.12):
        pen.stroke([(x, 0.42), (x + 0.03, 0.75), (x + 0.15, 0.78)], 0.035, (0.55, 0.38, 0.2), part="leg")
    pen.polygon([(-0.38, 0.12), (-1.0, 0.42), (-0.94, 0.56), (-0.3, 0.36)], dark, part="tail", edge=0.02)
    pen.ellipse(0.0, 0.1, 0.52, 0.38, coat, part="torso", dome=True, edge=0.015)
    pen.polygon(oval(0.08, 0.14, 0.42, 0.33, 30, 0, 150), belly, part="torso")
    pen.polygon([(0.6, -0.4), (0.92, -0.3), (0.6, -0.22)], (0.95, 0.62, 0.12), part="beak", edge=0.015)
    pen.ellipse(0.42, -0.32, 0.27, 0.26, coat, part="head", dome=True, edge=0.015)
    _eye(pen, 0.5, -0.36, 0.06, BLACK)
    pen.polygon([(0.2, -0.05), (-0.1, -0.13), (-0.62, 0.34), (-0.2, 0.36), (0.12, 0.22)], dark, part="wing", edge=0.02)
    for k in range(4):
        feather = [(0.02 - 0.1 * k, 0.06 + 0.05 * k), (-0.36 - 0.05 * k, 0.3)]
        pen.stroke(feather, 0.015, (dark[0] * 0.5,) * 3, part="wing")


def fish(pen: Pen) -> None:
    """A bright fish from the side."""
    coat = vivid(pen.rng)
    fin = near(pen.rng, (min(coat[0] * 1.2, 1), coat[1] * 0.8, coat[2] * 0.7), 0.08)
    pen.polygon([(-0.5, 0.0), (-1.0, -0.42), (-0.86, 0.0), (-1.0, 0.42)], fin, part="tail", edge=0.02)
    pen.polygon([(0.25, -0.3), (-0.1, -0.66), (-0.42, -0.55), (-0.36, -0.2)], fin, part="fin", edge=0.02)
    pen.polygon([(0.05, 0.3), (-0.2, 0.6), (-0.38, 0.2)], fin, part="fin", edge=0.02)
    pen.ellipse(0.05, 0.0, 0.72, 0.4, coat, part="torso", dome=True, edge=0.015)
    for row, y in enumerate(np.linspace(-0.26, 0.26, 6)):
        for x in np.arange(-0.45, 0.34, 0.13):
            if ((x + 0.05) / 0.68) ** 2 + (y / 0.36) ** 2 < 1:
                arc = oval(x + 0.065 * (row % 2), y, 0.075, 0.075, 9, 95, 265)
                pen.stroke(arc, 0.014, dim(coat, 0.6), part="torso")
    pen.polygon([(0.2, 0.04), (-0.08, 0.26), (-0.02, -0.02)], fin, part="fin", edge=0.015)
    pen.stroke([(0.68, 0.13), (0.76, 0.1)], 0.025, BLACK, part="mouth")
    _eye(pen, 0.52, -0.08, 0.085, (0.9, 0.7, 0.1))


# The upper and the lower wing of a butterfly, and how much smaller its color is than its black.
_WINGS = (
    ([(0.04, -0.1), (0.4, -0.72), (0.86, -0.7), (0.95, -0.35), (0.6, 0.06), (0.06, 0.1)], 0.16),
    ([(0.05, 0.08), (0.6, 0.08), (0.78, 0.42), (0.5, 0.78), (0.22, 0.6)], 0.15),
)


def butterfly(pen: Pen) -> None:
    """A butterfly with open wings."""
    color, spot = vivid(pen.rng), near(pen.rng, WHITE, 0.1)
    for side in (-1, 1):
        for points, shrink in _WINGS:
            wing = flipped(points, side)
            middle = wing.mean(axis=0)
            pen.polygon(wing, BLACK, part="wing", shade=0)
            pen.polygon(middle + (wing - middle) * (1 - shrink), color, part="wing", shade=0.3)
            for corner in wing[1:-1]:
                pen.stroke([(side * 0.06, 0.0), tuple(middle + (corner - middle) * 0.9)], 0.022, BLACK, part="wing")
                x, y = middle + (corner - middle) * 0.93
                pen.ellipse(float(x), float(y), 0.04, 0.04, spot, part="wing", shade=0)
        pen.stroke([(side * 0.02, -0.3), (side * 0.16, -0.62)], 0.018, BLACK)
    pen.ellipse(0, 0.05, 0.07, 0.42, (0.16, 0.12, 0.1), part="torso")
    pen.ellipse(0, -0.34, 0.09, 0.09, (0.16, 0.12, 0.1), part="head")


def ladybird(pen: Pen) -> None:
    """A red beetle with black dots, from above."""
    for y in (-0.25, 0.05, 0.35):
        pen.stroke([(-0.78, y + 0.1), (0.78, y + 0.1)], 0.07, BLACK, part="leg")
    pen.ellipse(0, -0.55, 0.36, 0.3, BLACK, part="head")
    for side in (-1, 1):
        pen.ellipse(side * 0.2, -0.64, 0.09, 0.07, WHITE, part="eye")
        pen.stroke([(side * 0.15, -0.78), (side * 0.3, -0.98)], 0.035, BLACK, part="head")
    red = near(pen.rng, (0.86, 0.12, 0.08), 0.06)
    pen.ellipse(0, 0.08, 0.66, 0.7, red, part="wing", texture="polka-dotted", dome=True)
    pen.stroke([(0, -0.6), (0, 0.76)], 0.04, BLACK, part="wing", texture="polka-dotted")
    for x, y in ((0.3, -0.25), (0.4, 0.15), (0.24, 0.48)):
        for side in (-1, 1):
            pen.ellipse(side * x, y, 0.13, 0.13, BLACK, part="wing", texture="polka-dotted", shade=0)


def _muzzle_animal(pen: Pen, *, pointed: bool) -> None:
    """Head of a cat (pointed ears, whiskers) or a dog (hanging ears, long muzzle), from the front, on its chest."""
    coat = pick(pen.rng, _COATS)
    iris, white = ((0.45, 0.65, 0.2), (0.85, 0.85, 0.6)) if pointed else ((0.35, 0.2, 0.1), WHITE)
    pale, dark = near(pen.rng, (0.93, 0.88, 0.82), 0.04), dim(coat, 0.6, 0.55, 0.5)
    pen.ellipse(0, 1.0, 0.7, 0.62, coat, part="torso", material="fur", edge=0.02)
    pen.ellipse(0, 0.98, 0.36, 0.42, pale, part="torso", material="fur")
    for side in (-1, 1) if pointed else ():
        ear = flipped([(0.2, -0.48), (0.62, -0.92), (0.64, -0.22)], side)
        pen.polygon(ear, coat, part="ear", material="fur", edge=0.03)
        inner_ear = flipped([(0.34, -0.48), (0.56, -0.74), (0.56, -0.32)], side)
        pen.polygon(inner_ear, (0.87, 0.6, 0.58), part="ear")
    pen.ellipse(0, 0.0, 0.68, 0.6, coat, part="head", material="fur", edge=0.02, dome=True)
    if pointed:
        for x in (-0.16, 0.0, 0.16):
            pen.stroke([(x, -0.54), (x * 0.8, -0.34)], 0.06, dark, part="head", material="fur")
    else:
        pen.polygon([(-0.09, -0.56), (0.09, -0.56), (0.14, 0.1), (-0.14, 0.1)], pale, part="head", material="fur")
        for side in (-1, 1):
            hanging = [(0.42, -0.5), (0.72, -0.42), (0.95, 0.1), (0.86, 0.48), (0.62, 0.3), (0.55, -0.2)]
            pen.polygon(flipped(hanging, side), dark, part="ear", material="fur", edge=0.02)
    for side in (-1, 1):
        pen.ellipse(side * 0.15, 0.26, 0.22, 0.17 if pointed else 0.24, pale, part="head", material="fur")
        _eye(pen, side * 0.28, -0.12, 0.11, iris, white)
        for y in (0.22, 0.3) if pointed else ():
            pen.stroke([(side * 0.28, y), (side * 0.92, y * 1.5 - 0.12)], 0.014, WHITE, part="head")
    pen.polygon([(-0.12, 0.1), (0.12, 0.1), (0, 0.24)], (0.86, 0.5, 0.5) if pointed else BLACK, part="nose", edge=0.02)
    pen.stroke([(-0.18, 0.34), (-0.09, 0.4), (0, 0.3), (0.09, 0.4), (0.18, 0.34)], 0.035, BLACK, part="mouth")
    if not pointed:
        pen.polygon(oval(0, 0.42, 0.1, 0.2, 16, 0, 180), (0.9, 0.45, 0.48), part="mouth", edge=0.015)


cat = partial(_muzzle_animal, pointed=True)
dog = partial(_muzzle_animal, pointed=False)


def spider(pen: Pen) -> None:
    """A spider from above."""
    color = near(pen.rng, (0.16, 0.12, 0.1), 0.05)
    for side in (-1, 1):
        for k, angle in enumerate((-0.9, -0.35, 0.25, 0.8)):
            knee = (side * 0.5 * np.cos(angle), 0.62 * np.sin(angle) - 0.12)
            foot = (side * (0.85 + 0.06 * (k % 2)), knee[1] + 0.34 * np.sign(angle))
            pen.stroke([(side * 0.08, -0.05), knee, foot], 0.05, color, part="leg")
    pen.ellipse(0, 0.28, 0.32, 0.4, color, part="torso", dome=True)
    pen.ellipse(0, -0.2, 0.2, 0.2, color, part="head", dome=True)
    pen.polygon([(0, 0.08), (0.1, 0.3), (0, 0.52), (-0.1, 0.3)], (0.8, 0.62, 0.3), part="torso")
