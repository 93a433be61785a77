"""A layer's crops in parts, which other processes cut: what a part is cut from, as files keep it, and how parts join.

A part needs neither the network nor the rest of the layer. Cut in any parts, by anyone, the strips are the same.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.drawing.dimming import FIXED
from workers.engine.drawing.segments import SegmentSource
from workers.engine.format.artifact import Arrays, Save
from workers.engine.measures.crops.arrays import Crops
from workers.engine.measures.crops.tiles import TileSource, render_tiles
from workers.engine.measures.recorded import from_arrays, to_arrays
from workers.engine.measures.top_images.arrays import TopImages, TopImagesOptions
from workers.engine.networks.geometry import AxisGeometry, MapGeometry

PART_UNITS = 64
PART_BYTES = 64 * 2**20

Pixels = Callable[[int], NDArray[np.uint8]]


@dataclass(frozen=True)
class Part:
    """Consecutive units of the layer at `place` in the dissection, and what their strips are cut from."""

    place: int
    source: TileSource

    @property
    def n_units(self) -> int:
        return len(self.source.top.top_image)

    def images(self) -> list[int]:
        """The indices of the images that its strips show."""
        shown = np.union1d(self.source.top.top_image, self.source.top.low_image)
        return [int(image) for image in shown if image >= 0]


@dataclass(frozen=True)
class CutPart:
    """The crops of the units from `first` on of the layer at `place`, and the seconds that they took."""

    place: int
    first: int
    crops: Crops
    seconds: float


def divide(source: TileSource, *, place: int) -> Iterator[Part]:
    """The layer in parts of at most PART_UNITS units, whose maps take at most PART_BYTES unless one unit's do."""
    n_units, unit_bytes = len(source.top_maps), source.top_maps[:1].nbytes
    step = min(PART_UNITS, max(1, PART_BYTES // max(1, unit_bytes)))
    for first in range(0, n_units, step):
        rows = slice(first, first + step)
        top = from_arrays(TopImages, {name: array[rows] for name, array in to_arrays(source.top).items()})
        assert top is not None
        yield Part(place, replace(source, top=top, top_maps=source.top_maps[rows], first_unit=first))


def store_part(part: Part) -> Arrays:
    """All of a part but the images' pixels."""
    source, segment = part.source, part.source.segment
    stated = {
        "place": part.place,
        "first_unit": source.first_unit,
        "input_px": source.input_px,
        "tile_px": source.tile_px,
        "seed": source.seed,
        "dimming": source.dimming,
        "n_images": asdict(source.n_images),
        "way": segment.way,
        "mean_empirical_px": segment.mean_empirical_px,
        "rows": asdict(segment.geometry.rows),
        "columns": asdict(segment.geometry.columns),
    }
    return {**to_arrays(source.top), "top_maps": source.top_maps, "stated": np.array(json.dumps(stated))}


def load_part(arrays: Arrays, *, pixels: Pixels) -> Part:
    """The inverse of store_part."""
    stated: dict[str, Any] = json.loads(arrays["stated"].item())
    top = from_arrays(TopImages, arrays)
    assert top is not None
    source = TileSource(
        top=top,
        top_maps=arrays["top_maps"],
        segment=SegmentSource(
            way=stated["way"],
            geometry=MapGeometry(rows=AxisGeometry(**stated["rows"]), columns=AxisGeometry(**stated["columns"])),
            mean_empirical_px=stated["mean_empirical_px"],
        ),
        pixels=pixels,
        input_px=stated["input_px"],
        n_images=TopImagesOptions(**stated["n_images"]),
        tile_px=stated["tile_px"],
        seed=stated["seed"],
        dimming=stated.get("dimming", FIXED),  # parts of before state none
        first_unit=stated["first_unit"],
    )
    return Part(stated["place"], source)


def cut_part(part: Part, *, save: Save, progress: Callable[[int], None]) -> CutPart:
    """Save the strips of the part's units. `progress` gets the number of units done."""
    since = time.perf_counter()
    crops = render_tiles(source=part.source, save=save, progress=progress)
    return CutPart(part.place, part.source.first_unit, crops, time.perf_counter() - since)


def store_cut(cut: CutPart) -> Arrays:
    stated = {name: np.array(getattr(cut, name)) for name in ("place", "first", "seconds")}
    return {**to_arrays(cut.crops), **stated}


def load_cut(arrays: Arrays) -> CutPart:
    """The inverse of store_cut."""
    crops = from_arrays(Crops, arrays)
    assert crops is not None
    place, first, seconds = (arrays[name].item() for name in ("place", "first", "seconds"))
    return CutPart(place, first, crops, seconds)


def join_cuts(cuts: Sequence[CutPart]) -> dict[int, Crops]:
    """By place of the layer, the crops of all its units; in whatever order the parts come."""
    ordered = sorted(cuts, key=lambda cut: (cut.place, cut.first))
    joined = {}
    for place in dict.fromkeys(cut.place for cut in ordered):
        own = [to_arrays(cut.crops) for cut in ordered if cut.place == place]
        joined[place] = Crops(**{name: np.concatenate([arrays[name] for arrays in own]) for name in own[0]})
    return joined
