"""Vehicles: car, bus, bicycle, boat, airplane, balloon."""

import numpy as np

from annotator.demo.pictures.canvas import Look, Pen, Points, Rgb, oval, polar
from annotator.demo.pictures.palette import BLACK, RUBBER, STEEL, WHITE, near, vivid

_PANE: Rgb = (0.62, 0.78, 0.86)
_GLASS: Look = {"part": "window", "material": "glass"}
_LIT: Rgb = (1.0, 0.93, 0.62)


def _wheel(pen: Pen, x: float, y: float, radius: float) -> None:
    """A tire, a rim and spokes."""
    pen.ellipse(x, y, radius, radius, RUBBER, part="wheel", shade=0.1)
    pen.ellipse(x, y, radius * 0.62, radius * 0.62, near(pen.rng, STEEL, 0.08), part="wheel", material="metal")
    for turn in np.arange(5) * 2 * np.pi / 5:
        spoke = [(x, y), polar(radius * 0.55, turn, x, y)]
        pen.stroke(spoke, radius * 0.13, (0.3, 0.31, 0.33), part="wheel", material="metal")
    pen.ellipse(x, y, radius * 0.16, radius * 0.16, (0.25, 0.25, 0.27), part="wheel", material="metal")


def car(pen: Pen) -> None:
    """A car from the side."""
    paint = vivid(pen.rng)
    pen.polygon([(-0.52, -0.08), (-0.33, -0.42), (0.22, -0.42), (0.52, -0.06)], paint, edge=0.02)
    pen.polygon([(-0.43, -0.09), (-0.29, -0.36), (-0.07, -0.36), (-0.07, -0.09)], _PANE, **_GLASS)
    pen.polygon([(-0.02, -0.09), (-0.02, -0.36), (0.19, -0.36), (0.41, -0.09)], _PANE, **_GLASS)
    roofline: Points = [(-1, 0.02), (-0.93, -0.12), (-0.5, -0.13), (0.5, -0.11), (0.9, -0.03), (0.99, 0.1)]
    pen.polygon([*roofline, (0.97, 0.3), (-0.98, 0.3)], paint, edge=0.02, shade=0.5)
    for left, right in ((-0.5, -0.06), (0.0, 0.42)):
        pen.box((left, -0.08, right, 0.26), paint, 0.05, part="door", edge=0.012)
    for x in (-0.14, 0.33):
        pen.stroke([(x - 0.03, 0.02), (x + 0.03, 0.02)], 0.03, STEEL, part="handle", material="metal")
    pen.ellipse(0.93, 0.06, 0.06, 0.07, _LIT, part="headlight", edge=0.012)
    pen.ellipse(-0.95, 0.05, 0.04, 0.07, (0.85, 0.1, 0.1), part="headlight", edge=0.01)
    pen.box((-1.0, 0.22, 1.0, 0.31), (0.22, 0.22, 0.24), 0.03)
    radius = float(pen.rng.uniform(0.2, 0.25))
    for x in (-0.58, 0.58):
        pen.ellipse(x, 0.28, radius * 1.15, radius * 1.15, BLACK)
        _wheel(pen, x, 0.3, radius)


def bus(pen: Pen) -> None:
    """A bus with a row of windows."""
    paint = vivid(pen.rng)
    pen.box((-1, -0.55, 1, 0.42), paint, 0.09, edge=0.02, shade=0.4)
    pen.box((-1, 0.1, 1, 0.2), near(pen.rng, WHITE, 0.05))
    for left in np.linspace(-0.92, 0.42, 5):
        pen.box((left, -0.4, left + 0.27, 0.02), _PANE, 0.04, part="window", material="glass", edge=0.015)
    pen.box((0.72, -0.4, 0.96, 0.36), _PANE, 0.03, part="door", material="glass", edge=0.02)
    pen.stroke([(0.84, -0.38), (0.84, 0.34)], 0.02, BLACK, part="door")
    pen.box((0.9, 0.2, 0.99, 0.32), _LIT, 0.03, part="headlight", edge=0.01)
    for x in (-0.62, 0.45):
        pen.ellipse(x, 0.42, 0.23, 0.23, BLACK)
        _wheel(pen, x, 0.44, 0.2)


def _bicycle_wheel(pen: Pen, x: float, y: float, radius: float) -> None:
    """A thin, transparent wheel."""
    for turn in np.arange(12) * np.pi / 12:
        dx, dy = radius * np.cos(turn), radius * np.sin(turn)
        pen.stroke([(x - dx, y - dy), (x + dx, y + dy)], 0.009, STEEL, part="wheel", material="metal")
    ring, rim = oval(x, y, radius, radius, 48), oval(x, y, radius * 0.9, radius * 0.9, 40)
    pen.stroke([*ring, ring[0]], 0.05, RUBBER, part="wheel")
    pen.stroke([*rim, rim[0]], 0.02, STEEL, part="wheel", material="metal")


