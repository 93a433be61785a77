"""Cut square crops around segments, dim what lies outside the segment, and make one strip of tiles of each unit.

docs/measures.md, Crops and tiles. A crop lies inside the image, around the segment with a margin; its side is at least
the layer's mean empirical receptive field, or a quarter of the image until that is estimated. Strips carry no metadata
and are named by their content.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from workers.engine import compiling
from workers.engine.drawing.dimming import dim
from workers.engine.drawing.dimming_loop import loop_over_pixels
from workers.engine.drawing.segment_loop import loop_over_points
from workers.engine.drawing.segments import UPSAMPLED, SegmentSource, find_segments
from workers.engine.networks.geometry import spread_pixels
from workers.engine.one_thread import one_thread

MARGIN = 0.1  # of the segment's side, on each side
SEARCH_GRID = 56  # points along a side at which the segment's extent is looked for
OUTLINE_PX = 32
QUALITY = 90
RESIZED_BYTES = 2 * 2**20  # of the crops that are resized together

Pixels = NDArray[np.uint8]


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


@dataclass(frozen=True)
class Sizes:
    """Sides in pixels: of the network's input, of a tile, and the least of a crop."""

    input_px: int
    tile_px: int
    least_side: float


def cut_segments(
    *, source: SegmentSource, maps: NDArray[np.float32], first_peaks: NDArray[np.float64], sizes: Sizes
) -> list[Cut]:
    """The crops around the segments of (n, h, w) maps, each with its unit's peak on the rank-0 image (n,). A map
    without a segment (nothing of it reaches the cut) gives the least crop at its peak, in which a disk of that size
    around the peak's cell is shown.
    """

    def find_in(some: list[int], boxes: list[Box], n: int) -> NDArray[np.bool_]:
        top, left, side = np.array([(box.top, box.left, box.side) for box in boxes]).reshape(-1, 3, 1).swapaxes(0, 1)
        steps = spread_pixels(n_pixels=n, side_px=side)
        rows, columns = top + steps, left + steps
        find = loop_over_points if compiling.CAN_COMPILE and source.way == UPSAMPLED else find_segments
        return find(source=source, maps=maps[some], first_peaks=first_peaks[some], rows=rows, columns=columns)

    every = list(range(len(maps)))
    found = find_in(every, [Box(0, 0, sizes.input_px)] * len(maps), SEARCH_GRID)
    some = np.flatnonzero(found.any(axis=(1, 2))).tolist()
    boxes = _surround(found[some], sizes)
    masks, outlines = find_in(some, boxes, sizes.tile_px), find_in(some, boxes, OUTLINE_PX)
    cuts = {i: Cut(*one) for i, *one in zip(some, boxes, masks, outlines, strict=True)}
    return [cuts[i] if i in cuts else _cut_peak(source, maps[i], sizes) for i in every]


def _surround(found: NDArray[np.bool_], sizes: Sizes) -> list[Box]:
    """The squares around the points of (n, SEARCH_GRID, SEARCH_GRID) search grids that were found, one at least."""
    step = sizes.input_px / SEARCH_GRID
    down, across = (np.asarray(found.any(axis=axis)) for axis in (2, 1))
    firsts, lasts = ([one[:, ::way].argmax(axis=1) for one in (down, across)] for way in (1, -1))
    boxes = []
    for top, left, below, beside in np.stack([*firsts, *lasts], axis=1).tolist():
        bottom, right = SEARCH_GRID - below, SEARCH_GRID - beside
        side = max(bottom * step - top * step, right * step - left * step) * (1 + 2 * MARGIN)
        row, column = (top * step + bottom * step) / 2, (left * step + right * step) / 2
        boxes.append(square_inside(row, column, max(side, sizes.least_side), sizes.input_px))
    return boxes


def _cut_peak(source: SegmentSource, activation: NDArray[np.float32], sizes: Sizes) -> Cut:
    y, x = np.unravel_index(int(activation.argmax()), activation.shape)
    row, column = source.geometry.rows.center(int(y)), source.geometry.columns.center(int(x))
    box = square_inside(row, column, sizes.least_side, sizes.input_px)
    mask, outline = (_disk_at(box, n, row, column, sizes.least_side) for n in (sizes.tile_px, OUTLINE_PX))
    return Cut(box, mask, outline, is_peak_region=True)


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


def draw_tiles(*, pixels: Callable[[int], Pixels], cuts: Sequence[Cut], tile_px: int, dimming: str) -> Pixels:
    """(3, n, tile_px, tile_px): the crops of n (input_px, input_px, 3) images, each dimmed outside its segment.
    `pixels` gives an image by the place of its cut: few are held at a time.
    """
    tiles = np.empty((3, len(cuts), tile_px, tile_px), dtype=np.uint8)
    for some in _group_by_side([cut.box.side for cut in cuts]):
        side = cuts[some[0]].box.side
        crops = np.empty((len(some), side, side, 3), dtype=np.uint8)
        for row, i in enumerate(some):
            crops[row] = _crop(pixels(i), cuts[i].box)
        # torch resizes bytes in a third of Pillow's time, by the same filter; one value in some 200 differs by 1.
        with one_thread():
            resized = functional.interpolate(
                torch.from_numpy(crops).permute(0, 3, 1, 2), size=(tile_px, tile_px), mode="bicubic", antialias=True
            ).contiguous()
        for i, small in zip(some, resized.numpy(), strict=True):
            if compiling.CAN_COMPILE:
                loop_over_pixels(small, cuts[i].mask, dimming=dimming, dimmed=tiles[:, i])
            else:
                tiles[:, i] = dim(small, cuts[i].mask, dimming=dimming)
    return tiles


def _group_by_side(sides: Sequence[int]) -> Iterator[list[int]]:
    """The places of crops of one side, which are resized together: torch takes as long to begin as to resize two."""
    for side in sorted(set(sides)):
        some, n_at_once = [i for i, one in enumerate(sides) if one == side], max(1, RESIZED_BYTES // (3 * side**2))
        yield from (some[first : first + n_at_once] for first in range(0, len(some), n_at_once))


def _crop(pixels: Pixels, box: Box) -> Pixels:
    return pixels[box.top : box.top + box.side, box.left : box.left + box.side]


def encode_strip(tiles: Pixels) -> tuple[str, bytes]:
    """(3, n, tile_px, tile_px) tiles, one below the other, as (sha256 hex of the bytes, bytes) of a JPEG without
    metadata.
    """
    strip = Image.merge("RGB", [Image.fromarray(band.reshape(-1, tiles.shape[-1])) for band in tiles])
    buffer = io.BytesIO()
    strip.save(buffer, format="JPEG", quality=QUALITY)
    data = buffer.getvalue()
    return hashlib.sha256(data).hexdigest(), data
