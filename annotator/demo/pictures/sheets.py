"""What patterns are made of: turned and bent sheets of coordinates, waves, scattered cells, noise, blends."""

import numpy as np
from scipy.spatial import cKDTree

from annotator.demo.pictures.canvas import SIDE, XS, YS, Pixels, Rgb, smooth_noise

Rng = np.random.Generator


def lay_sheet(rng: Rng, bend: float = 6.0, turn: float = 3.15) -> tuple[Pixels, Pixels]:
    """Coordinates of a turned and bent sheet, centered."""
    ys, xs = YS - np.float32(SIDE / 2), XS - np.float32(SIDE / 2)
    xs, ys = xs + bend * smooth_noise(rng, 4), ys + bend * smooth_noise(rng, 4)
    angle = float(rng.uniform(-turn, turn))
    return xs * np.cos(angle) + ys * np.sin(angle), ys * np.cos(angle) - xs * np.sin(angle)


def fractal_noise(rng: Rng, cells: int, octaves: int = 4) -> Pixels:
    """Smooth noise of several sizes summed, each half as strong and half as large as the one before."""
    return np.asarray(sum(smooth_noise(rng, cells * 2**k) / 2**k for k in range(octaves)))


def mix(amount: Pixels, first: Rgb, second: Rgb) -> Pixels:
    """Blends two colors by an amount of 0 to 1 per pixel."""
    share = np.clip(amount, 0, 1)[..., None].astype(np.float32)
    step = np.asarray(second, np.float32) - np.asarray(first, np.float32)
    return np.asarray(share * step + np.asarray(first, np.float32))


def soft_step(value: Pixels, softness: float = 1.5) -> Pixels:
    """0 below zero, 1 above, with a soft edge of some pixels."""
    return np.asarray(np.clip(value / softness + 0.5, 0, 1))


def measure_wave(value: Pixels, period: float) -> Pixels:
    """Distance in pixels from the nearest multiple of the period."""
    return np.asarray(np.abs((value / period + 0.5) % 1 - 0.5) * period)


def scatter_cells(rng: Rng, spacing: float, jitter: float = 0.35, bend: float = 0.0) -> tuple[Pixels, Pixels, Pixels]:
    """Distances to the nearest and second nearest of scattered points, and the nearest point's number."""
    steps = np.arange(-spacing, SIDE + 2 * spacing, spacing)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    points = grid + rng.normal(0, jitter * spacing, grid.shape)
    half = np.mgrid[0:SIDE:2, 0:SIDE:2].astype(np.float32).transpose(1, 2, 0)[..., ::-1]
    if bend:
        half = half + bend * np.stack([smooth_noise(rng, 30, SIDE // 2), smooth_noise(rng, 30, SIDE // 2)], axis=-1)
    distance, number = cKDTree(points).query(half.reshape(-1, 2), k=2)
    maps = np.stack([distance[:, 0], distance[:, 1], number[:, 0]]).astype(np.float32)
    first, second, owner = maps.reshape(3, SIDE // 2, SIDE // 2).repeat(2, 1).repeat(2, 2)
    return first, second, owner
