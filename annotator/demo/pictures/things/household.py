"""Things indoors and in the hand: lamp, clock, cup, chair, table, sofa, book, keyboard, umbrella, and more."""

import numpy as np

from annotator.demo.pictures.canvas import Pen, Points, oval, polar, tone
from annotator.demo.pictures.materials import wood
from annotator.demo.pictures.palette import BLACK, WHITE, near, pale, vivid
from annotator.demo.pictures.patterns import PATTERNS


def lamp(pen: Pen) -> None:
    """A table lamp."""
    pen.ellipse(0, 0.88, 0.34, 0.1, near(pen.rng, (0.35, 0.3, 0.28), 0.08), edge=0.02)
    pen.stroke([(0, 0.0), (0, 0.86)], 0.09, near(pen.rng, (0.7, 0.58, 0.3), 0.1), material="metal")
    shade = near(pen.rng, (0.98, 0.9, 0.62), 0.05) if pen.rng.random() < 0.6 else vivid(pen.rng)
    body: Points = [(-0.32, -0.85), (0.32, -0.85), (0.62, 0.05), (-0.62, 0.05)]
    pen.polygon(body, shade, material="fabric", dome=True, edge=0.02)


def clock(pen: Pen) -> None:
    """A round wall clock."""
    pen.ellipse(0, 0, 0.92, 0.92, vivid(pen.rng), edge=0.03)
    pen.ellipse(0, 0, 0.76, 0.76, near(pen.rng, WHITE, 0.03), shade=0.08)
    for hour in range(12):
        a = hour * np.pi / 6
        inner = 0.56 if hour % 3 == 0 else 0.63
        ends = [(r * np.sin(a), -r * np.cos(a)) for r in (inner, 0.7)]
        pen.stroke(ends, 0.055 if hour % 3 == 0 else 0.03, BLACK)
    for length, width in ((0.36, 0.065), (0.56, 0.04)):
        a = float(pen.rng.uniform(0, 2 * np.pi))
        pen.stroke([(0, 0), (length * np.sin(a), -length * np.cos(a))], width, BLACK)
    pen.ellipse(0, 0, 0.06, 0.06, (0.8, 0.1, 0.1))


def cup(pen: Pen) -> None:
    """A cup with a handle, perhaps patterned."""
    glaze = vivid(pen.rng)
    pen.stroke(oval(0.52, 0.1, 0.3, 0.3, 20, -80, 80), 0.11, glaze, part="handle")
    body: Points = [(-0.58, -0.42), (0.58, -0.42), (0.46, 0.7), (-0.46, 0.7)]
    if pen.rng.random() < 0.3:
        name = str(pen.rng.choice(["striped", "polka-dotted", "chequered"]))
        pen.polygon(body, PATTERNS[name](pen.rng), texture=name, shade=0.6)
    else:
        pen.polygon(body, glaze, edge=0.02, shade=0.6)
    pen.ellipse(0, -0.42, 0.58, 0.15, near(pen.rng, WHITE, 0.03))
    pen.ellipse(0, -0.4, 0.5, 0.11, (0.3, 0.18, 0.1))


def chair(pen: Pen) -> None:
    """A wooden chair with a seat."""
    boards = wood(pen.rng)
    seat = vivid(pen.rng)
    for x in (-0.42, 0.34):
        pen.box((x, -0.95, x + 0.09, 0.2), boards, material="wood")
    for y in (-0.9, -0.62, -0.34):
        pen.box((-0.42, y, 0.43, y + 0.13), boards, material="wood")
    for x in (-0.34, 0.28):
        pen.box((x, 0.2, x + 0.07, 0.8), boards, part="leg", material="wood")
    pen.polygon([(-0.42, 0.1), (0.43, 0.1), (0.58, 0.32), (-0.58, 0.32)], seat, material="fabric", edge=0.02)
    for x in (-0.58, 0.49):
        pen.box((x, 0.3, x + 0.1, 1.0), boards, part="leg", material="wood")


def table(pen: Pen) -> None:
    """A wooden table."""
    boards = wood(pen.rng)
    for x in (-0.78, 0.66):
        pen.box((x, -0.1, x + 0.13, 0.95), boards, part="leg", material="wood", shade=0.5)
    pen.polygon([(-0.75, -0.45), (0.75, -0.45), (1.0, -0.12), (-1.0, -0.12)], boards, material="wood")
    pen.box((-1.0, -0.13, 1.0, 0.0), boards, material="wood", shade=0.9)