def bicycle(pen: Pen) -> None:
    """A bicycle from the side."""
    frame = vivid(pen.rng)
    back, front = (-0.58, 0.28), (0.58, 0.28)
    for x, y in (back, front):
        _bicycle_wheel(pen, x, y, 0.4)
    pedal, saddle, head = (-0.1, 0.28), (-0.26, -0.3), (0.4, -0.28)
    for a, b in ((back, pedal), (pedal, saddle), (saddle, back), (saddle, head), (pedal, head), (head, front)):
        pen.stroke([a, b], 0.055, frame, material="metal")
    pen.stroke([head, (0.37, -0.46), (0.5, -0.5), (0.55, -0.42)], 0.045, STEEL, part="handle", material="metal")
    pen.stroke([saddle, (-0.28, -0.42)], 0.04, STEEL, material="metal")
    pen.polygon([(-0.42, -0.46), (-0.12, -0.46), (-0.18, -0.39), (-0.38, -0.37)], BLACK)
    pen.ellipse(*pedal, 0.09, 0.09, STEEL, material="metal", edge=0.02)
    pen.stroke([(-0.2, 0.36), (-0.02, 0.2)], 0.03, BLACK)


def boat(pen: Pen) -> None:
    """A sailing boat."""
    hull = vivid(pen.rng)
    pen.stroke([(0, -0.95), (0, 0.45)], 0.045, (0.45, 0.3, 0.18), material="wood")
    pen.polygon([(0.04, -0.92), (0.62, 0.32), (0.04, 0.32)], near(pen.rng, WHITE, 0.06), part="sail", material="fabric")
    pen.polygon([(-0.04, -0.75), (-0.04, 0.32), (-0.5, 0.32)], vivid(pen.rng), part="sail", material="fabric")
    pen.polygon([(0, -0.97), (0.2, -0.9), (0, -0.84)], vivid(pen.rng))
    pen.polygon([(-0.8, 0.42), (0.85, 0.42), (0.55, 0.8), (-0.55, 0.8)], hull, edge=0.03, shade=0.5)
    pen.polygon([(-0.8, 0.42), (0.85, 0.42), (0.8, 0.5), (-0.74, 0.5)], near(pen.rng, WHITE, 0.04))


def airplane(pen: Pen) -> None:
    """An airliner from the side."""
    body = near(pen.rng, WHITE, 0.05)
    stripe = vivid(pen.rng)
    far_wing: Points = [(-0.1, 0.0), (0.1, 0.0), (-0.28, -0.5), (-0.4, -0.5)]
    pen.polygon(far_wing, near(pen.rng, STEEL), part="wing", material="metal")
    pen.polygon([(-0.95, -0.02), (-0.72, -0.06), (-0.84, -0.5), (-1.0, -0.5)], stripe, part="tail")
    hull: Points = [*oval(0.66, 0.02, 0.32, 0.15, 20, -90, 90), (-0.7, 0.15), (-1.0, -0.06), (-0.7, -0.13)]
    pen.polygon(hull, body, edge=0.012, shade=0.45, material="metal")
    pen.polygon([(-0.85, 0.03), (0.93, 0.03), (0.95, 0.07), (-0.8, 0.1)], stripe)
    for x in np.linspace(-0.6, 0.6, 13):
        pen.box((x, -0.07, x + 0.05, -0.01), (0.2, 0.28, 0.36), 0.015, **_GLASS)
    pen.polygon([(0.78, -0.09), (0.9, -0.04), (0.84, 0.0), (0.76, -0.01)], (0.2, 0.28, 0.36), **_GLASS)
    near_wing: Points = [(-0.2, 0.08), (0.18, 0.08), (-0.3, 0.55), (-0.48, 0.55)]
    pen.polygon(near_wing, near(pen.rng, STEEL), part="wing", material="metal")
    pen.ellipse(-0.05, 0.26, 0.14, 0.055, stripe, edge=0.012)


def balloon(pen: Pen) -> None:
    """A hot-air balloon with a basket."""
    colors = [vivid(pen.rng), near(pen.rng, WHITE), vivid(pen.rng)]
    for x in (-0.16, 0.16):
        pen.stroke([(x * 1.6, 0.4), (x, 0.75)], 0.015, BLACK)
    for k, width in enumerate(np.linspace(0.72, 0.08, 5)):
        dome = oval(0, -0.25, width, 0.72, 30, 180, 360)
        skirt = [(width, -0.25), (width * 0.3, 0.5), (-width * 0.3, 0.5), (-width, -0.25)]
        pen.polygon([*dome, *skirt], colors[k % 3], material="fabric", texture="striped", shade=0.3)
    pen.box((-0.17, 0.74, 0.17, 0.98), (0.5, 0.33, 0.18), 0.04, texture="woven", edge=0.02)
