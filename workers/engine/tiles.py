"""Render each unit's strip of tiles: its top crops by rank, then its low images cut with a top crop's shape.

science.md sections 3 and 4. A low image borrows box and segment of a top crop that the stored seed draws.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.artifact_format import Arrays, Save, tile_name
from workers.engine.crops import OUTLINE_PX, Cut, cut_segment, encode_strip, tile
from workers.engine.images import ImageSet
from workers.engine.networks import Preprocessing
from workers.engine.options import DissectionOptions
from workers.engine.results import LayerResult
from workers.engine.segments import SegmentSource
from workers.engine.topk import seeded_order

CACHE_BYTES = 320 * 2**20
DONOR_STREAM = 1 << 32  # apart from the streams that draw low images


class PixelCache:
    """Decoded images, the last used kept while they fit."""

    def __init__(self, *, image_set: ImageSet, preprocessing: Preprocessing) -> None:
        self._set, self._preprocessing = image_set, preprocessing
        self._kept: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._room = max(1, CACHE_BYTES // (3 * preprocessing.input_px**2))

    def __call__(self, index: int) -> NDArray[np.uint8]:
        pixels = self._kept.pop(index, None)
        if pixels is None:
            pixels = self._set.read_pixels(index, preprocessing=self._preprocessing)
        self._kept[index] = pixels
        if len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return pixels


@dataclass(frozen=True)
class TileSource:
    """What rendering a layer's tiles needs: its result, the (U, K, h, w) maps of its top images, the images' pixels by
    index.
    """

    result: LayerResult
    top_maps: NDArray[np.float32]
    pixels: Callable[[int], NDArray[np.uint8]]
    input_px: int
    options: DissectionOptions


def render_tiles(*, source: TileSource, save: Save, progress: Callable[[int], None]) -> Arrays:
    """Save every unit's strip; returns tile_box, tile_donor, tile_mask and tile_sheet. `progress` gets the number
    of units done.
    """
    options = source.options
    n_units, n_tiles = source.result.shape.n_units, options.n_top + options.n_low
    boxes = np.zeros((n_units, n_tiles, 3), dtype=np.int16)
    donors = np.full((n_units, options.n_low), -1, dtype=np.int16)
    outlines = np.zeros((n_units, options.n_top, OUTLINE_PX, OUTLINE_PX), dtype=bool)
    sheets: list[str] = []
    for unit in range(n_units):
        cuts = _cut_unit(source, unit)
        donors[unit] = _draw_donors(source, unit, n_cuts=len(cuts))
        low = source.result.arrays["low_image"][unit]
        shown = [(int(source.result.arrays["top_image"][unit, rank]), rank, cut) for rank, cut in enumerate(cuts)]
        shown += [(int(image), options.n_top + i, cuts[donors[unit, i]]) for i, image in enumerate(low) if image >= 0]
        tiles = np.zeros((n_tiles, options.tile_px, options.tile_px, 3), dtype=np.uint8)
        for image, place, cut in shown:
            tiles[place] = tile(pixels=source.pixels(image), cut=cut)
            boxes[unit, place] = (cut.box.left, cut.box.top, cut.box.side)
        for rank, cut in enumerate(cuts):
            outlines[unit, rank] = cut.outline
        sheet, data = encode_strip(tiles)
        save(tile_name(sheet), data)
        sheets.append(sheet)
        progress(unit + 1)
    return {
        "tile_box": boxes,
        "tile_donor": donors,
        "tile_mask": np.packbits(outlines, axis=-1),
        "tile_sheet": np.array(sheets, dtype="U64"),
    }


def _cut_unit(source: TileSource, unit: int) -> list[Cut]:
    arrays, options = source.result.arrays, source.options
    segment = SegmentSource(
        way=options.segment,
        geometry=source.result.placed(source.input_px),
        mean_empirical_px=options.mean_empirical_px,
    )
    return [
        cut_segment(
            source=segment,
            activation=source.top_maps[unit, rank],
            first_peak=float(arrays["top_peak"][unit, 0]),
            input_px=source.input_px,
            tile_px=options.tile_px,
            least_side=options.mean_empirical_px or source.input_px / 4,
        )
        for rank in range(options.n_top)
        if arrays["top_image"][unit, rank] >= 0
    ]


def _draw_donors(source: TileSource, unit: int, *, n_cuts: int) -> NDArray[np.int16]:
    options = source.options
    keys = seeded_order(seed=options.seed, stream=DONOR_STREAM + unit, n=options.n_low)
    donors = (keys % np.uint64(n_cuts)).astype(np.int16)
    return np.where(source.result.arrays["low_image"][unit] >= 0, donors, np.int16(-1))
