"""Masks evaluated and laid over label maps in one pass over memory, pixel by pixel (compiling.py).

The same operations in the same order as mask_blocks.py and label_groups.py, so that the counts are equal.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.engine.compiling import compiled
from workers.engine.measures.iou.label_groups import LabelGroup
from workers.engine.measures.iou.mask_blocks import Integers
from workers.engine.measures.thresholds.thresholds import SparseMaps
from workers.engine.networks.geometry import AxisPlan

# Lower and upper cell, first pixel, number of pixels, and weights of the bands of a plan.
Bands = tuple[Integers, Integers, Integers, Integers, NDArray[np.float32]]


def loop_over_masks(
    maps: SparseMaps,
    pairs: Integers,
    map_shape: tuple[int, int],
    limit: NDArray[np.float32],
    plans: tuple[AxisPlan, AxisPlan],
    groups: Sequence[LabelGroup],
    row: Integers,
    *,
    n_columns: int,
) -> tuple[Integers, Integers]:
    """Of the pairs at places (n,) of the maps, with (n,) limits: (n,) pixels of each mask, and (n, groups, n_columns)
    how many of them carry each column's label in a map. The pairs' images stand at the rows (n,) of the groups.
    """
    rows, columns = (
        (plan.lower, plan.upper, plan.start, np.count_nonzero(~np.isnan(plan.weights), axis=1), plan.weights)
        for plan in plans
    )
    n_maps = np.stack([group.n_maps for group in groups])
    labels = tuple(group.maps for group in groups)
    area = np.zeros(len(pairs), dtype=np.int64)
    found = np.zeros((len(pairs), len(groups), n_columns), dtype=np.int64)
    cells = np.full(map_shape, -np.inf, dtype=np.float32)
    kept, width = (maps.start[pairs], maps.start[pairs + 1], maps.cell, maps.value), groups[0].label_shape[1]
    _count(kept, cells, limit, rows, columns, width, groups[0].n_pixels, row, n_maps, labels, area, found)
    return area, found


@compiled
def _lerp(a: np.float32, b: np.float32, weight: np.float32) -> np.float32:
    """geometry.lerp of one value."""
    value = a + weight * (b - a)
    low, high = min(a, b), max(a, b)
    if value < low:
        return low
    if value > high:
        return high
    return value


@compiled
def _count(
    kept: tuple[Integers, Integers, NDArray[np.int32], NDArray[np.float32]],
    cells: NDArray[np.float32],
    limit: NDArray[np.float32],
    rows: Bands,
    columns: Bands,
    width: int,
    n_pixels: int,
    row: Integers,
    n_maps: Integers,
    labels: tuple[NDArray[np.uint16], ...],
    area: Integers,
    found: Integers,
) -> None:
    """Adds to `area` and `found`. `kept`: first and end place of each pair's cells, and of all pairs cells and values;
    `cells` (h, w) is -inf everywhere, and again at the end.
    """
    starts, ends, place, value = kept
    r_lower, r_upper, r_start, r_length, r_weights = rows
    c_lower, c_upper, c_start, c_length, c_weights = columns
    height, n_cells = cells.shape
    pixels = np.empty(n_pixels, np.int64)
    has = np.empty(height, np.bool_)
    upper = np.empty(c_weights.shape[1], np.float32)
    rise = np.empty(c_weights.shape[1], np.float32)
    for pair in range(len(starts)):
        over = limit[pair]
        has[:] = False
        y = 0
        for i in range(starts[pair], ends[pair]):
            while place[i] >= (y + 1) * n_cells:
                y += 1
            cells[y, place[i] - y * n_cells] = value[i]
            has[y] |= value[i] > over
        k = 0
        for band in range(len(r_lower)):
            top, bottom = r_lower[band], r_upper[band]
            if not (has[top] or has[bottom]):
                continue
            for strip in range(len(c_lower)):
                left, right = c_lower[strip], c_upper[strip]
                a, b, c, d = cells[top, left], cells[top, right], cells[bottom, left], cells[bottom, right]
                # A bilinear value is a convex combination of its four corners.
                if not (a > over or b > over or c > over or d > over):
                    continue
                for x in range(c_length[strip]):
                    high, low = _lerp(a, b, c_weights[strip, x]), _lerp(c, d, c_weights[strip, x])
                    upper[x] = high
                    # Between two values on the same side of the limit, every pixel is on that side.
                    rise[x] = low - high if (high > over) != (low > over) else np.float32(0)
                for y in range(r_length[band]):
                    weight = r_weights[band, y]
                    first = (r_start[band] + y) * width + c_start[strip]
                    for x in range(c_length[strip]):
                        # Without a branch: the place moves on only where the value lies over the limit.
                        pixels[k] = first + x
                        k += upper[x] + weight * rise[x] > over
        y = 0
        for i in range(starts[pair], ends[pair]):
            while place[i] >= (y + 1) * n_cells:
                y += 1
            cells[y, place[i] - y * n_cells] = -np.inf
        area[pair] += k
        for group in range(len(labels)):
            first = row[pair] * n_pixels
            for slot in range(n_maps[group, row[pair]]):
                own = labels[group][slot, first : first + n_pixels]
                for i in range(k):
                    found[pair, group, own[pixels[i]]] += 1
