"""Textures: the patterns that people have names for, each drawn over a whole canvas in two colors or more.

A pattern works on a sheet of coordinates (u, v in canvas pixels) that is turned, scaled and gently bent.
"""

from collections.abc import Callable

import numpy as np

from annotator.demo.pictures.canvas import SIDE, XS, YS, Pixels, dim, smooth_noise, tone
from annotator.demo.pictures.palette import near, pair, vivid
from annotator.demo.pictures.sheets import fractal_noise, lay_sheet, measure_wave, mix, scatter_cells, soft_step

Rng = np.random.Generator


def striped(rng: Rng) -> Pixels:
    """Parallel bands of two or three colors."""
    u, _ = lay_sheet(rng, bend=4)
    period = float(rng.uniform(26, 80))
    first, second = pair(rng)
    image = mix(soft_step(measure_wave(u, period) - period * float(rng.uniform(0.2, 0.3))), first, second)
    if rng.random() < 0.4:
        image = np.where((measure_wave(u + period / 2, period * 2) < period * 0.16)[..., None], tone(vivid(rng)), image)
    return np.asarray(image, np.float32)


def chequered(rng: Rng) -> Pixels:
    """Squares of two colors like a chess board."""
    u, v = lay_sheet(rng)
    side = float(rng.uniform(22, 60))
    dark = np.sin(np.pi * u / side) * np.sin(np.pi * v / side)
    return mix(soft_step(dark * side / 3), *pair(rng))


def polka_dotted(rng: Rng) -> Pixels:
    """Round dots in a regular grid."""
    u, v = lay_sheet(rng)
    gap = float(rng.uniform(34, 80))
    shift = np.where(np.floor(v / gap) % 2 == 0, 0.0, gap / 2).astype(np.float32)
    distance = np.hypot((u + shift) % gap - gap / 2, v % gap - gap / 2)
    return mix(soft_step(gap * float(rng.uniform(0.22, 0.34)) - distance), *pair(rng))


def zigzagged(rng: Rng) -> Pixels:
    """Bands that run in sharp turns."""
    u, v = lay_sheet(rng)
    period, width = float(rng.uniform(40, 90)), float(rng.uniform(34, 66))
    bands = v + np.abs((u / period) % 1 - 0.5) * period * float(rng.uniform(0.9, 1.5))
    return mix(soft_step(measure_wave(bands, width) - width / 4), *pair(rng))


def grid(rng: Rng) -> Pixels:
    """Thin lines that cross at right angles."""
    u, v = lay_sheet(rng, turn=0.5)
    gap = float(rng.uniform(24, 56))
    line = float(rng.uniform(2.5, 5.5))
    return mix(soft_step(line - np.minimum(measure_wave(u, gap), measure_wave(v, gap))), *pair(rng))


def cracked(rng: Rng) -> Pixels:
    """Dry ground with dark cracks between its plates."""
    first, second, owner = scatter_cells(rng, float(rng.uniform(50, 95)), 0.33, bend=9)
    ground = near(rng, (0.68, 0.57, 0.45), 0.09)
    plates = mix(0.5 + 0.22 * fractal_noise(rng, 10) + 0.1 * np.sin(owner * 1.7), dim(ground, 0.75), ground)
    gap = soft_step(float(rng.uniform(4, 7)) + 1.5 * smooth_noise(rng, 40) - (second - first), 4)
    return plates * (1 - 0.85 * gap[..., None])


def honeycombed(rng: Rng) -> Pixels:
    """Hexagonal cells with light walls."""
    u, v = lay_sheet(rng, bend=5)
    size = float(rng.uniform(30, 58))
    nearest = np.full(u.shape, np.inf, np.float32)
    second = nearest.copy()
    for du, dv in ((0.0, 0.0), (size / 2, size * np.sqrt(3) / 2)):
        cu, cv = np.round((u - du) / size), np.round((v - dv) / (size * np.sqrt(3)))
        for off_u, off_v in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
            distance = np.hypot(u - du - (cu + off_u) * size, v - dv - (cv + off_v) * size * np.sqrt(3))
            second = np.minimum(second, np.maximum(nearest, distance))
            nearest = np.minimum(nearest, distance)
    wall = soft_step(float(rng.uniform(3, 6)) - (second - nearest), 3)
    depth = np.clip(1.15 - nearest / size, 0, 1)
    honey = near(rng, (0.86, 0.58, 0.12), 0.07)
    cells = mix(depth, honey, dim(honey, 0.35, 0.3, 0.25))
    return cells * (1 - wall[..., None]) + tone((0.97, 0.83, 0.45)) * wall[..., None]


def spiralled(rng: Rng) -> Pixels:
    """One or some spirals around their centers."""
    centers = rng.uniform(0.2, 0.8, (int(rng.integers(1, 4)), 2)) * SIDE
    distances = np.stack([np.hypot(XS - cx, YS - cy) for cx, cy in centers])
    own = distances.argmin(axis=0)
    cx, cy = centers[own, 0], centers[own, 1]
    radius, turn = distances.min(axis=0), np.arctan2(YS - cy, XS - cx)
    width = float(rng.uniform(26, 50))
    value = np.cos(radius * 2 * np.pi / width + float(rng.choice([-1, 1])) * turn)
    return mix(soft_step(value.astype(np.float32) * width / 6), *pair(rng))


