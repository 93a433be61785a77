"""Where the cells of an activation map lie on the image, and how a map is upsampled: bilinearly, in a fixed order of operations.

[BZKOT17] section 2.2. Coordinates are pixel centers: the first pixel of an image lies at 0, the last at input_px - 1; a cell lies where
the center of its receptive field lies. Between cells, value = lerp(lerp(a, b), lerp(c, d)), along the row first, with
lerp(a, b) = a + weight * (b - a) in float32; so equal corners give exactly their common value, and a threshold that equals a plateau is
never exceeded by rounding. Beyond the outermost centers the edge is clamped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class AxisGeometry:
    """One axis of a layer's receptive fields, in pixels of the input: side, distance of neighbors, center of cell 0."""

    size: float
    stride: float
    offset: float


@dataclass(frozen=True)
class MapGeometry:
    """Receptive fields of a layer along rows (vertical) and columns (horizontal)."""

    rows: AxisGeometry
    columns: AxisGeometry


@dataclass(frozen=True)
class AxisPlan:
    """Bilinear upsampling along one axis, as bands of output pixels that lie between the same two cells.

    Band q (0 to n_cells) holds the pixels between cells q - 1 and q; the first and the last band are the clamped edges.
    `band_start` (n_cells + 1,) first output pixel; `weights` (n_cells + 1, longest band) float32 weight of the upper cell, NaN where the
    band is shorter: a comparison with NaN is false, so padding never counts.
    """

    n_cells: int
    n_pixels: int
    band_start: NDArray[np.int64]
    weights: NDArray[np.float32]

    @property
    def lower(self) -> NDArray[np.int64]:
        """Index of the lower cell of each band, clamped."""
        return np.clip(np.arange(self.n_cells + 1) - 1, 0, self.n_cells - 1)

    @property
    def upper(self) -> NDArray[np.int64]:
        """Index of the upper cell of each band, clamped."""
        return np.clip(np.arange(self.n_cells + 1), 0, self.n_cells - 1)


def evenly_spread(*, n_cells: int, input_px: int) -> AxisGeometry:
    """Cells spread evenly over the image: the half-pixel convention, used where no receptive field is known."""
    stride = input_px / n_cells
    return AxisGeometry(size=stride, stride=stride, offset=stride / 2 - 0.5)


def source_positions(*, axis: AxisGeometry, n_pixels: int, input_px: int) -> NDArray[np.float64]:
    """Position of each of n_pixels output pixels, spread evenly over input_px, in units of cells (0 is the center of cell 0)."""
    centers = (np.arange(n_pixels, dtype=np.float64) + 0.5) * (input_px / n_pixels) - 0.5
    return (centers - axis.offset) / axis.stride


def plan_axis(*, n_cells: int, positions: NDArray[np.float64]) -> AxisPlan:
    """Group ascending output positions (in units of cells) into bands between the same two cells."""
    inside = np.clip(positions, 0.0, n_cells - 1.0)
    lower = np.floor(inside)
    weight = (inside - lower).astype(np.float32)
    band = np.where(positions < 0, 0, np.where(positions >= n_cells - 1, n_cells, lower + 1)).astype(np.int64)
    starts = np.searchsorted(band, np.arange(n_cells + 1), side="left")
    lengths = np.searchsorted(band, np.arange(n_cells + 1), side="right") - starts
    weights = np.full((n_cells + 1, max(1, int(lengths.max()))), np.nan, dtype=np.float32)
    within = np.arange(len(positions)) - starts[band]
    weights[band, within] = weight
    return AxisPlan(n_cells=n_cells, n_pixels=len(positions), band_start=starts.astype(np.int64), weights=weights)


def plan_upsampling(
    *, geometry: MapGeometry, map_shape: tuple[int, int], out_shape: tuple[int, int], input_px: int
) -> tuple[AxisPlan, AxisPlan]:
    """Plans for rows and columns of a (height, width) map that is upsampled to (height, width) pixels over the whole input."""
    return (
        plan_axis(
            n_cells=map_shape[0],
            positions=source_positions(axis=geometry.rows, n_pixels=out_shape[0], input_px=input_px),
        ),
        plan_axis(
            n_cells=map_shape[1],
            positions=source_positions(axis=geometry.columns, n_pixels=out_shape[1], input_px=input_px),
        ),
    )


def upsample(*, maps: NDArray[np.float32], rows: AxisPlan, columns: AxisPlan) -> NDArray[np.float32]:
    """Upsample (..., h, w) maps to (..., rows.n_pixels, columns.n_pixels), by the operations in the order that this file fixes."""
    column_band, column_weight = _per_pixel(columns)
    row_band, row_weight = _per_pixel(rows)
    left, right = maps[..., columns.lower[column_band]], maps[..., columns.upper[column_band]]
    along = left + column_weight * (right - left)
    above, below = along[..., rows.lower[row_band], :], along[..., rows.upper[row_band], :]
    return np.asarray(above + row_weight[:, None] * (below - above), dtype=np.float32)


def _per_pixel(plan: AxisPlan) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    pixels = np.arange(plan.n_pixels)
    lengths = (~np.isnan(plan.weights)).sum(axis=1)
    band = np.repeat(np.arange(plan.n_cells + 1), lengths)
    return band, plan.weights[band, pixels - plan.band_start[band]]
