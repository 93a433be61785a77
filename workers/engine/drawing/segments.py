"""Which part of an image a unit responds to, in three published ways.

[ZKLOT15] 3.3, docs/measures.md, Segment. `upsampled`: bilinear, cut at 0.2 of the rank-0 image's maximum. `smoothed`: 3
x 3 mean, cut at 0.4 of this map's own maximum, bicubic. `disk`: cells over half of this map's maximum, each a disk of
the layer's mean empirical receptive field. Coordinates are pixel centers of the input_px square.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.engine.networks.geometry import AxisGeometry, AxisPlan, MapGeometry, plan_axis, upsample

WAYS = ("upsampled", "smoothed", "disk")
UPSAMPLED_CUT, SMOOTHED_CUT, DISK_CUT = 0.2, 0.4, 0.5


class SegmentUnavailable(Exception):
    """The way of cutting segments is unknown or lacks what it needs."""


@dataclass(frozen=True)
class SegmentSource:
    """How a layer's maps become segments; `mean_empirical_px` is needed by `disk` alone."""

    way: str
    geometry: MapGeometry
    mean_empirical_px: float | None = None

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise SegmentUnavailable(f"{self.way!r} is none of the ways to cut a segment: {', '.join(WAYS)}.")
        if self.way == "disk" and self.mean_empirical_px is None:
            raise SegmentUnavailable(
                "Segments as disks need the layer's empirical receptive fields to be estimated first."
            )


Positions = NDArray[np.float64]


def segment_at(
    *, source: SegmentSource, activation: NDArray[np.float32], first_peak: float, rows: Positions, columns: Positions
) -> NDArray[np.bool_]:
    """True for each point of the grid rows x columns (pixels of the input) in the segment of one (h, w) map.

    `first_peak` is the unit's peak on its rank-0 image. A map that is nowhere above zero has no segment.
    """
    ways: dict[str, Callable[..., NDArray[np.bool_]]] = {"upsampled": _upsampled, "smoothed": _smoothed, "disk": _disk}
    return ways[source.way](source, activation, first_peak, rows, columns)


def _upsampled(
    source: SegmentSource, activation: NDArray[np.float32], first_peak: float, rows: Positions, columns: Positions
) -> NDArray[np.bool_]:
    height, width = activation.shape
    values = upsample(
        maps=activation,
        rows=_plan(height, source.geometry.rows, rows.tobytes()),
        columns=_plan(width, source.geometry.columns, columns.tobytes()),
    )
    return np.asarray(values > max(0.0, UPSAMPLED_CUT * first_peak), dtype=np.bool_)


@lru_cache(maxsize=4096)
def _plan(n_cells: int, axis: AxisGeometry, pixels: bytes) -> AxisPlan:
    """Kept, because it takes longer to make than to use: a layer's crops begin and end at few places. 4,096 plans take
    some 10 MB.
    """
    return plan_axis(n_cells=n_cells, positions=axis.cells_at(np.frombuffer(pixels)))


def _smoothed(
    source: SegmentSource, activation: NDArray[np.float32], first_peak: float, rows: Positions, columns: Positions
) -> NDArray[np.bool_]:
    height, width = activation.shape
    padded = np.pad(activation, 1, mode="edge")
    mean = sum(padded[i : i + height, j : j + width] for i in range(3) for j in range(3)) / np.float32(9)
    picture = Image.fromarray(np.asarray(mean, dtype=np.float32))
    # Pillow's box has cell 0 between 0 and 1, so that its center lies at 0.5; the grid's own edges lie half a step
    # outside its points.
    box = [*_edges(source.geometry.columns.cells_at(columns)), *_edges(source.geometry.rows.cells_at(rows))]
    left, right, top, bottom = (edge + 0.5 for edge in box)
    margin = int(np.ceil(max(0.0, -left, -top, right - width, bottom - height))) + 1
    framed = Image.fromarray(np.pad(np.asarray(picture), margin, mode="edge"))
    values = np.asarray(
        framed.resize(
            (len(columns), len(rows)),
            Image.Resampling.BICUBIC,
            box=(left + margin, top + margin, right + margin, bottom + margin),
        )
    )
    return np.asarray(values > max(0.0, SMOOTHED_CUT * float(np.max(mean))), dtype=np.bool_)


def _edges(positions: Positions) -> tuple[float, float]:
    half = (positions[1] - positions[0]) / 2 if len(positions) > 1 else 0.5
    return float(positions[0] - half), float(positions[-1] + half)


def _disk(
    source: SegmentSource, activation: NDArray[np.float32], first_peak: float, rows: Positions, columns: Positions
) -> NDArray[np.bool_]:
    radius = (source.mean_empirical_px or 0.0) / 2
    covered = np.zeros((len(rows), len(columns)), dtype=bool)
    for y, x in np.argwhere(activation > max(0.0, DISK_CUT * float(activation.max()))):
        down = rows - source.geometry.rows.center(y)
        across = columns - source.geometry.columns.center(x)
        covered |= down[:, None] ** 2 + across[None, :] ** 2 <= radius**2
    return covered
