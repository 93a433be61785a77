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
FIRST_PRUNING_CELLS = 1_000_000
# Buckets in which values are counted to raise a bound, and the part of a bucket by which an edge is first lowered.
N_BUCKETS = 128
LEAST_RANGE = 1e-30
EDGE_MARGIN = 1e-3


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


class RisingBound:
    """A lower bound of every unit's threshold, raised by counting values in buckets.

    Once n_keep values of a unit at or above some number have been seen, its threshold is not below that number. Buckets
    are equal steps from `low`; g(v) = floor((v - low) x scale) rises with v even in floating point, so that values of
    higher buckets are really higher.
    """

    def __init__(self, *, n_keep: int, bound: torch.Tensor) -> None:
        self.n_keep, self.bound = n_keep, bound
        self._counts: torch.Tensor | None = None

    def range_over(self, *, low: torch.Tensor, high: torch.Tensor) -> None:
        """Count anew, in buckets from (U,) low to (U,) high; what was counted is forgotten, the bound stays."""
        self._low = low.clone()
        wide = high - low > LEAST_RANGE
        self._scale = torch.where(wide, N_BUCKETS / (high - low), torch.zeros_like(low))
        self._counts = torch.zeros((len(low), N_BUCKETS), dtype=torch.int64, device=low.device)

    @property
    def counts_nothing(self) -> bool:
        return self._counts is None

    def _bucket(self, value: torch.Tensor, unit: torch.Tensor) -> torch.Tensor:
        steps = ((value - self._low[unit]) * self._scale[unit]).floor().clamp(0, N_BUCKETS - 1)
        return torch.where(value < self._low[unit], -1.0, steps)

    def count(self, *, unit: torch.Tensor, value: torch.Tensor) -> None:
        """Take values (n,) of units (n,) that were not counted before, and raise the bound where they allow."""
        assert self._counts is not None
        bucket = self._bucket(value, unit).to(torch.int64)
        counted = bucket >= 0
        key = unit[counted] * N_BUCKETS + bucket[counted]
        self._counts += torch.bincount(key, minlength=self._counts.numel()).view_as(self._counts)
        at_least = self._counts.flip(1).cumsum(1).flip(1)
        # The highest bucket from which n_keep values have been seen; -1 where there are not so many.
        best = (at_least >= self.n_keep).sum(1) - 1
        units = torch.arange(len(best), device=best.device)
        reached = self._low + (best - EDGE_MARGIN) / self._scale.clamp_min(torch.finfo(torch.float32).tiny)
        unsafe = (best > 0) & (self._bucket(reached, units) >= best)
        while bool(unsafe.any()):
            reached = torch.where(unsafe, torch.nextafter(reached, self._low), reached)
            unsafe = (best > 0) & (self._bucket(reached, units) >= best)
        candidate = torch.where(best > 0, torch.maximum(reached, self._low), self._low)
        self.bound = torch.where(best >= 0, torch.maximum(self.bound, candidate), self.bound)


class CandidateCells:
    """The cells of one layer that may still exceed their unit's threshold, on the device of the activations.

    n_keep is k + 1 for the whole image set. A bound from elsewhere (shards measured before) may be given at the start.
    """

    def __init__(
        self, *, n_units: int, height: int, width: int, n_keep: int, device: str, bound: torch.Tensor | None = None
    ) -> None:
        self.n_units, self.height, self.width, self.n_keep = n_units, height, width, n_keep
        start = torch.full((n_units,), -torch.inf) if bound is None else bound.clone()
        self._rising = RisingBound(n_keep=n_keep, bound=start.to(device=device, dtype=torch.float32))
        self._blocks: list[tuple[torch.Tensor, ...]] = []  # (image, unit, count) of pairs; (cell, value) of cells
        self._n_cells = 0
        self._prune_at = FIRST_PRUNING_CELLS

    @property
    def bound(self) -> torch.Tensor:
        """(U,) never above the threshold of the whole image set."""
        return self._rising.bound

    def add(self, *, images: torch.Tensor, maps: torch.Tensor, peaks: torch.Tensor) -> None:
        """Take a batch: image indices (B,), maps (B, U, h, w), peaks (B, U). Images ascend from call to call."""
        if self._rising.counts_nothing:
            self._rising.range_over(low=maps.amin(dim=(0, 2, 3)), high=peaks.amax(0))
        where = (peaks > self.bound).nonzero()
        if not len(where):
            return
        image, unit, chosen = images[where[:, 0]], where[:, 1], maps[where[:, 0], where[:, 1]]
        pair, y, x = (chosen > self.bound[unit][:, None, None]).nonzero(as_tuple=True)
        self._rising.count(unit=unit[pair], value=chosen[pair, y, x])
        still = peaks[where[:, 0], unit] > self.bound[unit]
        self._keep(image=image[still], unit=unit[still], maps=chosen[still])
        if self._n_cells > self._prune_at:
            self.prune()
            self._prune_at = max(FIRST_PRUNING_CELLS, 2 * self._n_cells)

    def _keep(self, *, image: torch.Tensor, unit: torch.Tensor, maps: torch.Tensor) -> None:
        above = maps > self.bound[unit][:, None, None]
        kept = with_neighbors(above).flatten(1)
        cells = kept.nonzero()[:, 1].to(torch.int32)
        self._blocks.append((image.to(torch.int32), unit.to(torch.int32), kept.sum(1), cells, maps.flatten(1)[kept]))
        self._n_cells += len(cells)

    def prune(self) -> None:
        """Drop what the bound rules out by now, and count what is left in finer buckets over its own range."""
        blocks, self._blocks, self._n_cells = self._blocks, [], 0
        image, unit, count, cell, value = (torch.cat(parts) for parts in zip(*blocks, strict=True))
        owner = torch.repeat_interleave(torch.arange(len(unit), device=unit.device), count)
        of_unit = unit.long()[owner]
        over = value > self.bound[of_unit]
        low = self.bound.scatter_reduce(0, of_unit, value, reduce="amin", include_self=False)
        low = torch.where(torch.isfinite(self.bound), self.bound, low)
        high = low.scatter_reduce(0, of_unit, value, reduce="amax")
        self._rising.range_over(low=low, high=high)
        self._rising.count(unit=of_unit[over], value=value[over])
        still = torch.zeros(len(unit), dtype=torch.bool, device=unit.device)
        still[owner[over]] = True
        self._keep_again(image=image, unit=unit, count=count, cell=cell, value=value, still=still)

    def _keep_again(
        self,
        *,
        image: torch.Tensor,
        unit: torch.Tensor,
        count: torch.Tensor,
        cell: torch.Tensor,
        value: torch.Tensor,
        still: torch.Tensor,
    ) -> None:
        stays = torch.repeat_interleave(still, count)
        image, unit, count, cell, value = image[still], unit[still], count[still], cell[stays], value[stays]
        n_cells = self.height * self.width
        step = max(1, CHUNK_CELLS // n_cells)
        ends = [0, *torch.cumsum(count, 0).tolist()]
        for first in range(0, len(unit), step):
            last = min(len(unit), first + step)
            part = slice(ends[first], ends[last])
            owner = torch.repeat_interleave(torch.arange(last - first, device=unit.device), count[first:last])
            dense = torch.full((last - first, n_cells), -torch.inf, device=value.device)
            dense[owner, cell[part].long()] = value[part]
            self._keep(
                image=image[first:last],
                unit=unit[first:last],
                maps=dense.view(-1, self.height, self.width),
            )

    def freeze(self) -> SparseMaps:
        """What is kept, as numpy arrays in host memory."""
        if self._blocks:
            self.prune()
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
