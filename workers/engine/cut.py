"""Cut the strips of some units of a finished dissection, from its artifact and the photographs: no network is needed.

docs/measures.md, Crops and tiles. The strips are those that the dissection itself would have drawn.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.drawing.segments import SegmentSource
from workers.engine.format.artifact import (
    Arrays,
    Artifact,
    ArtifactMalformed,
    Save,
    checksum_name,
    maps_name,
    tile_name,
    unpack_arrays,
)
from workers.engine.images.image_set import ImageSet, PixelCache
from workers.engine.measures.crops.arrays import CropOptions
from workers.engine.measures.crops.tiles import TileSource, draw_strip, name_later, plan_tiles
from workers.engine.measures.empirical_fields.arrays import EmpiricalFields
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.recorded import from_arrays
from workers.engine.measures.top_images.arrays import TopImages, TopImagesOptions
from workers.engine.networks.geometry import AxisGeometry, MapGeometry, evenly_spread
from workers.engine.networks.preprocessing import Preprocessing

Pixels = Callable[[int], NDArray[np.uint8]]


def open_pixels(artifact: Artifact, image_set: ImageSet) -> PixelCache:
    """The photographs as the dissection's network saw them."""
    stated = artifact.manifest["network"]["preprocessing"]
    return PixelCache(image_set=image_set, preprocessing=Preprocessing().stated(stated))


def list_images(artifact: Artifact, *, place: int, units: Sequence[int]) -> list[int]:
    """The indices of the photographs that the strips of these units of the manifest's layer are cut from."""
    top = _find_top_images(artifact.layer(place))
    chosen = np.concatenate([top.top_image[list(units)].ravel(), top.low_image[list(units)].ravel()])
    return sorted(set(chosen[chosen >= 0].tolist()))


def cut_units(*, artifact: Artifact, place: int, units: Sequence[int], pixels: Pixels, save: Save) -> None:
    """Save the late strips of these units of the manifest's layer `place`, each after the digest of its bytes.

    Raises ArtifactMalformed, ImageUnreadable.
    """
    arrays = artifact.layer(place)
    source = _open_source(artifact, place, arrays, pixels)
    for unit in units:
        sheet = str(arrays["tile_sheet"][unit])
        if name_later(source, unit) != sheet:
            raise ArtifactMalformed(f"The maps of unit {unit} are not those that its crops are to be cut from.")
        _, data = draw_strip(source, unit, plan_tiles(source, unit))
        save(checksum_name(sheet), hashlib.sha256(data).hexdigest().encode())
        save(tile_name(sheet), data)


def _open_source(artifact: Artifact, place: int, arrays: Arrays, pixels: Pixels) -> TileSource:
    manifest, maps = artifact.manifest, unpack_arrays(artifact.read(maps_name(place)))
    options = DissectionOptions.from_json(manifest["options"])
    asked, field = options.of(CropOptions), from_arrays(EmpiricalFields, arrays)
    input_px = int(manifest["network"]["preprocessing"]["input_px"])
    return TileSource(
        top=_find_top_images(arrays),
        top_maps=maps["top_maps"],
        segment=SegmentSource(
            way=asked.segment,
            geometry=_read_geometry(manifest["layers"][place], input_px),
            mean_empirical_px=asked.mean_empirical_px if field is None else field.mean_px,
        ),
        pixels=pixels,
        input_px=input_px,
        n_images=options.of(TopImagesOptions),
        tile_px=asked.tile_px,
        seed=options.run.seed,
        dimming=asked.dimming,
    )


def _find_top_images(arrays: Arrays) -> TopImages:
    found = from_arrays(TopImages, arrays)
    if found is None:
        raise ArtifactMalformed("The artifact holds no top images.")
    return found


def _read_geometry(entry: dict[str, Any], input_px: int) -> MapGeometry:
    """Where the layer's cells lie, as its manifest states it; spread evenly if it states nothing."""
    if "cells" not in entry:
        return MapGeometry(
            rows=evenly_spread(n_cells=entry["map_height"], input_px=input_px),
            columns=evenly_spread(n_cells=entry["map_width"], input_px=input_px),
        )
    rows = {name: value for name, value in entry["cells"].items() if name != "columns"}
    return MapGeometry(rows=AxisGeometry(**rows), columns=AxisGeometry(**entry["cells"].get("columns", rows)))
