"""The places of COCO's annotations: polygons and run lengths in `segmentation`, else a box `bbox`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.json_files import Entry
from workers.engine.images.regions import (
    Grid,
    RegionInvalid,
    fill_box,
    fill_polygon,
    fill_runs,
    unpack_counts,
)

# A box that ends outside its photograph by more than a pixel and this share is wrong.
FAR = 0.1
NUMBERS = {int, float}
Sides = tuple[float, float, float, float]


def fill_region(grid: Grid, entry: Entry) -> NDArray[np.bool_]:
    """(height, width) of what the annotation marks; raises RegionInvalid."""
    shape = entry.get("segmentation")
    if lies_outside(entry, grid.full_height, grid.full_width):
        raise RegionInvalid(f"the region lies outside the photograph of {grid.full_width} x {grid.full_height} px")
    if polygons := _list_polygons(entry):
        region = np.zeros(grid.size, dtype=np.bool_)
        for polygon in polygons:
            region |= fill_polygon(grid, _listed(polygon))
        return region
    if isinstance(shape, dict):
        if shape.get("size") != [grid.full_height, grid.full_width]:
            raise RegionInvalid(f"its run lengths are of size {shape.get('size')}, not of the photograph's")
        counts = shape.get("counts")
        return fill_runs(grid, unpack_counts(counts) if isinstance(counts, str) else _listed(counts))
    if entry.get("bbox") is None:
        raise RegionInvalid("there is neither segmentation nor bbox")
    return fill_box(grid, _listed(entry.get("bbox")))


def _find_ends(entry: Entry) -> Sides | None:
    """Left, top, right and bottom of its polygons, or of its box if it has none; None for what are no numbers."""
    polygons = _list_polygons(entry)
    if not polygons and isinstance(entry.get("segmentation"), dict):
        return None
    numbers = [one for polygon in polygons if isinstance(polygon, list) for one in polygon] or entry.get("bbox")
    if not isinstance(numbers, list) or not numbers or not NUMBERS.issuperset(map(type, numbers)):
        return None
    if polygons:
        return min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])
    left, top, width, height = numbers if len(numbers) == 4 else (0.0, 0.0, 1.0, 1.0)
    return left, top, left + width, top + height


def lies_outside(entry: Entry, height: object, width: object) -> bool:
    """True if it has an area, and all of it lies outside a photograph of this size; False if the size is none."""
    ends = _find_ends(entry)
    if ends is None or not isinstance(height, int | float) or not isinstance(width, int | float):
        return False
    left, top, right, bottom = ends
    return left < right and top < bottom and (right <= 0 or bottom <= 0 or left >= width or top >= height)


def end_far_outside(entries: Sequence[Entry], images: Mapping[int | str, tuple[Any, Any]]) -> bool:
    """True if most boxes begin inside their photograph and end far outside, as two corners do that are read as a corner
    and two sides. `images`: height and width by id, as the file states them.
    """
    boxed = [one for one in entries if not one.get("segmentation") and one.get("bbox") is not None]
    n_far = 0
    for one in boxed:
        ends, (height, width) = _find_ends(one), images[one.key("image_id")]
        if ends is not None and isinstance(height, int) and isinstance(width, int):
            outside = ((ends[2] - width, width), (ends[3] - height, height))
            is_far = any(over > max(1, FAR * side) for over, side in outside)
            n_far += is_far and ends[0] < width and ends[1] < height
    return 2 * n_far > len(boxed)


def _list_polygons(entry: Entry) -> list[Any]:
    """What its segmentation lists, without empty lists; none for run lengths."""
    shape = entry.get("segmentation")
    if not isinstance(shape, list) or not shape:
        return []
    return [one for one in shape if one != []] if isinstance(shape[0], list) else [shape]


def has_no_area(entry: Entry) -> bool:
    """True for a box without a side, and where a polygon of less than three points is listed."""
    shape, box = entry.get("segmentation"), entry.get("bbox")
    if isinstance(shape, list) and shape:
        polygons = shape if isinstance(shape[0], list) else [shape]
        return any(isinstance(one, list) and len(one) < 6 and list not in map(type, one) for one in polygons)
    return not shape and isinstance(box, list) and 0 in box[2:]


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise RegionInvalid(f"{str(value)[:40]!r} is no list of numbers")
    return value


def is_in_shares(entry: Entry) -> bool:
    """True if no number of its polygons, or of its box if it has none, is over 1."""
    polygons = [entry.get("segmentation")] if isinstance(entry.get("segmentation"), dict) else _list_polygons(entry)
    return all(
        isinstance(polygon, list) and all(isinstance(one, int | float) and one <= 1 for one in polygon)
        for polygon in polygons or [entry.get("bbox")]
    )