def sofa(pen: Pen) -> None:
    """A sofa with cushions."""
    cloth = vivid(pen.rng)
    pen.box((-0.85, -0.5, 0.85, 0.3), cloth, 0.14, material="fabric", edge=0.02)
    for x in (-0.38, 0.38):
        pen.box((x - 0.37, -0.38, x + 0.37, 0.2), cloth, 0.1, material="fabric", edge=0.015)
        pen.box((x - 0.38, 0.08, x + 0.38, 0.36), cloth, 0.1, material="fabric", edge=0.015)
        cushion = vivid(pen.rng)
        pen.polygon(oval(x * 1.3, -0.02, 0.2, 0.2, 4, 20, 380), cushion, material="fabric", edge=0.015)
    pen.box((-0.85, 0.3, 0.85, 0.55), cloth, 0.05, material="fabric", edge=0.015)
    for side in (-1, 1):
        left = min(side * 0.98, side * 0.72)
        pen.box((left, -0.18, left + 0.26, 0.58), cloth, 0.12, material="fabric", edge=0.02)
        pen.stroke([(side * 0.8, 0.56), (side * 0.8, 0.7)], 0.07, (0.3, 0.2, 0.12), part="leg", material="wood")


def book(pen: Pen) -> None:
    """A row of books standing on a shelf."""
    rng = pen.rng
    pen.box((-1.1, 0.62, 1.1, 0.76), wood(rng), material="wood")
    x = -1.0
    while x < 0.95:
        width, height = float(rng.uniform(0.1, 0.22)), float(rng.uniform(0.9, 1.35))
        cover = vivid(rng) if rng.random() < 0.8 else near(rng, WHITE, 0.05)
        pen.box((x, 0.62 - height, x + width, 0.62), cover, 0.02, edge=0.014, shade=0.4)
        band = pale(rng)
        for y in (0.62 - height * 0.85, 0.62 - height * 0.2):
            pen.box((x + 0.015, y, x + width - 0.015, y + 0.05), band)
        pen.stroke([(x + width / 2, 0.62 - height * 0.7), (x + width / 2, 0.62 - height * 0.35)], width * 0.22, band)
        x += width + 0.01


def keyboard(pen: Pen) -> None:
    """A computer keyboard from above."""
    dark = pen.rng.random() < 0.5
    tray = (0.14, 0.14, 0.16) if dark else (0.72, 0.72, 0.72)
    cap = (0.3, 0.3, 0.33) if dark else (0.95, 0.95, 0.93)
    print_color = WHITE if dark else BLACK
    pen.box((-1.1, -0.5, 1.1, 0.52), tray, 0.06, edge=0.02)
    for row in range(5):
        y = -0.42 + 0.18 * row
        xs = np.arange(-1.04 + (0.0, 0.05, 0.08, 0.12, 0.0)[row], 0.9, 0.175)
        if row == 4:
            xs = np.array([-1.04, -0.85, 0.55, 0.74, 0.9])
            pen.box((-0.62, y, 0.48, y + 0.14), cap, 0.03, edge=0.012, texture="grid")
        for x in xs:
            pen.box((x, y, x + 0.145, y + 0.14), cap, 0.03, edge=0.012, texture="grid")
        marks: list[Points] = [
            [(x + 0.05, y + 0.03), (x + 0.09, y + 0.03), (x + 0.09, y + 0.07), (x + 0.05, y + 0.08)] for x in xs
        ]
        pen.shapes(marks, print_color, texture="grid", shade=0)


def umbrella(pen: Pen) -> None:
    """An open umbrella."""
    first, second = vivid(pen.rng), near(pen.rng, WHITE, 0.04) if pen.rng.random() < 0.6 else vivid(pen.rng)
    pen.stroke([(0, -0.85), (0, 0.8)], 0.04, (0.35, 0.22, 0.14), material="wood")
    pen.stroke(oval(0.12, 0.8, 0.12, 0.14, 14, 0, 180), 0.055, (0.35, 0.22, 0.14), part="handle", material="wood")
    edges = np.linspace(-1, 1, 7)
    for k in range(6):
        t = np.linspace(edges[k], edges[k + 1], 8)
        scallop = np.stack([t * 0.98, 0.02 - 0.09 * np.sin(np.pi * np.linspace(0, 1, 8))], axis=1)
        rise = np.linspace(0, np.pi / 2, 12)
        left, right = (
            np.stack([edge * 0.98 * np.cos(rise), 0.02 - 0.88 * np.sin(rise)], axis=1) for edge in edges[k : k + 2]
        )
        cloth = np.concatenate([scallop, right, left[::-1]])
        pen.polygon(cloth, second if k % 2 else first, material="fabric", shade=0.3)


