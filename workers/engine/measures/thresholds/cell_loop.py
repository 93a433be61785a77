"""The cells of a batch that lie over their unit's bound, with their neighbors, found in one pass over its maps
(compiling.py). candidates.py does the same with torch.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.compiling import compiled
from workers.engine.measures.pairs import lay_in_lines
from workers.engine.measures.thresholds.step_counts import StepCounts

Integers = NDArray[np.int64]
ROOM = 1 << 16


@dataclass(frozen=True)
class FoundCells:
    """Pairs in the order of their image's `row` in the batch, then `unit` (P,); each has `count` cells, of which `cell`
    is the row-major place and `value` the value.
    """

    row: torch.Tensor
    unit: torch.Tensor
    count: torch.Tensor
    cell: torch.Tensor
    value: torch.Tensor


def find_cells(*, maps: torch.Tensor, bound: torch.Tensor, steps: StepCounts | None) -> FoundCells:
    """Of (B, U, h, w) maps, every cell over its unit's (U,) bound and its eight neighbors. `steps` count the former."""
    lines = lay_in_lines(maps).numpy()
    base, shift, counts = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 0), np.int64))
    if steps is not None:
        base, shift, counts = (one.numpy() for one in (steps.base, steps.shift, steps.counts))
    return FoundCells(*map(torch.from_numpy, _find(lines, maps.shape[3], bound.numpy(), base, shift, counts)))


@compiled
def _find(
    maps: NDArray[np.float32],
    width: int,
    bound: NDArray[np.float32],
    base: Integers,
    shift: Integers,
    counts: Integers,
) -> tuple[NDArray[np.int32], NDArray[np.int32], Integers, NDArray[np.int32], NDArray[np.float32]]:
    """`maps` (B, cells, U); `counts` (U, steps) are added to, unless there are none."""
    n_images, n_cells, n_units = maps.shape
    height, step, n_steps = n_cells // width, width + 2, counts.shape[1]
    row, unit = np.empty(n_images * n_units, np.int32), np.empty(n_images * n_units, np.int32)
    count = np.empty(n_images * n_units, np.int64)
    n_pairs, k, room = 0, 0, ROOM
    cell, value = np.empty(room, np.int32), np.empty(room, np.float32)
    # Cells framed by an empty row and column on each side.
    flags = np.zeros((height + 2) * step, np.uint8)
    # Flags of units are looked at eight at a time: few are set.
    over = np.zeros((n_units + 7) // 8 * 8, np.uint8)
    eights = over.view(np.uint64)
    hits, n_hits = np.empty((n_units, n_cells), np.int32), np.zeros(n_units, np.int64)
    for image in range(n_images):
        own = maps[image]
        for c in range(n_cells):
            line = own[c]
            for u in range(n_units):
                over[u] = line[u] > bound[u]
            for eight in range(len(eights)):
                if eights[eight]:
                    for u in range(8 * eight, min(8 * eight + 8, n_units)):
                        if over[u]:
                            hits[u, n_hits[u]] = c
                            n_hits[u] += 1
        for u in range(n_units):
            if n_hits[u] == 0:
                continue
            if k + n_cells > room:
                room = 2 * room + n_cells
                more_cells, more_values = np.empty(room, np.int32), np.empty(room, np.float32)
                more_cells[:k], more_values[:k] = cell[:k], value[:k]
                cell, value = more_cells, more_values
            first, last = hits[u, 0] // width, hits[u, n_hits[u] - 1] // width
            y = first
            for hit in range(n_hits[u]):
                c = hits[u, hit]
                while c - y * width >= width:
                    y += 1
                for framed in range(y * step + c - y * width, (y + 3) * step, step):
                    flags[framed] = 1
                    flags[framed + 1] = 1
                    flags[framed + 2] = 1
                if n_steps:
                    bits = np.float32(own[c, u]).view(np.int32)
                    ordered = np.int64(bits ^ ((bits >> 31) & 0x7FFFFFFF))
                    counts[u, min((ordered - base[u]) >> shift[u], n_steps - 1)] += 1
            before = k
            for y in range(max(0, first - 1), min(height, last + 2)):
                for x in range(width):
                    # Without a branch: the place moves on only where the flag is set.
                    cell[k] = y * width + x
                    k += flags[(y + 1) * step + x + 1]
            for i in range(before, k):
                value[i] = own[cell[i], u]
            flags[first * step : (last + 3) * step] = 0
            row[n_pairs], unit[n_pairs], count[n_pairs] = image, u, k - before
            n_pairs += 1
        n_hits[:] = 0
    return row[:n_pairs].copy(), unit[:n_pairs].copy(), count[:n_pairs].copy(), cell[:k].copy(), value[:k].copy()


@compiled
def list_over(
    unit: NDArray[np.int32],
    count: Integers,
    value: NDArray[np.float32],
    bound: NDArray[np.float32],
    first_unit: int,
    end_unit: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Units and values of the kept cells over their unit's (U,) bound, of the units first_unit to end_unit - 1."""
    owner, over = np.empty(len(value), np.int32), np.empty(len(value), np.float32)
    n, end = 0, 0
    for pair in range(len(unit)):
        u, first = unit[pair], end
        end += count[pair]
        if first_unit <= u < end_unit:
            for i in range(first, end):
                # Without a branch: the place moves on only where the value lies over the bound.
                owner[n], over[n] = u, value[i]
                n += value[i] > bound[u]
    return owner[:n].copy(), over[:n].copy()


@compiled
def prune_cells(
    unit: NDArray[np.int32],
    count: Integers,
    cell: NDArray[np.int32],
    value: NDArray[np.float32],
    bound: NDArray[np.float32],
    height: int,
    width: int,
) -> tuple[Integers, NDArray[np.int32], NDArray[np.float32]]:
    """Of kept pairs the cells over their unit's (U,) bound and the kept neighbors of such cells: how many each pair
    has (P,), their places and values.
    """
    step = width + 2
    flags = np.zeros((height + 2) * step, np.uint8)
    counts = np.zeros(len(unit), np.int64)
    cells, values = np.empty(len(cell), np.int32), np.empty(len(cell), np.float32)
    n, end = 0, 0
    for pair in range(len(unit)):
        over, first = bound[unit[pair]], end
        end += count[pair]
        top, y = -1, 0
        for i in range(first, end):
            if value[i] > over:
                while cell[i] >= (y + 1) * width:
                    y += 1
                top = y if top < 0 else top
                for framed in range(y * step + cell[i] - y * width, (y + 3) * step, step):
                    flags[framed] = 1
                    flags[framed + 1] = 1
                    flags[framed + 2] = 1
        if top < 0:
            continue
        bottom, y = y, 0
        before = n
        for i in range(first, end):
            while cell[i] >= (y + 1) * width:
                y += 1
            cells[n], values[n] = cell[i], value[i]
            n += flags[(y + 1) * step + cell[i] - y * width + 1]
        counts[pair] = n - before
        flags[top * step : (bottom + 3) * step] = 0
    return counts, cells[:n].copy(), values[:n].copy()
