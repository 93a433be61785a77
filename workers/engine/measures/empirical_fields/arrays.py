"""Empirical receptive fields, as the artifact keeps them and as the database takes them in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.recorded import Recorded, UnitRows, option
from workers.engine.measures.rotation.arrays import RotationOptions


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
    `empirical_size` (U,) in pixels; `empirical_picture` (U,) names of the pictures of the maps.
    """

    empirical_map: NDArray[np.float32]
    empirical_size: NDArray[np.float32]
    empirical_picture: NDArray[np.str_]

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
    for size, picture in zip(arrays.empirical_size.tolist(), arrays.empirical_picture.tolist(), strict=True):
        yield UnitRows(columns={"empirical_size_px": size, "empirical_picture": picture})


def check(options: DissectionOptions) -> str:
    if options.of(EmpiricalFieldOptions).occluded_images and options.of(RotationOptions).rotation:
        return "Empirical receptive fields are estimated in the layer's own basis, without rotation."
    return ""


RECORDED = Recorded(
    name="empirical_fields", arrays=EmpiricalFields, options=EmpiricalFieldOptions, ingest=ingest, check=check
)
