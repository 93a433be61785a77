"""Render each unit's strip of tiles: its top crops by rank, then its low images in shapes that look like theirs.

docs/measures.md, Crops and tiles. A low image in the very shape of a top crop would have a twin on the page and so give
itself away. So it gets the segment of a map that is not shown, one of the next best images, cut at the share of its
peak at which a top crop drawn by the stored seed is cut: sizes are spread much as the top crops' are, and no outline
stands twice.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.drawing.crops import OUTLINE_PX, Cut, Sizes, cut_segments, draw_tiles, encode_strip
from workers.engine.drawing.dimming import FIXED
from workers.engine.drawing.segments import SegmentSource
from workers.engine.format.artifact import Save, late_name, tile_name
from workers.engine.measures.crops.arrays import Crops
from workers.engine.measures.top_images.arrays import TopImages, TopImagesOptions
from workers.engine.measures.top_images.topk import seeded_order

SHAPE_STREAM = 1 << 32  # apart from the streams that draw low images


@dataclass(frozen=True)
class TileSource:
    """What rendering a layer's tiles needs: its top and low images, the (U, n_maps, h, w) maps of its best images, best
    first and zero if there are none, the images' pixels by index, and how tiles are cut. If it holds a part of the
    layer, `first_unit` is the index of its first unit.
    """

    top: TopImages
    top_maps: NDArray[np.float32]
    segment: SegmentSource
    pixels: Callable[[int], NDArray[np.uint8]]
    input_px: int
    n_images: TopImagesOptions
    tile_px: int
    seed: int
    dimming: str
    first_unit: int = 0

    @property
    def sizes(self) -> Sizes:
        return Sizes(self.input_px, self.tile_px, self.segment.mean_empirical_px or self.input_px / 4)

    def first_peak(self, unit: int) -> float:
        return float(self.top.top_peak[unit, 0])


def render_tiles(*, source: TileSource, save: Save, progress: Callable[[int], None], is_later: bool = False) -> Crops:
    """Save every unit's strip; tiles are in the strip's order. `progress` gets the number of units done.

    `is_later`: no strip is drawn; each has the name under which `cut_units` saves it when it is asked for.
    """
    n_units, n_maps = len(source.top.top_image), source.n_images.n_maps
    boxes = np.zeros((n_units, n_maps, 3), dtype=np.int16)
    outlines = np.zeros((n_units, n_maps, OUTLINE_PX, OUTLINE_PX), dtype=bool)
    regions = np.zeros((n_units, n_maps), dtype=np.bool_)
    sheets: list[str] = []
    for unit in range(n_units):
        cuts = plan_tiles(source, unit)
        for place, cut in cuts.items():
            boxes[unit, place] = (cut.box.left, cut.box.top, cut.box.side)
            outlines[unit, place] = cut.outline
            regions[unit, place] = cut.is_peak_region
        if is_later:
            sheets.append(name_later(source, unit))
        else:
            sheet, data = draw_strip(source, unit, cuts)
            save(tile_name(sheet), data)
            sheets.append(sheet)
        progress(unit + 1)
    return Crops(
        tile_box=boxes,
        tile_mask=np.packbits(outlines, axis=-1),
        tile_sheet=np.array(sheets, dtype="U64"),
        tile_peak_region=regions,
    )


def plan_tiles(source: TileSource, unit: int) -> dict[int, Cut]:
    """By place in the strip, how each of the unit's tiles is cut; a place without an image is absent.

    Each low image gets a cut like that of one drawn top crop; that very one where no unshown map is left or one of the
    two has no segment.
    """
    options, first_peak = source.n_images, source.first_peak(unit)
    ranks, places = (np.flatnonzero(images[unit] >= 0) for images in (source.top.top_image, source.top.low_image))
    keys = seeded_order(seed=source.seed, stream=SHAPE_STREAM + source.first_unit + unit, n=options.n_low)
    likes = (keys[places] % np.uint64(len(ranks))).tolist()
    peaks = source.top_maps[unit].max(axis=(1, 2))
    spare = options.n_top + np.flatnonzero(peaks[options.n_top :] > 0)
    lent = [i for i, like in enumerate(likes[: len(spare)]) if peaks[like] > 0]
    lent_peaks = [first_peak * float(peaks[spare[i]] / peaks[likes[i]]) for i in lent]
    cuts = cut_segments(
        source=source.segment,
        maps=source.top_maps[unit, [*ranks, *spare[lent]]],
        first_peaks=np.array([first_peak] * len(ranks) + lent_peaks),
        sizes=source.sizes,
    )
    planned = dict(zip(ranks.tolist(), cuts, strict=False))
    planned |= {options.n_top + place: cuts[like] for place, like in zip(places.tolist(), likes, strict=True)}
    return planned | {options.n_top + int(places[i]): cut for i, cut in zip(lent, cuts[len(ranks) :], strict=True)}


def draw_strip(source: TileSource, unit: int, cuts: Mapping[int, Cut]) -> tuple[str, bytes]:
    """The unit's strip, as `encode_strip` gives it."""
    images = np.concatenate([source.top.top_image[unit], source.top.low_image[unit]])
    shown = [int(images[place]) for place in cuts]
    tiles = np.zeros((3, source.n_images.n_maps, source.tile_px, source.tile_px), dtype=np.uint8)
    tiles[:, list(cuts)] = draw_tiles(
        pixels=lambda i: source.pixels(shown[i]),
        cuts=list(cuts.values()),
        tile_px=source.tile_px,
        dimming=source.dimming,
    )
    return encode_strip(tiles)


def name_later(source: TileSource, unit: int) -> str:
    """The name of a strip that is drawn when it is asked for: of what it is drawn from, but for the photographs."""
    segment = source.segment
    stated = [source.tile_px, source.input_px, source.seed, unit, segment.way, segment.mean_empirical_px]
    stated += [] if source.dimming == FIXED else [source.dimming]
    digest = hashlib.sha256(json.dumps([*stated, asdict(segment.geometry)]).encode())
    for array in (source.top.top_image, source.top.top_peak, source.top.low_image, source.top_maps):
        digest.update(np.ascontiguousarray(array[unit]).tobytes())
    return late_name(digest.hexdigest())
