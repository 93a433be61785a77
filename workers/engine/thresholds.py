"""Exact thresholds from one pass: keep, sparsely, the cells that can still matter, over a bound that only rises.

[BZKOT17] 2.2, science.md section 6: T_u is the (k + 1)-th largest of the unit's M activation values, k = floor(tail M).
The (k + 1)-th largest of any part of the values is never above T_u, so it is a bound that prunes and can never fail. A
bilinear value is a convex combination of its four corners, so a mask needs only cells over T_u and the neighbors of
such cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray

# Dense scratch space of one step of pruning or resolving, in cells.
CHUNK_CELLS = 2_000_000
FIRST_PRUNING_CELLS = 200_000


class ActivationNotFinite(Exception):
    """A unit gave NaN or infinity, which has no place in an order."""


@dataclass(frozen=True)
class SparseMaps:
    """Kept cells of (image, unit) pairs, pairs sorted by image, then unit.

    `image` (P,) and `unit` (P,) of each pair, `start` (P + 1,) into `cell` (row-major place in the map) and `value`.
    Every cell over the bound under which they were kept is there, with its eight neighbors.
    """

    image: NDArray[np.int32]
    unit: NDArray[np.int32]
    start: NDArray[np.int64]
    cell: NDArray[np.int32]
    value: NDArray[np.float32]


def n_above(*, tail: float, n_values: int) -> int:
    """k = floor(tail x n_values), the tail taken as the decimal that is written."""
    return int(Fraction(str(tail)) * n_values)


def with_neighbors(above: torch.Tensor) -> torch.Tensor:
    """(P, h, w) flags, spread to the eight neighbors within each map."""
    across = above.clone()
    across[:, :, 1:] |= above[:, :, :-1]
    across[:, :, :-1] |= above[:, :, 1:]
    spread = across.clone()
    spread[:, 1:] |= across[:, :-1]
    spread[:, :-1] |= across[:, 1:]
    return spread


class CandidateCells:
    """The cells of one layer that may still exceed their unit's threshold, on the device of the activations.

    n_keep is k + 1 for the whole image set. A bound from elsewhere (shards measured before) may be given at the start.
    """

    def __init__(
        self, *, n_units: int, height: int, width: int, n_keep: int, device: str, bound: torch.Tensor | None = None
    ) -> None:
        self.n_units, self.height, self.width, self.n_keep = n_units, height, width, n_keep
        start = torch.full((n_units,), -torch.inf) if bound is None else bound.clone()
        self.bound = start.to(device=device, dtype=torch.float32)
        self._blocks: list[tuple[torch.Tensor, ...]] = []  # (image, unit, count) of pairs; (cell, value) of cells
        self._n_cells = 0
        self._prune_at = FIRST_PRUNING_CELLS

    def add(self, *, images: torch.Tensor, maps: torch.Tensor, peaks: torch.Tensor) -> None:
        """Take a batch: image indices (B,), maps (B, U, h, w), peaks (B, U). Images ascend from call to call."""
        where = (peaks > self.bound).nonzero()
        if len(where):
            self._keep(image=images[where[:, 0]], unit=where[:, 1], maps=maps[where[:, 0], where[:, 1]])
        if self._n_cells > self._prune_at:
            self.raise_bound()
            self._prune_at = max(FIRST_PRUNING_CELLS, 2 * self._n_cells)

    def _keep(self, *, image: torch.Tensor, unit: torch.Tensor, maps: torch.Tensor) -> None:
        above = maps > self.bound[unit][:, None, None]
        kept = with_neighbors(above).flatten(1)
        cells = kept.nonzero()[:, 1].to(torch.int32)
        self._blocks.append((image.to(torch.int32), unit.to(torch.int32), kept.sum(1), cells, maps.flatten(1)[kept]))
        self._n_cells += len(cells)

    def raise_bound(self) -> None:
        """Raise the bound to the n_keep-th largest value seen, where so many were seen, and drop what it rules out."""
        blocks, self._blocks, self._n_cells = self._blocks, [], 0
        image, unit, count, cell, value = (torch.cat(parts) for parts in zip(*blocks, strict=True))
        owner = torch.repeat_interleave(torch.arange(len(unit), device=unit.device), count)
        self.bound = torch.maximum(self.bound, self._nth_largest(unit=unit[owner], value=value))
        still = torch.zeros(len(unit), dtype=torch.bool, device=unit.device)
        still[owner[value > self.bound[unit[owner]]]] = True
        pairs = still.nonzero()[:, 0]
        keeps_cell = still[owner]
        owner, cell, value = owner[keeps_cell], cell[keeps_cell], value[keeps_cell]
        place = torch.cumsum(still, 0) - 1
        n_cells = self.height * self.width
        step = max(1, CHUNK_CELLS // n_cells)
        ends = torch.cumsum(count[pairs], 0)
        for first in range(0, len(pairs), step):
            chosen = pairs[first : first + step]
            begin = int(ends[first - 1]) if first else 0
            end = int(ends[first + len(chosen) - 1])
            dense = torch.full((len(chosen), n_cells), -torch.inf, device=value.device)
            dense[place[owner[begin:end]] - first, cell[begin:end].long()] = value[begin:end]
            self._keep(image=image[chosen], unit=unit[chosen], maps=dense.view(-1, self.height, self.width))

    def _nth_largest(self, *, unit: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Per unit the n_keep-th largest of its values over the bound; -inf where it has fewer."""
        over = value > self.bound[unit]
        unit, value = unit[over], value[over]
        order = torch.argsort(unit, stable=True)
        unit, value = unit[order], value[order]
        counts = torch.bincount(unit, minlength=self.n_units)
        rich = (counts >= self.n_keep).nonzero()[:, 0].tolist()
        ends = torch.cumsum(counts, 0).tolist()
        result = torch.full((self.n_units,), -torch.inf, device=value.device)
        for u in rich:
            own = value[ends[u] - int(counts[u]) : ends[u]]
            result[u] = torch.topk(own, self.n_keep, sorted=False).values.min()
        return result

    def freeze(self) -> SparseMaps:
        """What is kept, as numpy arrays in host memory."""
        if self._n_cells > self.n_units * self.n_keep:
            self.raise_bound()
        empty = torch.zeros(0, dtype=torch.int32)
        blocks = self._blocks or [(empty, empty, empty.long(), empty, empty.float())]
        image, unit, count, cell, value = (torch.cat(parts).cpu().numpy() for parts in zip(*blocks, strict=True))
        start = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
        return SparseMaps(image=image, unit=unit, start=start, cell=cell, value=value)


