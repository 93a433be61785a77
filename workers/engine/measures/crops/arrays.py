"""Crops and tiles of each unit, as the artifact keeps them and as the database takes them in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.drawing.dimming import AUTO, DIMMINGS, FIXED
from workers.engine.drawing.segments import WAYS
from workers.engine.format.artifact import maps_name
from workers.engine.measures.empirical_fields.arrays import EmpiricalFieldOptions
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.recorded import Recorded, UnitRows, option

# Whose strips are drawn with the dissection.
ALL, ASKED = "all", "asked"


@dataclass(frozen=True)
class CropOptions:
    """Tiles of tile_px; `segment` (docs/measures.md, Segment). `mean_empirical_px` is the least side of crops and the
    diameter of disks, if it is known from elsewhere. `dimming`: outside the segment; dissections of before state none.
    `crops`: whose strips are drawn with the dissection.
    """

    tile_px: int = option(128, "side of a tile in pixels", low=16, high=512)
    segment: str = option("upsampled", "how crops are cut", choices=WAYS, title="Crops are cut")
    mean_empirical_px: float | None = option(
        None, "mean empirical receptive field in pixels, if it is known and not to be estimated"
    )
    dimming: str = option(
        FIXED,
        "what lies outside the segment keeps this share of its brightness: fixed, a fifth; auto (new dissections), "
        "a fifth to a half, more in dark crops",
        choices=DIMMINGS, title="Dimming", chosen=AUTO,
    )  # fmt: skip
    crops: str = option(
        ALL, "whose crops are cut now: of all units, or later of each unit that somebody asks about or looks at",
        choices=(ALL, ASKED), title="Crops of",
    )  # fmt: skip


@dataclass(frozen=True)
class Crops:
    """Per unit and tile, in the order of the ranks: `tile_box` (U, n, 3) left, top and side of the crop in pixels;
    `tile_mask` (U, n, px, px/8 bytes) the segment; `tile_sheet` (U,) the name of the strip; `tile_peak_region` (U, n)
    True if the map has no segment and the region of its peak is shown (None in artifacts of before, which showed all).
    """

    tile_box: NDArray[np.int16]
    tile_mask: NDArray[np.uint8]
    tile_sheet: NDArray[np.str_]
    tile_peak_region: NDArray[np.bool_] | None = None


def ingest(arrays: Crops, manifest: Mapping[str, Any]) -> Iterator[UnitRows]:
    tile_px = manifest["options"]["tile_px"]
    regions = arrays.tile_peak_region
    if regions is None:
        regions = np.zeros(arrays.tile_box.shape[:2], dtype=np.bool_)
    for boxes, sheet, stand_in in zip(
        arrays.tile_box.tolist(), arrays.tile_sheet.tolist(), regions.tolist(), strict=True
    ):
        ranks = {
            rank: {"crop_left": left, "crop_top": top, "crop_side": side, "is_peak_region": stand_in[rank]}
            for rank, (left, top, side) in enumerate(boxes)
        }
        yield UnitRows(columns={"tile_px": tile_px, "strip": sheet}, ranks=ranks)


def check(options: DissectionOptions) -> str:
    asked = options.of(CropOptions)
    is_known = asked.mean_empirical_px or options.of(EmpiricalFieldOptions).occluded_images
    if asked.segment == "disk" and not is_known:
        return "Segments as disks need empirical receptive fields: ask for these as well."
    return ""


RECORDED = Recorded(
    name="crops", arrays=Crops, options=CropOptions, ingest=ingest, check=check, files=lambda place: (maps_name(place),)
)
