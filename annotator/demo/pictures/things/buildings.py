"""Things that are built: house, castle, lighthouse, building, fence, traffic light, sign."""

from collections.abc import Callable

import numpy as np

from annotator.demo.pictures.canvas import Fill, Look, Pen, Points, Rgb, dim, oval, rounded
from annotator.demo.pictures.materials import brick, stone, wood
from annotator.demo.pictures.palette import BLACK, STEEL, WHITE, near, pale, vivid

_PANE: Rgb = (0.5, 0.68, 0.8)
_GLASS: Look = {"part": "window", "material": "glass"}


def _window(pen: Pen, x: float, y: float, width: float, height: float) -> None:
    """A pane with a white cross bar."""
    left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    pen.box((left - 0.02, top - 0.02, right + 0.02, bottom + 0.02), WHITE, part="window")
    pen.box((left, top, right, bottom), _PANE, part="window", material="glass", shade=0.6)
    pen.stroke([(x, top), (x, bottom)], 0.02, WHITE, part="window")
    pen.stroke([(left, y), (right, y)], 0.02, WHITE, part="window")


def house(pen: Pen) -> None:
    """A house with door, windows, roof and chimney."""
    rng = pen.rng
    bricks = rng.random() < 0.6
    paint: Callable[[np.random.Generator], Fill] = brick if bricks else pale
    pen.box((0.36, -0.9, 0.56, -0.35), paint(rng), part="chimney", material="brick" if bricks else "stone")
    pen.box((-0.74, -0.2, 0.74, 0.9), paint(rng), material="brick" if bricks else None, edge=0.012)
    roof = near(rng, (0.5, 0.2, 0.15) if rng.random() < 0.6 else (0.28, 0.3, 0.36), 0.06)
    pen.polygon([(-0.95, -0.18), (0.95, -0.18), (0.5, -0.78), (-0.5, -0.78)], roof, part="roof", edge=0.02)
    for k, y in enumerate(np.linspace(-0.68, -0.26, 5)):
        half = 0.56 + 0.085 * k
        pen.stroke([(-half, y), (half, y)], 0.014, dim(roof, 0.6), part="roof")
    pen.box((-0.15, 0.32, 0.17, 0.9), vivid(rng), 0.03, part="door", edge=0.02)
    pen.ellipse(0.11, 0.64, 0.022, 0.022, (0.9, 0.75, 0.3), part="handle")
    for x in (-0.47, 0.47):
        _window(pen, x, 0.14, 0.26, 0.3)
        _window(pen, x, 0.62, 0.26, 0.26)
    _window(pen, 0.01, 0.1, 0.24, 0.26)


def building(pen: Pen) -> None:
    """A tall block with rows of windows."""
    rng = pen.rng
    width, height = float(rng.uniform(0.35, 0.6)), float(rng.uniform(0.8, 1.0))
    wall = near(rng, (0.55, 0.55, 0.58) if rng.random() < 0.5 else (0.66, 0.5, 0.4), 0.1)
    pen.box((-width, -height, width, 1.0), wall, edge=0.015)
    step_x = width * 2 / int(rng.integers(4, 7))
    panes = [
        rounded(x - step_x * 0.32, y - 0.05, x + step_x * 0.32, y + 0.06)
        for y in np.arange(-height + 0.12, 0.85, 0.17)
        for x in np.arange(-width + step_x / 2, width - 0.01, step_x)
    ]
    pen.shapes(panes, _PANE if rng.random() < 0.7 else (0.98, 0.88, 0.5), **_GLASS)


def castle(pen: Pen) -> None:
    """A stone castle with towers."""
    walls = stone(pen.rng) * np.float32(1.25)
    flag = vivid(pen.rng)
    pen.box((-0.6, -0.05, 0.6, 0.9), walls, material="stone")
    battlements = [rounded(x, -0.2, x + 0.14, -0.04) for x in np.arange(-0.6, 0.5, 0.265)]
    pen.shapes(battlements, walls, material="stone")
    for x, top in ((-0.72, -0.45), (0.72, -0.45), (0.0, -0.6)):
        pen.box((x - 0.2, top, x + 0.2, 0.9), walls, material="stone")
        pen.polygon([(x - 0.26, top), (x + 0.26, top), (x, top - 0.36)], flag, part="roof", edge=0.02)
        pen.box((x - 0.05, top + 0.15, x + 0.05, top + 0.36), (0.1, 0.1, 0.14), 0.05, part="window")
    arch: Points = [*oval(0, 0.55, 0.17, 0.2, 20, 180, 360), (0.17, 0.9), (-0.17, 0.9)]
    pen.polygon(arch, wood(pen.rng), part="door", material="wood")


