"""Materials: surfaces that people know by what they are made of, drawn over a whole canvas."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from annotator.demo.pictures.canvas import SIDE, Pixels, dim, smooth_noise, tone, turned
from annotator.demo.pictures.palette import WOODEN, near, pick, vivid
from annotator.demo.pictures.sheets import fractal_noise, lay_sheet, measure_wave, mix, scatter_cells, soft_step

Rng = np.random.Generator


def wood(rng: Rng) -> Pixels:
    """Boards with grain and knots."""
    u, v = lay_sheet(rng, bend=3, turn=0.06 if rng.random() < 0.5 else 1.6)
    board = float(rng.uniform(70, 150))
    number = np.floor(v / board)
    offset = np.sin(number * 78.2 + 3) * 90
    rings = np.sin((v + offset) / 5.5 + 3.2 * fractal_noise(rng, 3, 3) + np.sin((u + offset * 3) / 90) * 1.5)
    fiber = np.repeat(rng.standard_normal((SIDE, 1)).astype(np.float32), SIDE, axis=1) * 0.08
    light = 0.55 + 0.2 * rings + fiber + 0.12 * np.sin(number * 12.9)
    color = pick(rng, WOODEN)
    image = mix(light, dim(color, 0.55, 0.5, 0.45), color)
    return image * (1 - 0.6 * soft_step(1.8 - measure_wave(v, board), 2))[..., None]


def brick(rng: Rng) -> Pixels:
    """A wall of bricks in mortar."""
    u, v = lay_sheet(rng, bend=2, turn=0.05)
    height = float(rng.uniform(24, 42))
    width = height * float(rng.uniform(2.0, 2.5))
    row = np.floor(v / height)
    shifted = u + (row % 2) * width / 2
    column = np.floor(shifted / width)
    edge = np.minimum(measure_wave(v, height), measure_wave(shifted, width))
    lightness = 0.5 + 0.3 * np.sin(row * 12.9898 + column * 78.233) + 0.18 * fractal_noise(rng, 30, 2)
    clay = near(rng, (0.67, 0.3, 0.22), 0.06)
    body = mix(lightness, dim(clay, 0.65, 0.6, 0.6), clay)
    mortar = soft_step(float(rng.uniform(1.8, 3.2)) + 0.4 * smooth_noise(rng, 60) - edge, 2)[..., None]
    return np.asarray(body * (1 - mortar) + tone(near(rng, (0.78, 0.75, 0.7), 0.04)) * mortar)


def fabric(rng: Rng) -> Pixels:
    """Cloth in soft folds, with a fine thread."""
    u, v = lay_sheet(rng, bend=22)
    folds = np.sin(u / float(rng.uniform(26, 48)) + 0.9 * smooth_noise(rng, 3)) + 0.4 * np.sin(v / 70)
    thread = 0.05 * (np.sin(u * 1.4) + np.sin(v * 1.4))
    color = vivid(rng)
    return mix(0.55 + 0.36 * folds + thread, dim(color, 0.3, 0.3, 0.34), color)


def metal(rng: Rng) -> Pixels:
    """Brushed steel plates with rivets."""
    u, v = lay_sheet(rng, bend=0, turn=0.3)
    brushed = np.asarray(Image.fromarray(rng.standard_normal((SIDE, 12)).astype(np.float32)).resize((SIDE, SIDE)))
    sheen = 0.6 + 0.2 * np.sin(u / 90 + float(rng.uniform(0, 6))) + 0.06 * brushed
    plate = float(rng.uniform(130, 200))
    seam = np.minimum(measure_wave(u, plate), measure_wave(v, plate))
    gap = plate / 4
    rivet = np.hypot(u % gap - gap / 2, v % gap - gap / 2)
    near_seam = seam < gap * 0.72
    bolt = near_seam * np.clip((7 - rivet) / 3, 0, 1)
    light = sheen - 0.45 * soft_step(2 - seam, 2) + 0.3 * bolt * np.sign(gap / 2 - v % gap)
    return np.asarray(np.clip(light, 0.02, 1)[..., None].astype(np.float32) * tone(near(rng, (0.93, 0.95, 1.0), 0.03)))


def foliage(rng: Rng) -> Pixels:
    """Layers of many small leaves."""
    image = Image.new("RGB", (SIDE, SIDE), (14, 34, 12))
    draw = ImageDraw.Draw(image)
    hue, big = float(rng.uniform(-0.04, 0.16)), float(rng.uniform(0.8, 1.7))
    for layer in range(3):
        columns = [rng.uniform(low, high, 260) for low, high in ((0, SIDE), (0, SIDE), (0, 6.3), (9, 19))]
        for x, y, angle, size in zip(*columns, strict=True):
            light = 0.4 + 0.26 * layer + float(rng.uniform(-0.1, 0.12))
            color = (int(255 * light * (0.35 + hue)), int(255 * light * 0.68), int(255 * light * 0.2))
            t = np.linspace(-1, 1, 7)
            bow = 0.45 * (1 - t**2)
            shape = np.concatenate([np.stack([t, bow], 1), np.stack([t[::-1], -bow], 1)]) * (big * size)
            draw.polygon([(px, py) for px, py in np.add(turned(shape, angle), (x, y))], fill=color)
    return np.asarray(image, np.float32) / 255


def stone(rng: Rng) -> Pixels:
    """Rounded stones lying close together."""
    first, second, owner = scatter_cells(rng, float(rng.uniform(46, 84)), 0.25, bend=3)
    body = np.clip((second - first) / 26, 0, 1)
    shades = rng.uniform(0.35, 0.95, int(owner.max()) + 1).astype(np.float32)
    lightness = shades[owner.astype(int)] + 0.05 * fractal_noise(rng, 40, 2)
    light = lightness * (0.2 + 0.8 * np.sqrt(body))
    tint = near(rng, (0.95, 0.92, 0.87), 0.04)
    return np.asarray(np.clip(light, 0, 1)[..., None].astype(np.float32) * tone(tint) * 1.15)


def fur(rng: Rng) -> Pixels:
    """Tufts of hair that flow one way."""
    coat = pick(rng, ((0.72, 0.5, 0.28), (0.55, 0.53, 0.5), (0.85, 0.78, 0.68), (0.4, 0.26, 0.16)))
    flow = 0.7 * smooth_noise(rng, 3) + float(rng.uniform(0, 6.3))
    image = Image.new("RGB", (SIDE, SIDE), tuple(int(120 * c) for c in coat))
    draw = ImageDraw.Draw(image)
    for _ in range(2600):
        x, y = rng.uniform(-10, SIDE + 10, 2)
        angle = flow[int(np.clip(y, 0, SIDE - 1)), int(np.clip(x, 0, SIDE - 1))] + float(rng.normal(0, 0.25))
        length, light = float(rng.uniform(16, 34)), float(rng.uniform(0.45, 1.15))
        mid = (x + length * np.cos(angle) * 0.5, y + length * np.sin(angle) * 0.5)
        tip = (x + length * np.cos(angle + 0.3), y + length * np.sin(angle + 0.3))
        draw.line([(x, y), mid, tip], fill=tuple(min(int(255 * c * light), 255) for c in coat), width=2)
    return np.asarray(image, np.float32) / 255


def tile(rng: Rng) -> Pixels:
    """Glazed square tiles with pale joints."""
    u, v = lay_sheet(rng, bend=0, turn=0.12)
    side = float(rng.uniform(56, 100))
    edge = np.minimum(measure_wave(u, side), measure_wave(v, side))
    shades = np.sin(np.floor(u / side) * 12.9 + np.floor(v / side) * 78.2)
    gloss = 0.8 + 0.12 * shades + 0.14 * ((u % side) + (v % side) < side * 0.6)
    joint = soft_step(3.2 - edge, 2)[..., None]
    body = np.clip(gloss, 0, 1)[..., None] * tone(near(rng, vivid(rng), 0.02))
    bevel = 1 - 0.25 * np.clip(1 - (edge - 3) / 6, 0, 1)[..., None]
    return np.asarray(body * bevel * (1 - joint) + np.float32(0.9) * joint)


def paper(rng: Rng) -> Pixels:
    """A page printed with lines of text."""
    image = Image.new("L", (SIDE, SIDE), 0)
    draw = ImageDraw.Draw(image)
    line = float(rng.uniform(17, 26))
    for y in np.arange(line, SIDE, line):
        x = float(rng.uniform(0, 30))
        while x < SIDE:
            for _ in range(int(rng.integers(2, 9))):
                _glyph(draw, rng, x, float(y), line * 0.42)
                x += line * 0.46
            x += line * 0.4
    ink = np.asarray(image.rotate(float(rng.uniform(-12, 12)), Image.Resampling.BICUBIC), np.float32) / 255
    amount = ink + 0.04 * smooth_noise(rng, 6)
    return mix(amount, near(rng, (0.95, 0.93, 0.88), 0.03), near(rng, (0.12, 0.12, 0.14), 0.04))


def _glyph(draw: ImageDraw.ImageDraw, rng: Rng, x: float, y: float, size: float) -> None:
    """One made-up letter: a bow, a stem or a bar."""
    kind = int(rng.integers(4))
    if kind == 0:
        draw.ellipse((x, y - size, x + size * 0.8, y), outline=255, width=2)
    elif kind == 1:
        draw.line((x + 2, y - size * 1.6, x + 2, y), fill=255, width=2)
        draw.arc((x, y - size, x + size * 0.8, y), 180, 70, fill=255, width=2)
    elif kind == 2:
        draw.line((x, y - size, x, y, x + size * 0.7, y, x + size * 0.7, y - size), fill=255, width=2)
    else:
        draw.line((x, y - size, x + size * 0.7, y, x + size * 0.35, y - size * 0.5, x, y), fill=255, width=2)


_DRAWN = (brick, fabric, foliage, fur, metal, paper, stone, tile, wood)
MATERIALS: dict[str, Callable[[Rng], Pixels]] = {draw.__name__: draw for draw in _DRAWN}