def merge_sparse(*, parts: list[SparseMaps], bound: NDArray[np.float32]) -> SparseMaps:
    """Join kept cells of different images, dropping pairs that nowhere exceed the (U,) bound; order of the parts
    does not matter.
    """
    image, unit, value, cell = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("image", "unit", "value", "cell")
    )
    count = np.concatenate([np.diff(part.start) for part in parts])
    start = np.concatenate(([0], np.cumsum(count)))
    owner = np.repeat(np.arange(len(unit)), count)
    stays = np.zeros(len(unit), dtype=bool)
    stays[owner[value > bound[unit[owner]]]] = True
    order = np.lexsort((unit, image))
    order = order[stays[order]]
    lengths = count[order]
    new_start = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    source = np.repeat(start[order] - new_start[:-1], lengths) + np.arange(new_start[-1])
    return SparseMaps(image=image[order], unit=unit[order], start=new_start, cell=cell[source], value=value[source])


def exact_thresholds(
    *, maps: SparseMaps, bound: NDArray[np.float32], n_exceeding: int, n_units: int
) -> NDArray[np.float32]:
    """(U,) T_u: the (n_exceeding + 1)-th largest of each unit's values.

    All values over the bound are in maps. A unit with fewer than n_exceeding + 1 of them has its threshold at the bound
    itself: the bound is the (k + 1)-th largest of some of the values, so T_u is not below it, and too few values lie
    above it for T_u to.
    """
    owner = np.repeat(maps.unit, np.diff(maps.start))
    over = maps.value > bound[owner]
    owner, value = owner[over], maps.value[over]
    order = np.argsort(owner, kind="stable")
    value = value[order]
    ends = np.cumsum(np.bincount(owner, minlength=n_units))
    result = bound.copy()
    for unit in range(n_units):
        own = value[ends[unit - 1] if unit else 0 : ends[unit]]
        if len(own) > n_exceeding:
            result[unit] = np.partition(own, len(own) - 1 - n_exceeding)[len(own) - 1 - n_exceeding]
    return result
