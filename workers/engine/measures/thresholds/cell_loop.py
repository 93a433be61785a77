"""The cells of a batch that lie over their unit's bound, with their neighbors, found in one pass over its maps
(compiling.py). candidates.py does the same with torch.
"""

from collections.abc import Callable, Iterable
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
def _find_step(value: np.float32, base: int, shift: int, n_steps: int) -> int:
    """The step of StepCounts in which the value lies."""
    bits = np.float32(value).view(np.int32)
    step = int((np.int64(bits ^ ((bits >> 31) & 0x7FFFFFFF)) - base) >> shift)
    return min(step, n_steps - 1)


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
                    counts[u, _find_step(own[c, u], base[u], shift[u], n_steps)] += 1
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


Kept = tuple[NDArray[np.int32], Integers, NDArray[np.float32]]


def group_over(parts: Callable[[], Iterable[Kept]], bound: NDArray[np.float32]) -> tuple[NDArray[np.float32], Integers]:
    """The kept values over their unit's (U,) bound, unit by unit, and how many each unit has (U,). `parts` gives, as
    often as it is called, the same parts: unit and count of pairs (P,), and the values of their cells, pair by pair.
    """
    counts = np.zeros(len(bound), np.int64)
    for part in parts():
        _count_over(*part, bound, counts)
    at = np.cumsum(counts) - counts
    values = np.empty(counts.sum(), np.float32)
    for part in parts():
        _place_over(*part, bound, at, values)
    return values, counts


@compiled
def _count_over(
    unit: NDArray[np.int32], count: Integers, value: NDArray[np.float32], bound: NDArray[np.float32], counts: Integers
) -> None:
    end = 0
    for pair in range(len(unit)):
        u, first = unit[pair], end
        end += count[pair]
        over, n = bound[u], 0
        for one in value[first:end]:
            n += one > over
        counts[u] += n


@compiled
def _place_over(
    unit: NDArray[np.int32],
    count: Integers,
    value: NDArray[np.float32],
    bound: NDArray[np.float32],
    at: Integers,
    values: NDArray[np.float32],
) -> None:
    """`at` (U,) is where each unit's next value goes."""
    room = 1 + (count.max() if len(count) else 0)
    found = np.empty(room, np.float32)
    end = 0
    for pair in range(len(unit)):
        u, first = unit[pair], end
        end += count[pair]
        over, n = bound[u], 0
        for one in value[first:end]:
            # Without a branch: the place moves on only where the value lies over the bound.
            found[n] = one
            n += one > over
        values[at[u] : at[u] + n] = found[:n]
        at[u] += n


def count_steps(parts: Iterable[Kept], bound: NDArray[np.float32], steps: StepCounts) -> None:
    """Add the kept values over their unit's (U,) bound to the steps. `parts` as of `group_over`."""
    base, shift, counts = (one.numpy() for one in (steps.base, steps.shift, steps.counts))
    for part in parts:
        _count_steps(*part, bound, base, shift, counts)


@compiled
def _count_steps(
    unit: NDArray[np.int32],
    count: Integers,
    value: NDArray[np.float32],
    bound: NDArray[np.float32],
    base: Integers,
    shift: Integers,
    counts: Integers,
) -> None:
    end = 0
    for pair in range(len(unit)):
        u, first = unit[pair], end
        end += count[pair]
        for one in value[first:end]:
            if one > bound[u]:
                counts[u, _find_step(one, base[u], shift[u], counts.shape[1])] += 1


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
