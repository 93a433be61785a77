"""Arrays with named axes: one layer's as a data set of xarray, which writes NetCDF (the extra `xarray`).

Each axis of an array that a measure records has a name here, and its coordinates if they mean something: labels,
categories, row and column. docs/measures.md defines the arrays.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.measures.iou.arrays import MODES

if TYPE_CHECKING:
    import xarray

Axes = tuple[str, ...]

AXES: Mapping[str, Axes] = {
    "threshold": (),
    "silence": (),
    "top_image": ("rank",),
    "top_peak": ("rank",),
    "top_location": ("rank", "cell_axis"),
    "low_image": ("low_rank",),
    "low_peak": ("low_rank",),
    "low_location": ("low_rank", "cell_axis"),
    "peak_histogram": ("bin",),
    "peak_range": ("end",),
    "composed_labels": ("place",),
    "composed_joints": ("joint",),
    "composed_iou": (),
    "empirical_map": ("field_row", "field_column"),
    "empirical_size": (),
    "empirical_picture": (),
    "empirical_images": (),
    "tile_box": ("tile", "box_side"),
    "tile_mask": ("tile", "mask_row", "mask_byte"),
    "tile_sheet": (),
    "tile_peak_region": ("tile",),
}
# Of one mode of IoU, behind the mode's name.
AXES_OF_MODE: Mapping[str, Axes] = {
    "intersection": ("label",),
    "area": ("label",),
    **dict.fromkeys(("best_label", "best_iou", "iou_low", "iou_high"), ("category",)),
    **dict.fromkeys(("shuffled_label", "shuffled_iou"), ("category",)),
}
# The activation vectors, which come image by image.
OF_IMAGES = ("maxima", "means")
# Those that are not of single units.
AXES_OF_LAYER: Mapping[str, Axes] = {"truth": ("label",), "count_ranges": ("count_bound",)}
COORDINATES: Mapping[str, tuple[str, ...]] = {
    "cell_axis": ("row", "column"),
    "box_side": ("left", "top", "side"),
    "end": ("low", "high"),
    "count_bound": ("n_detectors low", "n_detectors high", "n_unique low", "n_unique high"),
}


def name_axes(name: str) -> Axes | None:
    """The names of an array's axes; None if the array has none here."""
    if name in OF_IMAGES:
        return ("image", "unit")
    mode, _, rest = name.partition("_")
    if mode in MODES and rest in AXES_OF_LAYER:
        return AXES_OF_LAYER[rest]
    own = AXES_OF_MODE.get(rest) if mode in MODES else AXES.get(name)
    return None if own is None else ("unit", *own)


def label_arrays(
    arrays: Mapping[str, NDArray[Any]], *, manifest: Mapping[str, Any], facts: Mapping[str, Any]
) -> "xarray.Dataset":
    """One layer's arrays as a data set. An array that has no names here gets names of its own.

    `facts`: the manifest's entry of the layer. Raises ImportError with the way to install xarray.
    """
    library = import_xarray()
    named = {
        name: (name_axes(name) or tuple(f"{name}_{axis}" for axis in range(array.ndim)), array)
        for name, array in arrays.items()
        if name != "images"
    }
    coordinates: dict[str, Any] = {"unit": np.arange(facts["n_units"])}
    if "images" in arrays:
        coordinates["image"] = arrays["images"]
    used = {axis for axes, _ in named.values() for axis in axes}
    coordinates |= {axis: list(values) for axis, values in COORDINATES.items() if axis in used}
    if "label" in used:
        labels = manifest["labels"]
        coordinates["label"] = [one["name"] for one in labels]
        coordinates["label_number"] = ("label", [one["number"] for one in labels])
    if "category" in used:
        coordinates["category"] = list(manifest["categories"])
    made: xarray.Dataset = library.Dataset(named, coords=coordinates, attrs=_describe(manifest, facts))
    return made


def import_xarray() -> Any:
    """Raises ImportError with the way to install it."""
    try:
        import xarray
    except ImportError:
        raise ImportError("xarray is not installed: pip install 'unitscope[xarray]'.") from None
    return xarray


def _describe(manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, str]:
    """What the numbers are of."""
    network = manifest["network"]
    return {
        "layer": facts["path"],
        "network": network["architecture"],
        "weights_sha256": network.get("weights_sha256") or "",
        "artifact_sha256": manifest["sha256"],
    }