def lighthouse(pen: Pen) -> None:
    """A striped lighthouse."""
    paint = vivid(pen.rng)
    for k in range(6):
        top, bottom = -0.5 + 0.24 * k, -0.26 + 0.24 * k
        a, b = 0.17 + 0.025 * k, 0.195 + 0.025 * k
        ring: Points = [(-a, top), (a, top), (b, bottom), (-b, bottom)]
        pen.polygon(ring, WHITE if k % 2 else paint, texture="striped", shade=0.4)
    pen.box((-0.24, -0.54, 0.24, -0.48), BLACK)
    pen.box((-0.12, -0.76, 0.12, -0.52), (1.0, 0.95, 0.6), part="window", material="glass", edge=0.015)
    pen.polygon([(-0.17, -0.75), (0.17, -0.75), (0, -0.97)], paint, part="roof", edge=0.015)
    pen.box((-0.08, 0.68, 0.08, 0.94), (0.25, 0.16, 0.1), 0.05, part="door")
    for y in (-0.16, 0.3):
        pen.box((-0.04, y, 0.04, y + 0.12), _PANE, 0.02, **_GLASS)


def fence(pen: Pen) -> None:
    """A fence of upright boards."""
    boards: Fill = near(pen.rng, WHITE, 0.04) if pen.rng.random() < 0.5 else wood(pen.rng)
    for y in (-0.1, 0.35):
        pen.box((-1.3, y - 0.06, 1.3, y + 0.06), boards, material="wood", shade=0.5)
    for x in np.arange(-1.2, 1.25, 0.3):
        board: Points = [(x - 0.1, 0.65), (x - 0.1, -0.35), (x, -0.5), (x + 0.1, -0.35), (x + 0.1, 0.65)]
        pen.polygon(board, boards, material="wood", edge=0.012)


def traffic_light(pen: Pen) -> None:
    """A traffic light on its pole."""
    pen.stroke([(0, 0.3), (0, 1.1)], 0.1, STEEL, material="metal")
    pen.box((-0.32, -0.95, 0.32, 0.5), near(pen.rng, (0.12, 0.14, 0.13), 0.03), 0.1, edge=0.02)
    lit = int(pen.rng.integers(3))
    for k, color in enumerate(((0.95, 0.12, 0.1), (0.98, 0.78, 0.1), (0.12, 0.82, 0.3))):
        y = -0.68 + 0.46 * k
        glow = 1.0 if k == lit else 0.5
        pen.ellipse(0, y, 0.21, 0.21, BLACK)
        pen.ellipse(0, y, 0.18, 0.18, dim(color, glow), dome=k == lit)


def sign(pen: Pen) -> None:
    """A road sign: a stop plate, a triangle or a round ban."""
    pen.stroke([(0, 0.3), (0, 1.2)], 0.07, STEEL, material="metal")
    kind = int(pen.rng.integers(3))
    red = near(pen.rng, (0.8, 0.1, 0.12), 0.04)
    if kind == 0:
        pen.polygon(oval(0, -0.25, 0.68, 0.68, 8, 22.5, 382.5), WHITE)
        pen.polygon(oval(0, -0.25, 0.62, 0.62, 8, 22.5, 382.5), red)
        pen.box((-0.42, -0.36, 0.42, -0.14), WHITE, 0.02)
    elif kind == 1:
        pen.polygon([(0, -0.9), (0.72, 0.3), (-0.72, 0.3)], red)
        pen.polygon([(0, -0.66), (0.52, 0.2), (-0.52, 0.2)], WHITE)
        pen.stroke([(0, -0.35), (0, -0.02)], 0.1, BLACK)
        pen.ellipse(0, 0.1, 0.06, 0.06, BLACK)
    else:
        pen.ellipse(0, -0.25, 0.66, 0.66, red)
        pen.ellipse(0, -0.25, 0.5, 0.5, WHITE)
        pen.box((-0.34, -0.33, 0.34, -0.17), red)
