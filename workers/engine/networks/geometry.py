"""Where the cells of an activation map lie on the image, and how a map is upsampled: bilinearly, in a fixed order of
operations.

[BZKOT17] section 2.2. Coordinates are pixel centers: the first pixel of an image lies at 0, the last at input_px - 1; a
cell lies where the center of its receptive field lies. Between cells, value = lerp(lerp(a, b), lerp(c, d)), along the
row first, with lerp(a, b) = a + weight * (b - a) in float32, kept between a and b; so the center of a cell has exactly
the cell's value, and no pixel exceeds a threshold that its corners do not exceed, whatever the rounding. Beyond the
outermost centers the edge is clamped.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# The rules by which cells are laid over the image: at the centers of their fields, or spread evenly.
FIELD_CENTERS, HALF_PIXEL = "field_centers", "half_pixel"


@dataclass(frozen=True)
class AxisGeometry:
    """One axis of a layer's receptive fields, in pixels of the input: side, distance of neighbors, center of cell 0.

    `size` is None if more pixels than can be counted reach a cell (squeeze-excitation, attention).
    """

    size: float | None
    stride: float
    offset: float

    @property
    def first(self) -> float:
        """The first pixel that reaches cell 0; a field of unknown size has the length of a stride."""
        return self.offset - ((self.size or self.stride) - 1) / 2

    def center(self, cell: float) -> float:
        """The pixel at which the cell's receptive field is centered."""
        return self.offset + cell * self.stride

    def cells_at(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of center: positions in units of cells, 0 at the center of cell 0."""
        return (pixels - self.offset) / self.stride


@dataclass(frozen=True)
class MapGeometry:
    """Receptive fields of a layer along rows (vertical) and columns (horizontal)."""

    rows: AxisGeometry
    columns: AxisGeometry


@dataclass(frozen=True)
class AxisPlan:
    """Bilinear upsampling along one axis, as bands of output pixels that lie between the same two cells.

    Each of the B bands has its `lower` and `upper` cell, its first output pixel `start`, and `weights` (B, longest
    band), the float32 weight of the upper cell for each pixel; NaN where the band is shorter, so that comparisons with
    padding are false. Clamped edges are bands of weight 0, cut to the length of the others.
    """

    n_pixels: int
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    start: NDArray[np.int64]
    weights: NDArray[np.float32]


def evenly_spread(*, n_cells: int, input_px: int) -> AxisGeometry:
    """Cells spread evenly over the image: the half-pixel convention, used where no receptive field is known."""
    stride = input_px / n_cells
    return AxisGeometry(size=stride, stride=stride, offset=stride / 2 - 0.5)


def spread_pixels(*, n_pixels: int, side_px: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """Centers of n_pixels pixels that are spread evenly over the first side_px pixels of the input; of each side of
    (n, 1) sides, (n, n_pixels).
    """
    return (np.arange(n_pixels, dtype=np.float64) + 0.5) * (side_px / n_pixels) - 0.5


def find_neighbors(
    *, n_cells: int, positions: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
    """Of positions in units of cells, whatever their shape: lower and upper cell, the weight of the upper one, and True
    where the upper is the lower (on a cell of the edge and beyond).
    """
    inside = np.clip(positions, 0.0, n_cells - 1.0)
    lower = np.floor(inside).astype(np.int64)
    weight = (inside - lower).astype(np.float32)
    # A weight that rounds to 1 is the next cell itself: a + (b - a) need not be b.
    lower, weight = lower + (weight == 1), np.where(weight == 1, np.float32(0), weight)
    clamped = (inside != positions) | (lower == n_cells - 1)
    return lower, np.where(clamped, lower, lower + 1), np.where(clamped, np.float32(0), weight), clamped


def plan_axis(*, n_cells: int, positions: NDArray[np.float64]) -> AxisPlan:
    """Group ascending output positions (in units of cells) into bands between the same two cells."""
    lower, upper, weight, clamped = find_neighbors(n_cells=n_cells, positions=positions)
    longest = _longest_band(lower=lower, clamped=clamped)
    changes = np.flatnonzero((np.diff(lower) != 0) | (np.diff(upper) != 0)) + 1
    edges = [0, *changes.tolist(), len(positions)]
    starts = np.array([x for a, b in pairwise(edges) for x in range(a, b, longest)], dtype=np.int64)
    ends = np.append(starts[1:], len(positions))
    pixels = starts[:, None] + np.arange(longest)
    weights = np.where(pixels < ends[:, None], weight[np.minimum(pixels, len(positions) - 1)], np.float32(np.nan))
    return AxisPlan(
        n_pixels=len(positions),
        lower=lower[starts],
        upper=upper[starts],
        start=starts,
        weights=weights.astype(np.float32),
    )


def _longest_band(*, lower: NDArray[np.int64], clamped: NDArray[np.bool_]) -> int:
    between = lower[~clamped]
    return int(np.bincount(between).max()) if len(between) else min(len(lower), 16)


def plan_upsampling(
    *, geometry: MapGeometry, map_shape: tuple[int, int], out_shape: tuple[int, int], input_px: int
) -> tuple[AxisPlan, AxisPlan]:
    """Plans for rows and columns of a (height, width) map that is upsampled to (height, width) pixels over the whole
    input.
    """
    rows, columns = (
        plan_axis(n_cells=n_cells, positions=axis.cells_at(spread_pixels(n_pixels=n_pixels, side_px=input_px)))
        for axis, n_cells, n_pixels in zip((geometry.rows, geometry.columns), map_shape, out_shape, strict=True)
    )
    return rows, columns


def upsample(*, maps: NDArray[np.float32], rows: AxisPlan, columns: AxisPlan) -> NDArray[np.float32]:
    """Upsample (..., h, w) maps to (..., rows.n_pixels, columns.n_pixels), by the operations in the order that
    this file fixes.
    """
    lower, upper, weight = _per_pixel(columns)
    along = lerp(maps[..., lower], maps[..., upper], weight)
    lower, upper, weight = _per_pixel(rows)
    return lerp(along[..., lower, :], along[..., upper, :], weight[:, None])


def lerp(a: NDArray[np.float32], b: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """a + weight * (b - a), between a and b in spite of rounding; NaN where the weight is."""
    value = a + weight * (b - a)
    return np.asarray(np.clip(value, np.minimum(a, b), np.maximum(a, b)), dtype=np.float32)


def _per_pixel(plan: AxisPlan) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    within = ~np.isnan(plan.weights)
    lengths = within.sum(axis=1)
    return np.repeat(plan.lower, lengths), np.repeat(plan.upper, lengths), plan.weights[within]
