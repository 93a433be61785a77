"""The canvas of a rendered picture: every drawing operation writes its label where it writes its color.

Coordinates: x to the right, y down, in canvas pixels (448 x 448, twice the picture's). Labels are kept at canvas
resolution, one map a category, two for parts, and read out by nearest pixel, so they are exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypedDict, Unpack

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from annotator.demo.pictures.vocabulary import INNER_PARTS, NUMBERS

SIDE = 448
PICTURE_PX = 224
LABEL_PX = 112
MAPS = ("object", "part", "inner part", "material", "texture", "scene")
# The row and the column of each pixel.
YS, XS = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
EVERYWHERE = np.ones((SIDE, SIDE), bool)

Pixels = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.uint16]
Rgb = tuple[float, float, float]
Fill = Rgb | Pixels
Points = Sequence[tuple[float, float]] | npt.NDArray[np.float64]


def tone(color: Sequence[float]) -> Pixels:
    """A color as an array that multiplies and adds to pixels."""
    return np.asarray(color, dtype=np.float32)


def dim(color: Rgb, *factors: float) -> Rgb:
    """The color with its channels multiplied, each by its own factor or all by one."""
    r, g, b = factors if len(factors) == 3 else factors * 3
    return (color[0] * r, color[1] * g, color[2] * b)


def smooth_noise(rng: np.random.Generator, cells: int, side: int = SIDE) -> Pixels:
    """A (side, side) field of smooth noise of about deviation 1, with features of side / cells pixels."""
    coarse = rng.standard_normal((cells + 1, cells + 1)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def turned(points: Points, angle: float) -> npt.NDArray[np.float64]:
    """Points turned around the origin by an angle in radians."""
    return np.asarray(np.asarray(points) @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]))


def flipped(points: Points, side: int) -> npt.NDArray[np.float64]:
    """Points of the right half as they are (side 1), or in the left half (side -1)."""
    return np.asarray(points, dtype=np.float64) * (side, 1)


@dataclass(frozen=True)
class Pose:
    """Where an object stands: center and scale in canvas pixels, angle in radians, perhaps mirrored."""

    x: float
    y: float
    size: float
    angle: float = 0.0
    mirrored: bool = False

    def place(self, points: Points) -> npt.NDArray[np.float64]:
        """Points of the object's own frame (about -1 to 1, y down) on the canvas."""
        local = np.asarray(points, dtype=np.float64) * ((-1.0 if self.mirrored else 1.0), 1.0) * self.size
        return np.add(turned(local, self.angle), (self.x, self.y))


@dataclass(frozen=True)
class Tag:
    """The labels of a drawing operation; an absent name clears the existing label."""

    object: str | None = None
    part: str | None = None
    material: str | None = None
    texture: str | None = None


@dataclass
class Canvas:
    """A picture in the making: pixels (0 to 1) and label maps of equal size."""

    rng: np.random.Generator
    rgb: Pixels = field(default_factory=lambda: np.full((SIDE, SIDE, 3), 0.5, np.float32))
    maps: dict[str, Labels] = field(default_factory=lambda: {name: np.zeros((SIDE, SIDE), np.uint16) for name in MAPS})
    grain: Pixels = field(init=False)

    def __post_init__(self) -> None:
        self.grain = 1 + 0.035 * smooth_noise(self.rng, 12) + 0.02 * smooth_noise(self.rng, 60)

    def paint(
        self, polygons: Sequence[Points], fill: Fill, tag: Tag, *, shade: float = 0.2, dome: bool = False
    ) -> None:
        """Fill polygons (canvas pixels), shaded from the upper left; `dome` shades them like a ball."""
        corners = np.concatenate([np.asarray(p, dtype=np.float64) for p in polygons])
        left, top = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, SIDE)
        right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, 0, SIDE)
        if right <= left or bottom <= top:
            return
        image = Image.new("L", (int(right - left), int(bottom - top)))
        draw = ImageDraw.Draw(image)
        for polygon in polygons:
            draw.polygon([(float(x - left), float(y - top)) for x, y in polygon], fill=255)
        window = (slice(top, bottom), slice(left, right))
        mask = np.asarray(image) > 0
        light = _dome(mask.shape) if dome else _slope(mask.shape, shade)
        color = fill[window] if isinstance(fill, np.ndarray) else np.asarray(fill, np.float32)
        painted = color * (light * self.grain[window])[..., None]
        np.copyto(self.rgb[window], painted, where=mask[..., None])
        self.write(window, mask, tag)

    def write(self, window: tuple[slice, slice], mask: npt.NDArray[np.bool_], tag: Tag) -> None:
        """Label the masked pixels of a window."""
        for category in ("object", "material", "texture"):
            name = getattr(tag, category)
            np.copyto(self.maps[category][window], np.uint16(NUMBERS[category, name] if name else 0), where=mask)
        number = NUMBERS["part", tag.part] if tag.part else 0
        inner = tag.part in INNER_PARTS
        np.copyto(self.maps["inner part"][window], np.uint16(number if inner else 0), where=mask)
        if not inner:
            np.copyto(self.maps["part"][window], np.uint16(number), where=mask)

    def cover(self, fill: Fill, tag: Tag, mask: npt.NDArray[np.bool_] = EVERYWHERE) -> None:
        """Fill the whole canvas, or any region of it."""
        np.copyto(self.rgb, np.asarray(fill, np.float32), where=mask[..., None])
        self.write((slice(SIDE), slice(SIDE)), mask, tag)

    def darken(self, x: float, y: float, width: float, height: float, strength: float = 0.45) -> None:
        """Lay a soft shadow; a shadow has no label. Beyond twice its width it is too weak to see."""
        left, right = (int(np.clip(v, 0, SIDE)) for v in (x - 2 * width, x + 2 * width))
        top, bottom = (int(np.clip(v, 0, SIDE)) for v in (y - 2 * height, y + 2 * height))
        across = np.exp(-1.5 * ((np.arange(left, right, dtype=np.float32) - x) / width) ** 2)
        down = np.exp(-1.5 * ((np.arange(top, bottom, dtype=np.float32) - y) / height) ** 2)
        light = (1 - strength * down[:, None] * across[None, :]).astype(np.float32)
        self.rgb[top:bottom, left:right] *= light[..., None]

    def set_scene(self, name: str) -> None:
        """Labels the whole picture as a scene."""
        self.maps["scene"][:] = NUMBERS["scene", name]


