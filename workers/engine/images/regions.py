"""Regions of an image (boxes, polygons, run lengths) as pixels: a pixel belongs to a region if its center lies inside.

Coordinates are pixels of the photograph as the label file states its size, (0, 0) at the upper left corner of the upper
left pixel. Label maps larger than MAX_SIDE_PX are sampled at pixel centers, whatever file they came from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.plurals import say_count

# A label map's longer side: IoU is summed at its size, and sides above this cost memory without telling more.
MAX_SIDE_PX = 512
MAX_STATED_SIDE_PX = 65_535
# Larger than any place in a photograph or number of its pixels.
MAX_NUMBER = 1e10


class RegionInvalid(Exception):
    """A region cannot be drawn; the message says why, without the file's name."""


@dataclass(frozen=True)
class Grid:
    """The pixels of a photograph of `full_height` x `full_width` px at which labels are kept."""

    full_height: int
    full_width: int

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """(height,) the rows of the photograph that are kept."""
        return _sampled(self.full_height, self._scale)

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """(width,) the columns of the photograph that are kept."""
        return _sampled(self.full_width, self._scale)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the label map."""
        return len(self.rows), len(self.columns)

    @property
    def _scale(self) -> float:
        return max(1.0, max(self.full_height, self.full_width) / MAX_SIDE_PX)

    def sample(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """(height, width, ...) of (full_height, full_width, ...) pixels."""
        return pixels if pixels.shape[:2] == self.size else pixels[self.rows][:, self.columns]


def make_grid(height: object, width: object) -> Grid:
    """The grid of a photograph of this size, as a file states it; raises RegionInvalid."""
    sides = [int(side) for side in (height, width) if isinstance(side, int | float) and side == side // 1]
    if len(sides) < 2 or not all(1 <= side <= MAX_STATED_SIDE_PX for side in sides):
        raise RegionInvalid(f"{str(width)[:20]} x {str(height)[:20]} px is no size of a photograph")
    return Grid(sides[0], sides[1])


def _sampled(side: int, scale: float) -> NDArray[np.int64]:
    kept = max(1, round(side / scale))
    return np.asarray(np.floor((np.arange(kept) + 0.5) * side / kept), dtype=np.int64)


def fill_box(grid: Grid, box: Sequence[object]) -> NDArray[np.bool_]:
    """(height, width) of a box (left, top, width, height); raises RegionInvalid."""
    left, top, width, height = _numbers(box, n=4)
    if width < 0 or height < 0:
        raise RegionInvalid("the box has a side of less than 0")
    across = (left <= grid.columns + 0.5) & (grid.columns + 0.5 < left + width)
    down = (top <= grid.rows + 0.5) & (grid.rows + 0.5 < top + height)
    return np.asarray(down[:, None] & across[None, :])


def fill_polygon(grid: Grid, corners: Sequence[object]) -> NDArray[np.bool_]:
    """(height, width) of a polygon (x, y, x, y, ...), by the even-odd rule; raises RegionInvalid.

    On each row of pixel centers, what lies to the right of an odd number of edges is inside.
    """
    numbers = _numbers(corners)
    if len(numbers) == 0 or len(numbers) % 2:
        raise RegionInvalid(f"a polygon has {say_count(len(numbers), 'number')}; it needs two for each point")
    x, y = np.array(numbers).reshape(-1, 2).T
    height, width = grid.size
    flips = np.zeros((height, width + 1), dtype=np.int32)
    centers, rows = grid.columns + 0.5, grid.rows + 0.5
    for x0, y0, x1, y1 in zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True):
        if y0 == y1:
            continue
        first, end = np.searchsorted(rows, sorted((y0, y1)), side="left")
        crossings = x0 + (rows[first:end] - y0) * ((x1 - x0) / (y1 - y0))
        np.add.at(flips, (np.arange(first, end), np.searchsorted(centers, crossings, side="left")), 1)
    return np.asarray(np.cumsum(flips, axis=1)[:, :width] % 2 == 1)


def fill_runs(grid: Grid, counts: Sequence[object]) -> NDArray[np.bool_]:
    """(height, width) of COCO's run lengths: down each column in turn, first of what lies outside."""
    lengths = np.array(_numbers(counts))
    if len(lengths) == 0 or (lengths < 0).any() or lengths.sum() != grid.full_height * grid.full_width:
        raise RegionInvalid(f"the run lengths do not fill {grid.full_width} x {grid.full_height} px")
    ends = np.cumsum(lengths)
    places = grid.columns[None, :] * grid.full_height + grid.rows[:, None]
    return np.asarray(np.searchsorted(ends, places, side="right") % 2 == 1)


def unpack_counts(text: str) -> list[int]:
    """COCO's run lengths from their short form: six bits a letter, from the third on as differences to the one before
    the last; raises RegionInvalid.
    """
    counts: list[int] = []
    value, shift = 0, 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise RegionInvalid("the packed run lengths are damaged")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value, shift = 0, 0
    if shift:
        raise RegionInvalid("the packed run lengths are damaged")
    return counts


def lay_regions(regions: Mapping[int, NDArray[np.bool_]]) -> list[NDArray[np.uint16]]:
    """As few (height, width) maps as it takes: each label's region goes to the first map where it covers no other."""
    maps: list[NDArray[np.uint16]] = []
    for number, region in sorted(regions.items()):
        room = next((one for one in maps if not one[region].any()), None)
        if room is None:
            room = np.zeros(region.shape, dtype=np.uint16)
            maps.append(room)
        room[region] = number
    return maps


def _numbers(values: Sequence[object], *, n: int | None = None) -> list[float]:
    if n is not None and len(values) != n:
        raise RegionInvalid(f"{say_count(len(values), 'number stands', 'numbers stand')} where {n} are expected")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_NUMBER:
            raise RegionInvalid(f"{str(value)[:40]!r} is no number that a photograph of pixels can have")
    return [float(value) for value in values]  # type: ignore[arg-type]
