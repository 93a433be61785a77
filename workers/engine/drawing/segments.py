"""Which part of an image a unit responds to, in three published ways.

[ZKLOT15] 3.3, docs/measures.md, Segment. `upsampled`: bilinear, cut at 0.2 of the rank-0 image's maximum. `smoothed`: 3
x 3 mean, cut at 0.4 of this map's own maximum, bicubic. `disk`: cells over half of this map's maximum, each a disk of
the layer's mean empirical receptive field. Coordinates are pixel centers of the input_px square.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.engine.networks.geometry import MapGeometry, find_neighbors, lerp

UPSAMPLED = "upsampled"
WAYS = (UPSAMPLED, "smoothed", "disk")
UPSAMPLED_CUT, SMOOTHED_CUT, DISK_CUT = 0.2, 0.4, 0.5
# Points that are computed together: small grids of several maps in one step, as many as stay in the nearest cache.
POINTS_AT_ONCE = 16_384


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


def find_segments(
    *,
    source: SegmentSource,
    maps: NDArray[np.float32],
    first_peaks: NDArray[np.float64],
    rows: Positions,
    columns: Positions,
) -> NDArray[np.bool_]:
    """(n, p, p): True for each point of the n grids rows (n, p) x columns (n, p), in pixels of the input, that lies in
    the segment of its one of n (h, w) maps.

    `first_peaks` (n,) are the unit's peak on its rank-0 image. A map that is nowhere above zero has no segment.
    """
    if source.way == UPSAMPLED:
        return _upsampled(source, maps, first_peaks, rows, columns)
    find = _smoothed if source.way == "smoothed" else _disk
    grids = [find(source, *one) for one in zip(maps, rows, columns, strict=True)]
    return np.array(grids, dtype=np.bool_).reshape(len(maps), rows.shape[1], columns.shape[1])


def _upsampled(
    source: SegmentSource,
    maps: NDArray[np.float32],
    first_peaks: NDArray[np.float64],
    rows: Positions,
    columns: Positions,
) -> NDArray[np.bool_]:
    n, height, width = maps.shape
    levels = np.maximum(0.0, UPSAMPLED_CUT * first_peaks).astype(np.float32)[:, None, None]
    left, right, across, _ = find_neighbors(n_cells=width, positions=source.geometry.columns.cells_at(columns))
    above, below, down, _ = find_neighbors(n_cells=height, positions=source.geometry.rows.cells_at(rows))
    # Cells and rows of all maps stand in one line: numpy takes from a line several times as fast as from a cube.
    line = np.arange(n * height).reshape(n, height, 1)
    before, after = (maps.ravel().take(line * width + cells[:, None]) for cells in (left, right))
    along = lerp(before, after, across[:, None])
    step = np.zeros_like(along)
    np.subtract(along[:, 1:], along[:, :-1], out=step[:, :-1])
    in_line = (n * height, columns.shape[1])
    values, steps, overs = along.reshape(in_line), step.reshape(in_line), (along > levels).reshape(in_line)
    upper, lower = line[:, 0] + above, line[:, 0] + below
    found = np.empty((n, rows.shape[1], columns.shape[1]), dtype=np.bool_)
    n_at_once = max(1, POINTS_AT_ONCE // (rows.shape[1] * columns.shape[1]))
    for first in range(0, n, n_at_once):
        some = slice(first, first + n_at_once)
        # A value between two cells exceeds the level only if one of them does, and surely if both do; so only
        # comparisons are needed to keep the value between the two.
        one, other = overs.take(upper[some], axis=0), overs.take(lower[some], axis=0)
        value = steps.take(upper[some], axis=0)
        value *= down[some, :, None]
        value += values.take(upper[some], axis=0)
        found[some] = (value > levels[some]) & (one | other) | (one & other)
    return found


def _smoothed(
    source: SegmentSource, activation: NDArray[np.float32], rows: Positions, columns: Positions
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
    source: SegmentSource, activation: NDArray[np.float32], rows: Positions, columns: Positions
) -> NDArray[np.bool_]:
    radius = (source.mean_empirical_px or 0.0) / 2
    covered = np.zeros((len(rows), len(columns)), dtype=bool)
    for y, x in np.argwhere(activation > max(0.0, DISK_CUT * float(activation.max()))):
        down = rows - source.geometry.rows.center(y)
        across = columns - source.geometry.columns.center(x)
        covered |= down[:, None] ** 2 + across[None, :] ** 2 <= radius**2
    return covered