class Look(TypedDict, total=False):
    """How a shape is painted: its part, material and texture, its shading, the width of a darker rim."""

    part: str
    material: str | None
    texture: str
    shade: float
    dome: bool
    edge: float


@dataclass(frozen=True)
class Pen:
    """Paints one object's shapes in the object's own frame."""

    canvas: Canvas
    pose: Pose
    name: str

    @property
    def rng(self) -> np.random.Generator:
        """The picture's random numbers."""
        return self.canvas.rng

    def shapes(self, polygons: Sequence[Points], fill: Fill, **look: Unpack[Look]) -> None:
        """Fill several polygons at once."""
        tag = Tag(self.name, look.get("part"), look.get("material"), look.get("texture"))
        placed: list[Points] = [self.pose.place(p) for p in polygons]
        self.canvas.paint(placed, fill, tag, shade=look.get("shade", 0.2), dome=look.get("dome", False))

    def polygon(self, points: Points, fill: Fill, **look: Unpack[Look]) -> None:
        """Fill one polygon, inside its rim where it has one."""
        edge = look.get("edge", 0.0)
        if edge and not isinstance(fill, np.ndarray):
            self.shapes([points], dim(fill, 0.55), **look)
            middle = np.asarray(points, dtype=np.float64).mean(axis=0)
            offset = np.asarray(points, dtype=np.float64) - middle
            reach = np.maximum(np.linalg.norm(offset, axis=1, keepdims=True), 1e-6)
            points = middle + offset * np.maximum(1 - edge / reach, 0.5)
        self.shapes([points], fill, **look)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Fill, **look: Unpack[Look]) -> None:
        """Fill an upright ellipse."""
        self.polygon(oval(x, y, rx, ry), fill, **look)

    def box(
        self, frame: tuple[float, float, float, float], fill: Fill, corner: float = 0, **look: Unpack[Look]
    ) -> None:
        """Fill an upright rectangle (left, top, right, bottom) with round corners."""
        self.polygon(rounded(*frame, corner), fill, **look)

    def stroke(self, points: Points, width: float, fill: Fill, **look: Unpack[Look]) -> None:
        """Draw a thick line with round ends."""
        track = np.asarray(points, dtype=np.float64)
        pieces: list[Points] = [oval(x, y, width / 2, width / 2, 12) for x, y in track]
        for a, b in pairwise(track):
            along = (b - a) / max(float(np.hypot(*(b - a))), 1e-9) * width / 2
            across = np.array([-along[1], along[0]])
            pieces.append(np.array([a + across, b + across, b - across, a - across]))
        self.shapes(pieces, fill, **look)


def oval(
    x: float, y: float, rx: float, ry: float, n: int = 40, start: float = 0.0, stop: float = 360.0
) -> npt.NDArray[np.float64]:
    """Points of an ellipse or of a piece of one (degrees, clockwise from the right)."""
    t = np.radians(np.linspace(start, stop, n, endpoint=stop - start < 360))
    return np.stack([x + rx * np.cos(t), y + ry * np.sin(t)], axis=1)


def polar(radius: float, turn: float, x: float = 0.0, y: float = 0.0) -> tuple[float, float]:
    """The point at a distance from (x, y), turned clockwise from the right by an angle in radians."""
    return x + radius * np.cos(turn), y + radius * np.sin(turn)


def rounded(left: float, top: float, right: float, bottom: float, corner: float = 0.0) -> Points:
    """Points of an upright rectangle with rounded corners."""
    if corner <= 0:
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    r = min(corner, (right - left) / 2, (bottom - top) / 2)
    corners = [(right - r, bottom - r), (left + r, bottom - r), (left + r, top + r), (right - r, top + r)]
    return np.concatenate([oval(x, y, r, r, 7, 90 * k, 90 * k + 90) for k, (x, y) in enumerate(corners)])


def _slope(shape: tuple[int, ...], shade: float) -> Pixels:
    ys = np.linspace(-0.5, 0.5, shape[0], dtype=np.float32)[:, None]
    xs = np.linspace(-0.5, 0.5, shape[1], dtype=np.float32)[None, :]
    return np.float32(1) - np.float32(shade) * (np.float32(1.2) * ys + np.float32(0.8) * xs)


def _dome(shape: tuple[int, ...]) -> Pixels:
    ys = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    far = (xs + 0.3) ** 2 + (ys + 0.35) ** 2
    return np.asarray((1.12 - 0.28 * far + 0.5 * np.exp(-far * 14)).astype(np.float32))


Draw = Callable[[Pen], None]
