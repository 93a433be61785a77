"""Masks evaluated and laid over label maps in one pass over memory, pixel by pixel (compiling.py).

The same operations in the same order as mask_blocks.py and label_groups.py, so that the counts are equal.
"""

import numpy as np
from numpy.typing import NDArray

from workers.engine.compiling import compiled
from workers.engine.measures.iou.label_groups import LabelGroup
from workers.engine.measures.iou.mask_blocks import Integers
from workers.engine.networks.geometry import AxisPlan

Maps = tuple[NDArray[np.uint16], ...]


def loop_over_masks(
    dense: NDArray[np.float32],
    limit: NDArray[np.float32],
    plans: tuple[AxisPlan, AxisPlan],
    groups: list[LabelGroup],
    row: Integers,
    *,
    n_columns: int,
) -> tuple[Integers, Integers]:
    """(n,) pixels of each mask, and (n, groups, n_columns) how many of them carry each column's label in a map."""
    rows, columns = (
        (plan.lower, plan.upper, plan.start, np.count_nonzero(~np.isnan(plan.weights), axis=1), plan.weights)
        for plan in plans
    )
    n_maps = np.stack([group.n_maps for group in groups])
    maps = tuple(group.maps for group in groups)
    area = np.zeros(len(dense), dtype=np.int64)
    found = np.zeros((len(dense), len(groups), n_columns), dtype=np.int64)
    _count(dense, limit, rows, columns, groups[0].label_shape[1], groups[0].n_pixels, row, n_maps, maps, area, found)
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
    dense: NDArray[np.float32],
    limit: NDArray[np.float32],
    rows: tuple[Integers, Integers, Integers, Integers, NDArray[np.float32]],
    columns: tuple[Integers, Integers, Integers, Integers, NDArray[np.float32]],
    width: int,
    n_pixels: int,
    row: Integers,
    n_maps: Integers,
    maps: Maps,
    area: Integers,
    found: Integers,
) -> None:
    """Adds to `area` and `found`; rows and columns are lower, upper, start, length and weights of the plan's bands."""
    r_lower, r_upper, r_start, r_length, r_weights = rows
    c_lower, c_upper, c_start, c_length, c_weights = columns
    n, height, n_cells = dense.shape
    pixels = np.empty(n_pixels, np.int64)
    has = np.empty(height, np.bool_)
    upper = np.empty(c_weights.shape[1], np.float32)
    rise = np.empty(c_weights.shape[1], np.float32)
    for pair in range(n):
        over, cells = limit[pair], dense[pair]
        for y in range(height):
            some = False
            for x in range(n_cells):
                some |= cells[y, x] > over
            has[y] = some
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
                        if upper[x] + weight * rise[x] > over:
                            pixels[k] = first + x
                            k += 1
        area[pair] += k
        for group in range(len(maps)):
            first = row[pair] * n_pixels
            for slot in range(n_maps[group, row[pair]]):
                labels = maps[group][slot, first : first + n_pixels]
                for i in range(k):
                    found[pair, group, labels[pixels[i]]] += 1