def candle(pen: Pen) -> None:
    """A burning candle in a holder."""
    wax = vivid(pen.rng) if pen.rng.random() < 0.5 else near(pen.rng, (0.95, 0.92, 0.82), 0.03)
    pen.box((-0.2, -0.2, 0.2, 0.8), wax, 0.03, edge=0.015, shade=0.6)
    pen.ellipse(0, -0.2, 0.2, 0.06, (0.98, 0.95, 0.85))
    pen.ellipse(0, 0.84, 0.46, 0.12, near(pen.rng, (0.75, 0.6, 0.25), 0.06), material="metal", edge=0.02)
    pen.stroke([(0, -0.2), (0, -0.32)], 0.03, BLACK)
    for size, color in ((1.0, (1.0, 0.6, 0.1)), (0.68, (1.0, 0.88, 0.35)), (0.36, (1.0, 1.0, 0.9))):
        t = np.linspace(0, 2 * np.pi, 30, endpoint=False)
        xs, ys = 0.16 * size * np.sin(t) * (1 - np.cos(t)) ** 0.6, -0.28 - 0.3 * size * (1 + np.cos(t))
        pen.polygon(np.stack([xs, ys], axis=1), color, part="flame", shade=0)


def ball(pen: Pen) -> None:
    """A soccer ball."""
    pen.ellipse(0, 0, 0.85, 0.85, near(pen.rng, WHITE, 0.03), dome=True, edge=0.015)
    turn = float(pen.rng.uniform(0, 2 * np.pi))
    dark = BLACK if pen.rng.random() < 0.7 else vivid(pen.rng)
    pen.polygon(oval(0, 0, 0.28, 0.28, 5, np.degrees(turn), np.degrees(turn) + 360), dark, shade=0.1)
    for k in range(5):
        a = turn + k * 2 * np.pi / 5
        pen.stroke([polar(0.28, a), polar(0.52, a)], 0.022, dark)
        rim = [polar(0.8, a - 0.42), polar(0.6, a - 0.2), polar(0.6, a + 0.2), polar(0.8, a + 0.42)]
        pen.polygon([*rim, polar(0.82, a)], dark, shade=0.1)
        b = a + np.pi / 5
        pen.stroke([polar(0.6, a + 0.2), polar(0.6, b), polar(0.6, b + np.pi / 5 - 0.2)], 0.022, dark)


def guitar(pen: Pen) -> None:
    """An acoustic guitar."""
    body = wood(pen.rng) * tone([1.25, 1.1, 0.95])
    pen.shapes([oval(0, 0.6, 0.5, 0.4), oval(0, 0.1, 0.36, 0.32)], body, material="wood", shade=0.4)
    pen.ellipse(0, 0.28, 0.14, 0.14, BLACK, edge=0.01)
    pen.box((-0.06, -0.95, 0.06, 0.2), (0.2, 0.13, 0.09), material="wood")
    pen.box((-0.1, -1.15, 0.1, -0.93), (0.3, 0.18, 0.1), 0.03, material="wood")
    pen.box((-0.16, 0.66, 0.16, 0.73), (0.2, 0.13, 0.09), material="wood")
    for x in (-0.04, -0.013, 0.013, 0.04):
        pen.stroke([(x, -1.0), (x, 0.7)], 0.008, (0.9, 0.9, 0.85))


def pizza(pen: Pen) -> None:
    """A pizza with its toppings."""
    rng = pen.rng
    pen.ellipse(0, 0, 0.95, 0.95, near(rng, (0.8, 0.58, 0.3), 0.04), dome=True, edge=0.02)
    pen.ellipse(0, 0, 0.82, 0.82, (0.78, 0.22, 0.1), shade=0.05)
    pen.ellipse(0, 0, 0.78, 0.78, near(rng, (0.96, 0.8, 0.42), 0.03), shade=0.1)
    for _ in range(int(rng.integers(9, 15))):
        a, r = float(rng.uniform(0, 6.3)), 0.64 * float(np.sqrt(rng.random()))
        pen.ellipse(*polar(r, a), 0.12, 0.12, (0.74, 0.18, 0.12), edge=0.02)
    for _ in range(14):
        a, r, spin = float(rng.uniform(0, 6.3)), 0.7 * float(np.sqrt(rng.random())), float(rng.uniform(0, 6.3))
        pen.stroke([polar(r, a), polar(0.1, spin, *polar(r, a))], 0.05, (0.2, 0.45, 0.15))
    for a in np.arange(4) * np.pi / 4:
        pen.stroke([polar(-0.9, a), polar(0.9, a)], 0.012, (0.6, 0.35, 0.15))


def painting(pen: Pen) -> None:
    """A framed painting of a landscape."""
    pen.box((-0.8, -0.6, 0.8, 0.6), near(pen.rng, (0.6, 0.45, 0.2), 0.06), edge=0.03, material="wood")
    pen.box((-0.68, -0.48, 0.68, 0.48), pale(pen.rng), shade=0.5)
    hills: Points = [(-0.68, 0.2), (-0.2, -0.2), (0.1, 0.1), (0.4, -0.15), (0.68, 0.2), (0.68, 0.48), (-0.68, 0.48)]
    pen.polygon(hills, vivid(pen.rng))
    pen.ellipse(0.35, -0.25, 0.12, 0.12, vivid(pen.rng))
