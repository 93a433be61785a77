"""Render each unit's strip of tiles: its top crops by rank, then its low images in shapes that look like theirs.

docs/measures.md, Crops and tiles. A low image in the very shape of a top crop would have a twin on the page and so give
itself away. So it gets the segment of a map that is not shown, one of the next best images, cut at the share of its
peak at which a top crop drawn by the stored seed is cut: sizes are spread much as the top crops' are, and no outline
stands twice.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.drawing.crops import OUTLINE_PX, Cut, cut_segment, encode_strip, tile
from workers.engine.drawing.segments import SegmentSource
from workers.engine.format.artifact import Save, tile_name
from workers.engine.measures.crops.arrays import Crops
from workers.engine.measures.top_images.arrays import TopImages, TopImagesOptions
from workers.engine.measures.top_images.topk import seeded_order

SHAPE_STREAM = 1 << 32  # apart from the streams that draw low images


@dataclass(frozen=True)
class TileSource:
    """What rendering a layer's tiles needs: its top and low images, the (U, n_maps, h, w) maps of its best images, best
    first and zero if there are none, the images' pixels by index, and how tiles are cut.
    """

    top: TopImages
    top_maps: NDArray[np.float32]
    segment: SegmentSource
    pixels: Callable[[int], NDArray[np.uint8]]
    input_px: int
    n_images: TopImagesOptions
    tile_px: int
    seed: int

    def first_peak(self, unit: int) -> float:
        return float(self.top.top_peak[unit, 0])


def render_tiles(*, source: TileSource, save: Save, progress: Callable[[int], None]) -> Crops:
    """Save every unit's strip; tiles are in the strip's order. `progress` gets the number of units done."""
    n_units, n_maps = len(source.top.top_image), source.n_images.n_maps
    boxes = np.zeros((n_units, n_maps, 3), dtype=np.int16)
    outlines = np.zeros((n_units, n_maps, OUTLINE_PX, OUTLINE_PX), dtype=bool)
    regions = np.zeros((n_units, n_maps), dtype=np.bool_)
    sheets: list[str] = []
    for unit in range(n_units):
        top, low = source.top.top_image[unit], source.top.low_image[unit]
        cuts = {rank: _cut(source, unit, rank) for rank in np.flatnonzero(top >= 0).tolist()}
        cuts |= _borrow(source, unit, shown=list(cuts.values()), places=np.flatnonzero(low >= 0).tolist())
        images = np.concatenate([top, low])
        tiles = np.zeros((n_maps, source.tile_px, source.tile_px, 3), dtype=np.uint8)
        for place, cut in cuts.items():
            tiles[place] = tile(pixels=source.pixels(int(images[place])), cut=cut)
            boxes[unit, place] = (cut.box.left, cut.box.top, cut.box.side)
            outlines[unit, place] = cut.outline
            regions[unit, place] = cut.is_peak_region
        sheet, data = encode_strip(tiles)
        save(tile_name(sheet), data)
        sheets.append(sheet)
        progress(unit + 1)
    return Crops(
        tile_box=boxes,
        tile_mask=np.packbits(outlines, axis=-1),
        tile_sheet=np.array(sheets, dtype="U64"),
        tile_peak_region=regions,
    )


def _cut(source: TileSource, unit: int, rank: int, *, first_peak: float | None = None) -> Cut:
    return cut_segment(
        source=source.segment,
        activation=source.top_maps[unit, rank],
        first_peak=source.first_peak(unit) if first_peak is None else first_peak,
        input_px=source.input_px,
        tile_px=source.tile_px,
        least_side=source.segment.mean_empirical_px or source.input_px / 4,
    )


def _borrow(source: TileSource, unit: int, *, shown: list[Cut], places: list[int]) -> dict[int, Cut]:
    """By tile the cuts of the low images at these places, each like one drawn top crop's; that very one where no
    unshown map is left or one of the two has no segment.
    """
    options = source.n_images
    keys = seeded_order(seed=source.seed, stream=SHAPE_STREAM + unit, n=options.n_low)
    peaks = source.top_maps[unit].max(axis=(1, 2))
    spare = options.n_top + np.flatnonzero(peaks[options.n_top :] > 0)
    cuts = {}
    for i, place in enumerate(places):
        like = int(keys[place] % np.uint64(len(shown)))
        cuts[options.n_top + place] = shown[like]
        if i < len(spare) and peaks[like] > 0:
            first_peak = source.first_peak(unit) * float(peaks[spare[i]] / peaks[like])
            cuts[options.n_top + place] = _cut(source, unit, int(spare[i]), first_peak=first_peak)
    return cuts