def cobwebbed(rng: Rng) -> Pixels:
    """Spider webs: spokes and sagging rings of thread."""
    cx, cy = rng.uniform(0.25, 0.75, 2) * SIDE
    n_spokes = int(rng.integers(11, 18))
    turn = np.arctan2(YS - cy, XS - cx) * n_spokes / (2 * np.pi) + 0.25 * np.float32(rng.random())
    radius = np.hypot(XS - cx, YS - cy)
    between = np.abs(turn % 1 - 0.5)
    spoke = (0.5 - between) * radius * 2 * np.pi / n_spokes
    gap = float(rng.uniform(15, 26))
    ring = measure_wave(radius * (1 + 0.28 * (between - 0.5)) + 2 * smooth_noise(rng, 9), gap)
    thread = np.maximum(soft_step(1.9 - spoke, 1.6), soft_step(1.5 - ring, 1.6))
    light = 0.5 + 0.3 * smooth_noise(rng, 4)
    back = mix(light, near(rng, (0.06, 0.09, 0.08), 0.03), near(rng, (0.2, 0.27, 0.24), 0.06))
    return back * (1 - 0.85 * thread[..., None]) + 0.85 * thread[..., None]


def bubbly(rng: Rng) -> Pixels:
    """Round bubbles with rims and glints."""
    image = mix(0.5 + 0.3 * smooth_noise(rng, 3), *(near(rng, vivid(rng), 0.02),) * 2) * 0.75
    for _ in range(60):
        cx, cy = rng.uniform(0, SIDE, 2)
        radius = float(rng.choice([14, 20, 28, 40, 56]))
        top, left = max(int(cy - radius - 2), 0), max(int(cx - radius - 2), 0)
        view = (slice(top, int(cy + radius + 3)), slice(left, int(cx + radius + 3)))
        dx, dy = XS[view] - cx, YS[view] - cy
        far = np.hypot(dx, dy) / radius
        glint = np.exp(-((dx + radius * 0.35) ** 2 + (dy + radius * 0.4) ** 2) / (radius * 0.22) ** 2)
        rim = np.clip(1 - np.abs(far - 0.93) * 9, 0, 1)
        light = (0.1 * (far < 1) + 0.75 * rim + 0.9 * glint)[..., None]
        image[view] = image[view] + (1 - image[view]) * np.clip(light, 0, 1) * 0.9
    return image


def knitted(rng: Rng) -> Pixels:
    """Rows of V-shaped stitches of yarn."""
    u, v = lay_sheet(rng, bend=5, turn=0.35)
    width = float(rng.uniform(30, 54))
    across = (u / width) % 1 - 0.5
    along = (v / (width * 0.75) - np.abs(across) * 1.3) % 1
    yarn = np.sin(np.pi * along) * np.sqrt(np.clip(np.sin(np.pi * (np.abs(across) * 2) * 0.92 + 0.12), 0, 1))
    fiber = 0.06 * np.sin(across * np.sign(across) * 60 + along * 14) + 0.04 * smooth_noise(rng, 120)
    color = vivid(rng)
    return mix(np.clip(yarn + fiber, 0, 1), dim(color, 0.25), color)


def sprinkled(rng: Rng) -> Pixels:
    """Short bright rods strewn at random."""
    ground = near(rng, (0.95, 0.88, 0.86) if rng.random() < 0.5 else (0.3, 0.17, 0.12), 0.05)
    image = mix(0.5 + 0.1 * smooth_noise(rng, 6), ground, ground)
    length, width = float(rng.uniform(11, 17)), float(rng.uniform(4, 6))
    for _ in range(int(rng.integers(170, 280))):
        cx, cy = rng.uniform(0, SIDE, 2)
        angle = float(rng.uniform(0, np.pi))
        view = (slice(max(int(cy - 26), 0), int(cy + 26)), slice(max(int(cx - 26), 0), int(cx + 26)))
        du = (XS[view] - cx) * np.cos(angle) + (YS[view] - cy) * np.sin(angle)
        dv = (YS[view] - cy) * np.cos(angle) - (XS[view] - cx) * np.sin(angle)
        far = np.hypot(np.maximum(np.abs(du) - length, 0), dv)
        body = soft_step(width - far)[..., None]
        image[view] = image[view] * (1 - body) + tone(vivid(rng)) * (1.1 - 0.04 * dv)[..., None] * body
    return np.clip(image, 0, 1)


def woven(rng: Rng) -> Pixels:
    """Broad strands over and under each other, like a basket."""
    u, v = lay_sheet(rng, bend=4, turn=0.9)
    size = float(rng.uniform(26, 48))
    cu, cv = np.floor(u / size), np.floor(v / size)
    flat = (cu + cv) % 2 == 0
    along, across = np.where(flat, u, v) / size % 1, np.where(flat, v, u) / size % 1
    light = np.sin(np.pi * along) ** 0.6 * np.sin(np.pi * across) ** 0.45
    strands = 0.08 * np.sin(across * 2 * np.pi * 4)
    straw = near(rng, (0.78, 0.6, 0.36), 0.1)
    return mix(np.clip(light + strands, 0, 1), dim(straw, 0.22, 0.2, 0.18), straw)


_DRAWN = (
    bubbly, chequered, cobwebbed, cracked, grid, honeycombed, knitted, polka_dotted, spiralled, sprinkled, striped,
    woven, zigzagged,
)  # fmt: skip
PATTERNS: dict[str, Callable[[Rng], Pixels]] = {draw.__name__.replace("_", "-"): draw for draw in _DRAWN}
