"""The background of objects: sky, grass, sea, sand, road, walls, floors, and plain grounds."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from annotator.demo.pictures.canvas import SIDE, XS, YS, Canvas, Tag, dim, oval, smooth_noise, tone
from annotator.demo.pictures.materials import MATERIALS
from annotator.demo.pictures.palette import muted, near, pale, vivid
from annotator.demo.pictures.sheets import fractal_noise, mix


def _below(canvas: Canvas, horizon: float, roughness: float = 0.0) -> npt.NDArray[np.bool_]:
    """The region under a horizon (share of the side), perhaps uneven."""
    line = horizon * SIDE + roughness * smooth_noise(canvas.rng, 4)[0]
    return np.asarray(line[None, :] < YS)


def sky(canvas: Canvas, *, cloudy: bool = True) -> None:
    """A sky, lighter toward the horizon, perhaps with clouds."""
    rng = canvas.rng
    evening = rng.random() < 0.2
    high = near(rng, (0.35, 0.3, 0.5) if evening else (0.3, 0.55, 0.88), 0.06)
    low = near(rng, (0.98, 0.66, 0.45) if evening else (0.8, 0.9, 0.97), 0.03)
    canvas.cover(mix(YS / SIDE * 1.3, high, low), Tag("sky"))
    if cloudy and rng.random() < 0.55:
        puffs = np.clip(fractal_noise(rng, 3, 5) * 0.9 - 0.25, 0, 1) * np.clip(1.2 - YS / SIDE * 1.6, 0, 1)
        canvas.rgb += (np.float32(0.97) - canvas.rgb) * puffs[..., None]
        canvas.write((slice(SIDE), slice(SIDE)), puffs > 0.35, Tag("cloud"))


def grass(canvas: Canvas, horizon: float) -> None:
    """Grass with blades that grow toward the viewer."""
    rng = canvas.rng
    blades = np.repeat(rng.standard_normal((SIDE // 8, SIDE)).astype(np.float32), 8, axis=0)
    light = 0.5 + 0.16 * blades + 0.16 * fractal_noise(rng, 12) + 0.2 * (YS / SIDE - 0.6)
    green = near(rng, (0.36, 0.58, 0.2), 0.06)
    canvas.cover(mix(light, dim(green, 0.45, 0.5, 0.5), green), Tag("grass"), _below(canvas, horizon, 5))


def sea(canvas: Canvas, horizon: float) -> None:
    """Water with waves that grow toward the viewer."""
    rng = canvas.rng
    depth = np.clip(YS / SIDE - horizon, 0.01, 1)
    waves = np.sin(6.0 / (depth + 0.12) * 3 + 1.8 * smooth_noise(rng, 6) + 0.02 * XS)
    light = 0.45 + 0.18 * waves + 0.12 * fractal_noise(rng, 20, 2) + 0.2 * (1 - depth)
    deep = near(rng, (0.2, 0.55, 0.66), 0.07)
    below = _below(canvas, horizon)
    canvas.cover(mix(light, dim(deep, 0.35, 0.5, 0.62), near(rng, (0.6, 0.85, 0.9), 0.03)), Tag("sea"), below)


def sand(canvas: Canvas, horizon: float, roughness: float = 8.0) -> None:
    """Sand with ripples."""
    rng = canvas.rng
    ripples = np.sin(YS / 9 + 2.5 * smooth_noise(rng, 3) + 0.03 * XS) * 0.06
    light = 0.6 + ripples + 0.12 * fractal_noise(rng, 5) + 0.04 * smooth_noise(rng, 200)
    grains = near(rng, (0.93, 0.8, 0.56), 0.05)
    canvas.cover(mix(light, dim(grains, 0.6, 0.55, 0.5), grains), Tag("sand"), _below(canvas, horizon, roughness))


def road(canvas: Canvas, horizon: float) -> None:
    """An asphalt road across the picture with a dashed line."""
    rng = canvas.rng
    light = 0.5 + 0.12 * smooth_noise(rng, 200) + 0.1 * fractal_noise(rng, 6)
    mask = _below(canvas, horizon)
    canvas.cover(mix(light, (0.22, 0.22, 0.24), near(rng, (0.46, 0.46, 0.47), 0.04)), Tag("road"), mask)
    y, dash = (horizon * 0.35 + 0.65) * SIDE, float(rng.uniform(50, 90))
    line = mask & (np.abs(YS - y) < 5) & ((XS + dash * rng.random()) % (dash * 1.8) < dash)
    canvas.rgb[line] = 0.88


def mountains(canvas: Canvas, horizon: float) -> None:
    """A jagged ridge, snowy on its peaks."""
    rng = canvas.rng
    for far in (0.5, 0.0):
        ridge = np.abs(fractal_noise(rng, 3, 5)[0])
        top = (horizon - 0.12 - far * 0.16 - 0.2 * ridge / ridge.max()) * SIDE
        mask = top[None, :] < YS
        height = (YS - top[None, :]) / SIDE
        rock = near(rng, (0.42, 0.42, 0.48), 0.05)
        light = 0.5 + 0.3 * fractal_noise(rng, 14, 3)
        image = mix(light, dim(rock, 0.55, 0.55, 0.6), rock)
        snow = np.clip((0.09 + 0.03 * smooth_noise(rng, 20) - height) * 30, 0, 1)[..., None]
        canvas.cover((image * (1 - snow) + 0.95 * snow) * (1 - far * 0.4) + far * 0.4 * 0.8, Tag("mountain"), mask)


def night(canvas: Canvas) -> None:
    """A deep blue sky with stars."""
    rng = canvas.rng
    glow = 0.45 + 0.3 * fractal_noise(rng, 3) + 0.3 * YS / SIDE
    blues = near(rng, (0.07, 0.09, 0.26), 0.02), near(rng, (0.22, 0.24, 0.5), 0.05)
    canvas.cover(mix(glow, *blues), Tag("sky"))
    for _ in range(int(rng.integers(60, 130))):
        x, y = rng.uniform(6, SIDE - 6, 2)
        radius = float(rng.choice([1.6, 2.2, 3.2, 5.0], p=[0.4, 0.35, 0.15, 0.1]))
        view = (slice(int(y - 12), int(y + 13)), slice(int(x - 12), int(x + 13)))
        near_by = np.hypot(XS[view] - x, YS[view] - y)
        canvas.rgb[view] += (1 - canvas.rgb[view]) * np.exp(-((near_by / radius) ** 2))[..., None]
        canvas.write(view, near_by < radius * 1.3, Tag("star"))


def wall(canvas: Canvas, horizon: float) -> None:
    """A wall, plain or of a material, above a floor or table top of boards."""
    rng = canvas.rng
    kind = str(rng.choice(["plain", "plain", "plain", "brick", "tile"]))
    light = (1.04 - 0.15 * YS / SIDE + 0.03 * smooth_noise(rng, 3))[..., None]
    paint = MATERIALS[kind](rng) if kind in MATERIALS else light * tone(pale(rng))
    canvas.cover(paint, Tag("wall", material=kind if kind in MATERIALS else None))
    below = _below(canvas, horizon)
    kind = str(rng.choice(["wood", "plain", "tile", "plain"]))
    ground = MATERIALS[kind](rng) if kind in MATERIALS else light * tone(muted(rng))
    shaded = ground * (0.75 + 0.3 * (YS / SIDE))[..., None]
    canvas.cover(shaded, Tag("floor", material=kind if kind in MATERIALS else None), below)


def plain(canvas: Canvas) -> None:
    """A ground without a name: a soft gradient or blurred patches of color."""
    rng = canvas.rng
    first = (pale, muted, vivid)[int(rng.choice(3, p=[0.5, 0.4, 0.1]))](rng)
    amount = 0.5 + 0.3 * smooth_noise(rng, int(rng.integers(1, 5))) + 0.4 * (YS / SIDE - 0.5) * float(rng.normal())
    canvas.cover(mix(amount, first, near(rng, first, 0.2) if rng.random() < 0.7 else muted(rng)), Tag())


def water(canvas: Canvas) -> None:
    """Blue water above a sandy sea floor."""
    rng = canvas.rng
    blue = tone(near(rng, (0.25, 0.68, 0.85), 0.05)) * (1 - 0.55 * YS / SIDE)[..., None]
    canvas.cover(blue, Tag("sea"))
    sand(canvas, 0.84, 14)
    canvas.rgb[:] = canvas.rgb * 0.8 + tone((0.02, 0.1, 0.14))
    for x, y in rng.uniform((0.05, 0.02), (0.95, 0.8), (18, 2)) * SIDE:
        radius = float(rng.uniform(3, 9))
        canvas.paint([oval(x, y, radius, radius)], pale(rng), Tag("sea", texture="bubbly"), dome=True)


def around(canvas: Canvas, kind: str) -> float:
    """Fill the canvas for an object's surroundings; returns the height (share of the side) where the object stands."""
    rng = canvas.rng
    horizon = float(rng.uniform(0.45, 0.72))
    if kind == "loose" or rng.random() < 0.3:
        plain(canvas)
    elif kind == "indoors":
        wall(canvas, horizon)
    elif kind == "under water":
        water(canvas)
    elif kind == "air":
        sky(canvas)
    else:
        sky(canvas)
        if rng.random() < 0.25:
            mountains(canvas, horizon)
        ground: Callable[[Canvas, float], None] = (
            sea if kind == "water" else (grass, grass, road, sand)[int(rng.integers(4))]
        )
        ground(canvas, horizon)
    return horizon
