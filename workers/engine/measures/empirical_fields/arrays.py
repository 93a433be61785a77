"""Empirical receptive fields, as the artifact keeps them and as the database takes them in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.recorded import Recorded, UnitRows, option
from workers.engine.measures.rotation.arrays import RotationOptions

# Fewer images say nothing of a unit, or of a place around its peak: the deviation of a mean over n images is that of
# one image divided by the square root of n, at five images less than half.
MIN_IMAGES = 5


@dataclass(frozen=True)
class EmpiricalFieldOptions:
    """`occluded_images` above 0: estimate empirical receptive fields from that many of each unit's top images."""

    occluded_images: int = option(
        0,
        "estimate empirical receptive fields by occluding each unit's N top images (25 if no number is given)",
        low=0, high=1000, flag="--receptive-fields", bare=25,
        title="Empirical receptive fields",
    )  # fmt: skip


@dataclass(frozen=True)
class EmpiricalFields:
    """`empirical_map` (U, side, side) averaged discrepancy, one place per step of the occluder, the peak in the center;
    `empirical_size` (U,) in pixels, NaN if too few images speak for it, 0 if no occluder changed the unit;
    `empirical_picture` (U,) names of the pictures of the maps; `empirical_images` (U,) how many images were occluded
    for it (None in artifacts of before).
    """

    empirical_map: NDArray[np.float32]
    empirical_size: NDArray[np.float32]
    empirical_picture: NDArray[np.str_]
    empirical_images: NDArray[np.int32] | None = None

    @property
    def n_found(self) -> int:
        """Units whose field was estimated."""
        return len(self._found)

    @property
    def mean_px(self) -> float:
        """Over the units that an occluder changed at all; 0 if there are none."""
        return float(self._found.mean()) if len(self._found) else 0.0

    @property
    def deviation_px(self) -> float:
        return float(self._found.std()) if len(self._found) else 0.0

    @property
    def _found(self) -> NDArray[np.float32]:
        return self.empirical_size[self.empirical_size > 0]


def ingest(arrays: EmpiricalFields, manifest: Mapping[str, Any]) -> Iterator[UnitRows]:
    n_units = len(arrays.empirical_size)
    counts = [None] * n_units if arrays.empirical_images is None else arrays.empirical_images.tolist()
    rows = zip(arrays.empirical_size.tolist(), arrays.empirical_picture.tolist(), counts, strict=True)
    for size, picture, n_images in rows:
        is_found = not isnan(size)
        columns = {"empirical_size_px": size if is_found else None, "empirical_picture": picture if is_found else ""}
        yield UnitRows(columns=columns, value={"images_occluded": n_images} if n_images is not None else None)


def check(options: DissectionOptions) -> str:
    if 0 < options.of(EmpiricalFieldOptions).occluded_images < MIN_IMAGES:
        return f"An empirical receptive field needs {MIN_IMAGES} images or more: give --receptive-fields {MIN_IMAGES}."
    if options.of(EmpiricalFieldOptions).occluded_images and options.of(RotationOptions).rotation:
        return "Empirical receptive fields are estimated in the layer's own basis, without rotation."
    return ""


RECORDED = Recorded(
    name="empirical_fields", arrays=EmpiricalFields, options=EmpiricalFieldOptions, ingest=ingest, check=check
)
