"""Upsampled segments, point by point, with few passes over memory (compiling.py).

The same operations in the same order as segments.py, so that the points are equal.
"""

import numpy as np
from numpy.typing import NDArray

from workers.engine.compiling import compiled
from workers.engine.drawing.segments import UPSAMPLED_CUT, Positions, SegmentSource
from workers.engine.networks.geometry import find_neighbors

Cells = NDArray[np.int64]


def loop_over_points(
    *,
    source: SegmentSource,
    maps: NDArray[np.float32],
    first_peaks: NDArray[np.float64],
    rows: Positions,
    columns: Positions,
) -> NDArray[np.bool_]:
    """segments.find_segments of the way `upsampled`."""
    _, height, width = maps.shape
    levels = np.maximum(0.0, UPSAMPLED_CUT * first_peaks).astype(np.float32)
    left, right, across, _ = find_neighbors(n_cells=width, positions=source.geometry.columns.cells_at(columns))
    above, below, down, _ = find_neighbors(n_cells=height, positions=source.geometry.rows.cells_at(rows))
    found = np.empty((len(maps), rows.shape[1], columns.shape[1]), dtype=np.bool_)
    _find(np.ascontiguousarray(maps), levels, left, right, across, above, below, down, found)
    return found


@compiled
def _find(
    maps: NDArray[np.float32],
    levels: NDArray[np.float32],
    left: Cells,
    right: Cells,
    across: NDArray[np.float32],
    above: Cells,
    below: Cells,
    down: NDArray[np.float32],
    found: NDArray[np.bool_],
) -> None:
    n_maps, n_rows, n_columns = found.shape
    height = maps.shape[1]
    along = np.empty((height, n_columns), np.float32)
    highest = np.empty(height, np.float32)
    for i in range(n_maps):
        level = levels[i]
        for y in range(above[i, 0], below[i, n_rows - 1] + 1):
            highest[y] = -np.inf
            for x in range(n_columns):
                a, b = maps[i, y, left[i, x]], maps[i, y, right[i, x]]
                value = a + across[i, x] * (b - a)
                value = min(max(value, min(a, b)), max(a, b))
                along[y, x] = value
                highest[y] = max(highest[y], value)
        for row in range(n_rows):
            upper, lower, weight = above[i, row], below[i, row], down[i, row]
            points = found[i, row]
            # No value between two cells exceeds the larger of them.
            if max(highest[upper], highest[lower]) <= level:
                points[:] = False
                continue
            one, other = along[upper], along[lower]
            for x in range(n_columns):
                a, b = one[x], other[x]
                value = a + weight * (b - a)
                points[x] = min(max(value, min(a, b)), max(a, b)) > level
