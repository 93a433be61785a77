"""Copies maps of a batch, which lie channels-last in memory, to where each unit's top maps lie (compiling.py)."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.compiling import compiled

Integers = NDArray[np.int64]
# Cells that are copied of one map before the next map's: neighbors in memory are then read together.
CELLS_AT_ONCE = 64


@compiled
def copy_maps(
    maps: NDArray[np.float32], row: Integers, unit: Integers, slot: Integers, top_maps: NDArray[np.float32]
) -> None:
    """Write the maps of pairs at `row` and `unit` (n,) of (B, cells, U) maps to top_maps[unit, slot], (U, K, cells).
    Rows ascend.
    """
    n_cells, first = maps.shape[1], 0
    while first < len(row):
        end = first + 1
        while end < len(row) and row[end] == row[first]:
            end += 1
        own = maps[row[first]]
        for cell in range(0, n_cells, CELLS_AT_ONCE):
            for pair in range(first, end):
                target = top_maps[unit[pair], slot[pair]]
                for c in range(cell, min(cell + CELLS_AT_ONCE, n_cells)):
                    target[c] = own[c, unit[pair]]
        first = end
