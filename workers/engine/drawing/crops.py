"""Cut square crops around segments, dim what lies outside the segment, and make one strip of tiles of each unit.

docs/measures.md, Crops and tiles. A crop lies inside the image, around the segment with a margin; its side is at least
the layer's mean empirical receptive field, or a quarter of the image until that is estimated. Strips carry no metadata
and are named by their content.
"""

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.engine.drawing.segments import SegmentSource, segment_at
from workers.engine.networks.geometry import spread_pixels

MARGIN = 0.1  # of the segment's side, on each side
DIMMED_TO = 0.2
SEARCH_GRID = 56  # points along a side at which the segment's extent is looked for
OUTLINE_PX = 32
QUALITY = 90


@dataclass(frozen=True)
class Box:
    """A square of the input_px image: left and top pixel, side."""

    left: int
    top: int
    side: int

    def points(self, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rows and columns (pixel centers of the image) of an n x n grid spread evenly over the box."""
        steps = spread_pixels(n_pixels=n, side_px=self.side)
        return self.top + steps, self.left + steps


@dataclass(frozen=True)
class Cut:
    """Where a crop lies and which of its pixels belong to the segment: (tile_px, tile_px), and coarsely for
    outlines. `is_peak_region`: the map has no segment, and the region of its peak stands in for it.
    """

    box: Box
    mask: NDArray[np.bool_]
    outline: NDArray[np.bool_]
    is_peak_region: bool = False


def cut_segment(
    *,
    source: SegmentSource,
    activation: NDArray[np.float32],
    first_peak: float,
    input_px: int,
    tile_px: int,
    least_side: float,
) -> Cut:
    """The crop around one map's segment. A map without a segment (nothing of it reaches the cut) gives the least crop
    at its peak, in which a disk of that size around the peak's cell is shown.
    """

    def segment_in(box: Box, n: int) -> NDArray[np.bool_]:
        rows, columns = box.points(n)
        return segment_at(source=source, activation=activation, first_peak=first_peak, rows=rows, columns=columns)

    found = segment_in(Box(0, 0, input_px), SEARCH_GRID)
    step = input_px / SEARCH_GRID
    if found.any():
        down, across = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
        top, bottom, left, right = (down[0] * step, (down[-1] + 1) * step, across[0] * step, (across[-1] + 1) * step)
        side = max(bottom - top, right - left) * (1 + 2 * MARGIN)
        box = square_inside((top + bottom) / 2, (left + right) / 2, max(side, least_side), input_px)
    else:
        y, x = np.unravel_index(int(activation.argmax()), activation.shape)
        row, column = source.geometry.rows.center(int(y)), source.geometry.columns.center(int(x))
        box = square_inside(row, column, least_side, input_px)
        mask, outline = (_disk_at(box, n, row, column, least_side) for n in (tile_px, OUTLINE_PX))
        return Cut(box, mask, outline, is_peak_region=True)
    return Cut(box, segment_in(box, tile_px), segment_in(box, OUTLINE_PX))


def _disk_at(box: Box, n: int, row: float, column: float, diameter: float) -> NDArray[np.bool_]:
    """(n, n) points of the box within a disk around a point of the image."""
    rows, columns = box.points(n)
    return np.asarray((rows[:, None] - row) ** 2 + (columns - column) ** 2 <= (diameter / 2) ** 2, dtype=np.bool_)


def square_inside(row: float, column: float, side: float, input_px: int) -> Box:
    """The square of the given side around a point, moved into the image and no larger than it."""
    whole = min(input_px, max(1, round(side)))
    top = min(max(0, round(row - whole / 2)), input_px - whole)
    left = min(max(0, round(column - whole / 2)), input_px - whole)
    return Box(left=left, top=top, side=whole)


def tile(*, pixels: NDArray[np.uint8], cut: Cut) -> NDArray[np.uint8]:
    """(tile_px, tile_px, 3): the crop of an (input_px, input_px, 3) image, dimmed outside the segment."""
    tile_px = len(cut.mask)
    box = cut.box
    image = Image.fromarray(pixels[box.top : box.top + box.side, box.left : box.left + box.side])
    small = np.asarray(image.resize((tile_px, tile_px), Image.Resampling.BICUBIC))
    dimmed = (small * np.float32(DIMMED_TO)).astype(np.uint8)
    return np.where(cut.mask[:, :, None], small, dimmed)


def encode_strip(tiles: NDArray[np.uint8]) -> tuple[str, bytes]:
    """(n, tile_px, tile_px, 3) tiles, one below the other, as (sha256 hex of the bytes, bytes) of a JPEG without
    metadata.
    """
    strip = Image.fromarray(tiles.reshape(-1, *tiles.shape[2:]))
    buffer = io.BytesIO()
    strip.save(buffer, format="JPEG", quality=QUALITY)
    data = buffer.getvalue()
    return hashlib.sha256(data).hexdigest(), data
