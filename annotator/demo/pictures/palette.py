"""Colors: random ones to paint with, and the basic color name (one of eleven) of each pixel."""

from collections.abc import Callable
from colorsys import hsv_to_rgb

import numpy as np
import numpy.typing as npt

from annotator.demo.pictures.canvas import Pixels, Rgb
from annotator.demo.pictures.vocabulary import NUMBERS

WHITE: Rgb = (0.95, 0.95, 0.95)
BLACK: Rgb = (0.07, 0.07, 0.08)
RUBBER: Rgb = (0.1, 0.1, 0.11)
STEEL: Rgb = (0.62, 0.64, 0.67)
SKIN: tuple[Rgb, ...] = ((0.96, 0.8, 0.69), (0.87, 0.67, 0.53), (0.66, 0.45, 0.32), (0.45, 0.3, 0.22))
WOODEN: tuple[Rgb, ...] = ((0.62, 0.42, 0.24), (0.45, 0.28, 0.16), (0.76, 0.58, 0.38))
# Hue in turns: upper bound of each named range, red closing the circle.
_HUES = (
    (0.035, "red-c"), (0.115, "orange-c"), (0.19, "yellow-c"), (0.46, "green-c"), (0.70, "blue-c"), (0.83, "purple-c"),
)  # fmt: skip


def _any_hue(saturation: tuple[float, float], value: tuple[float, float]) -> Callable[[np.random.Generator], Rgb]:
    """Draws a color whose hue is any, and whose saturation and value lie within these bounds."""
    return lambda rng: hsv_to_rgb(float(rng.random()), float(rng.uniform(*saturation)), float(rng.uniform(*value)))


# Strong colors; weak, light ones; weak ones of middling lightness.
vivid = _any_hue((0.6, 0.95), (0.6, 0.98))
pale = _any_hue((0.05, 0.3), (0.75, 0.97))
muted = _any_hue((0.1, 0.45), (0.35, 0.8))


def near(rng: np.random.Generator, color: Rgb, spread: float = 0.06) -> Rgb:
    """A color close to the given one: lighter or darker, its hue nearly kept."""
    r, g, b = np.clip(np.asarray(color) + rng.normal(0, spread) + rng.normal(0, spread / 3, 3), 0.03, 0.98)
    return (float(r), float(g), float(b))


def pick(rng: np.random.Generator, colors: tuple[Rgb, ...], spread: float = 0.04) -> Rgb:
    """One of some colors, varied a little."""
    return near(rng, colors[int(rng.integers(len(colors)))], spread)


def pair(rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    """Two colors of different lightness; one of them is often nearly white or black."""
    hue = float(rng.random())
    dark = hsv_to_rgb(hue, float(rng.uniform(0.3, 0.95)), float(rng.uniform(0.12, 0.5)))
    other = (hue + float(rng.choice([0.0, 0.1, 0.35, 0.5]))) % 1
    light = hsv_to_rgb(other, float(rng.choice([0.04, 0.15, 0.6])), float(rng.uniform(0.85, 1.0)))
    return (dark, light) if rng.random() < 0.5 else (light, dark)


def name_colors(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Label number of each pixel's basic color name, (h, w, 3) to (h, w), by fixed bounds."""
    rgb: Pixels = pixels.astype(np.float32) / 255
    high, low = rgb.max(axis=-1), rgb.min(axis=-1)
    chroma = high - low
    saturation = chroma / np.maximum(high, 1e-6)
    hue = _hue(rgb, high, chroma)
    names = np.full(high.shape, NUMBERS["color", "red-c"], np.uint16)
    for bound, name in reversed(_HUES):
        names[hue < bound] = NUMBERS["color", name]
    pinkish = ((hue >= 0.83) & (hue < 0.955)) | (((hue >= 0.955) | (hue < 0.05)) & (saturation < 0.55) & (high > 0.7))
    names[pinkish] = NUMBERS["color", "pink-c"]
    warm = (hue < 0.14) | (hue > 0.95)
    brown = warm & (high < 0.62) & (saturation < 0.85) & ~((hue < 0.02) & (saturation > 0.7))
    names[brown] = NUMBERS["color", "brown-c"]
    pale_gray = (saturation < 0.16) | (chroma < 0.07)
    names[pale_gray] = NUMBERS["color", "grey-c"]
    names[pale_gray & (high > 0.82)] = NUMBERS["color", "white-c"]
    names[high < 0.2] = NUMBERS["color", "black-c"]
    return names


def _hue(rgb: Pixels, high: Pixels, chroma: Pixels) -> Pixels:
    safe = np.maximum(chroma, 1e-6)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    sector = np.where(high == r, ((g - b) / safe) % 6, np.where(high == g, (b - r) / safe + 2, (r - g) / safe + 4))
    return np.asarray(sector / 6, dtype=np.float32)
