"""Keep, sparsely, the cells that can still matter, over a bound that only rises.

[BZKOT17] 2.2, docs/measures.md, Threshold. The bound of a unit is the (k + 1)-th largest of the values seen so far, k
counted over the whole image set. Counts raise it with every batch; whenever the kept cells have doubled they are put in
order and it is raised to that value itself. Cells over it are kept with their eight neighbors, on the device of the
activations.
"""

from dataclasses import dataclass

import numpy as np
import torch

from workers.engine import compiling
from workers.engine.format.spilling import IN_MEMORY, Spill
from workers.engine.measures.pairs import DensePairs
from workers.engine.measures.thresholds.cell_loop import Kept, count_steps, find_cells, group_over, prune_cells
from workers.engine.measures.thresholds.step_counts import StepCounts
from workers.engine.measures.thresholds.thresholds import SparseMaps, join_pairs, nth_largest, nth_of_groups
from workers.engine.networks.layer_maps import LayerShape

FIRST_PRUNING_CELLS = 8_000_000
# Dense cells of the first batches that wait until those after them have raised the bound.
HELD_CELLS = 16_000_000
# Every how many-th cell of the first batch guesses a bound, and how many times the tail is guessed, to be on the safe
# side.
SAMPLED_CELL, GUESSED_TAIL = 16, 1.2
# Cells over the bound that are ordered at a time: more units wait for the next turn.
ORDERED_CELLS = 8_000_000


def with_neighbors(above: torch.Tensor) -> torch.Tensor:
    """(P, h, w) flags, spread to the eight neighbors within each map."""
    n_maps, height, width = above.shape
    # One empty column and row keep neighbors apart, so that all maps are shifted as one line.
    line = torch.nn.functional.pad(above, (0, 1, 0, 1)).flatten()
    return _spread(line, width + 1).view(n_maps, height + 1, width + 1)[:, :height, :width]


def _places(flags: torch.Tensor) -> torch.Tensor:
    """Places of the flags that are set, in one line; numpy finds them four times as fast on a CPU."""
    line = flags.flatten()
    return line.nonzero().squeeze(1) if line.is_cuda else torch.from_numpy(np.flatnonzero(line.numpy()))


def _repeated(values: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Each value as often as its count says; numpy repeats four times as fast on a CPU."""
    if values.is_cuda:
        return torch.repeat_interleave(values, counts)
    return torch.from_numpy(np.repeat(values.numpy(), counts.numpy()))


def _chosen(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The values at places of one line; `take` does the same in four times the time."""
    return values.flatten().index_select(0, places)


def _spread(line: torch.Tensor, step: int) -> torch.Tensor:
    flags = line.view(torch.uint8)  # bytes are joined many at a time, flags one by one
    across = flags.clone()
    across[1:] |= flags[:-1]
    across[:-1] |= flags[1:]
    spread = across.clone()
    spread[step:] |= across[:-step]
    spread[:-step] |= across[step:]
    return spread.view(torch.bool)


@dataclass(frozen=True)
class _Block:
    """Kept pairs: `image`, `unit`, `count` (P,), and the `cell` and `value` of their cells, pair by pair."""

    image: torch.Tensor
    unit: torch.Tensor
    count: torch.Tensor
    cell: torch.Tensor
    value: torch.Tensor

    def over(self, bound: torch.Tensor) -> torch.Tensor:
        """Places of the cells over their unit's bound."""
        return _places(self.value > _repeated(bound[self.unit], self.count))

    def values_over(self, bound: torch.Tensor, units: range) -> tuple[torch.Tensor, torch.Tensor]:
        """Units and values of the cells over the bound, of a run of the units."""
        place = self.over(bound)
        unit = _chosen(_repeated(self.unit, self.count), place)
        value = _chosen(self.value, place)
        if len(units) < len(bound):
            own = (unit >= units.start) & (unit < units.stop)
            unit, value = unit[own], value[own]
        return unit, value

    def for_loops(self) -> Kept:
        return self.unit.numpy(), self.count.numpy(), self.value.numpy()

    def to_sparse(self) -> SparseMaps:
        """The same as numpy arrays in host memory."""
        count = self.count.cpu().numpy()
        return SparseMaps(
            image=self.image.cpu().numpy(),
            unit=self.unit.cpu().numpy(),
            start=np.concatenate(([0], np.cumsum(count))).astype(np.int64),
            cell=self.cell.cpu().numpy(),
            value=self.value.cpu().numpy(),
        )


class CandidateCells:
    """The cells of one layer that may still exceed their unit's threshold.

    n_keep is k + 1 for the whole image set. A bound from elsewhere (shards measured before) may be given at the start;
    `bound` (U,) is never above the threshold of the whole image set. Batches are given to `wanted` and `add`, or, if it
    `takes` them, whole to `take`: compiled loops then do the work of torch.
    """

    def __init__(
        self,
        *,
        shape: LayerShape,
        n_keep: int,
        device: str,
        bound: torch.Tensor | None = None,
        spill: Spill = IN_MEMORY,
    ) -> None:
        self.n_units, self.height, self.width, self.n_keep = shape.n_units, shape.height, shape.width, n_keep
        start = torch.full((shape.n_units,), -torch.inf) if bound is None else bound.clone()
        self.bound = start.to(device=device, dtype=torch.float32)
        self.takes = compiling.takes_over(device)
        self._spill = spill
        self._blocks: list[_Block] = []
        self._n_cells = 0
        self._prune_at = 0
        self._held: list[DensePairs] = []
        self._hold = HELD_CELLS
        self._steps: StepCounts | None = None
        self._highest = self.bound

    def wanted(self, *, maps: torch.Tensor, peaks: torch.Tensor) -> torch.Tensor:
        """(B, U) flags of the pairs of a batch that `add` must get, by its maps (B, U, h, w) and peaks (B, U)."""
        self._begin(maps, peaks)
        return peaks > self.bound

    def _begin(self, maps: torch.Tensor, peaks: torch.Tensor) -> None:
        self._highest = torch.maximum(self._highest, peaks.amax(dim=0))
        if not self._prune_at:
            self._raise_by_first(maps)
            self._prune_at = FIRST_PRUNING_CELLS

    def take(self, *, images: torch.Tensor, maps: torch.Tensor, peaks: torch.Tensor) -> None:
        """Take a whole batch of images (B,) in one pass over its maps. None is held: dropping what was kept in vain is
        fast too.
        """
        self._begin(maps, peaks)
        found = find_cells(maps=maps, bound=self.bound, steps=self._steps)
        if self._steps is not None:
            self.bound = torch.maximum(self.bound, self._steps.bound())
        image, cell, value = _chosen(images, found.row), self._kept(found.cell), self._kept(found.value)
        self._add_block(_Block(image=image, unit=found.unit, count=found.count, cell=cell, value=value))
        self._prune_many()

    def add(self, pairs: DensePairs) -> None:
        """Take the wanted pairs of a batch, others beside them if need be. Images ascend from call to call."""
        above = pairs.above(self.bound)
        self._raise_by_counts(pairs, above)
        if self._hold:
            self._held.append(pairs)
            if sum(held.maps.numel() for held in self._held) >= self._hold:
                self._release()
        else:
            self._keep(pairs, above)
        self._prune_many()

    def _prune_many(self) -> None:
        if self._n_cells > self._prune_at:
            self.prune()
            self._restart_steps()
            self._prune_at = max(FIRST_PRUNING_CELLS, 2 * self._n_cells)

    def _release(self) -> None:
        """Keep what the held batches have over the bound by now; those to come are not held."""
        for pairs in self._held:
            self._keep(pairs, pairs.above(self.bound))
        self._held, self._hold = [], 0

    def _raise_by_first(self, maps: torch.Tensor) -> None:
        """In a small set the first batch alone tells a bound: a sample guesses it, a count proves it."""
        lines = maps.permute(0, 2, 3, 1).flatten(0, 2)
        if len(lines) < self.n_keep:
            return
        sample = lines[::SAMPLED_CELL]
        rank = min(len(sample), 1 + int(GUESSED_TAIL * self.n_keep * len(sample) / len(lines)))
        limit = sample.kthvalue(len(sample) - rank + 1, dim=0).values
        short = ((lines >= limit).sum(dim=0) < self.n_keep).nonzero().squeeze(1)
        limit[short] = lines[:, short].kthvalue(len(lines) - self.n_keep + 1, dim=0).values
        self.bound = torch.maximum(self.bound, limit)
        self._restart_steps()

    def _raise_by_counts(self, pairs: DensePairs, above: torch.Tensor) -> None:
        if self._steps is None:
            return
        place = _places(above)
        count = torch.searchsorted(place, pairs.edges()).diff()
        self._steps.add(unit=_repeated(pairs.unit, count), value=_chosen(pairs.maps, place))
        self.bound = torch.maximum(self.bound, self._steps.bound())

    def _restart_steps(self) -> None:
        """Count again, in steps from the bound as it is."""
        self._steps = StepCounts(base=self.bound, top=self._highest, n_keep=self.n_keep)
        if self.takes:
            count_steps((block.for_loops() for block in self._blocks), self.bound.numpy(), self._steps)
            return
        for block in self._blocks:
            unit, value = block.values_over(self.bound, range(self.n_units))
            self._steps.add(unit=unit, value=value)

    def _keep(self, pairs: DensePairs, above: torch.Tensor) -> None:
        """Keep the cells that are flagged and their neighbors."""
        place = _places(with_neighbors(above))
        first = pairs.edges()
        count = torch.searchsorted(place, first).diff()
        stays = _places(count > 0)
        self._add_block(
            _Block(
                image=_chosen(pairs.image, stays).to(torch.int32),
                unit=_chosen(pairs.unit, stays).to(torch.int32),
                count=_chosen(count, stays),
                cell=self._kept((place - _repeated(first[:-1], count)).to(torch.int32)),
                value=self._kept(_chosen(pairs.maps, place)),
            )
        )

    def _add_block(self, block: _Block) -> None:
        self._blocks.append(block)
        self._n_cells += len(block.cell)

    def prune(self) -> None:
        """Raise the bound to the n_keep-th largest value seen, and drop what it rules out."""
        if not self._blocks:
            return
        if self.takes:
            own = self.bound.numpy()
            values, counts = group_over(lambda: (block.for_loops() for block in self._blocks), own)
            self.bound = torch.from_numpy(nth_of_groups(values, counts, n=self.n_keep, otherwise=own))
        else:
            self._raise_by_order()
        self._blocks = [self._pruned(block) for block in self._blocks]
        self._n_cells = sum(len(block.cell) for block in self._blocks)

    def _raise_by_order(self) -> None:
        n_turns = 1 + self._n_cells // ORDERED_CELLS
        for turn in range(n_turns):
            units = range(turn * self.n_units // n_turns, (turn + 1) * self.n_units // n_turns)
            unit, value = zip(*(block.values_over(self.bound, units) for block in self._blocks), strict=True)
            limit = nth_largest(
                unit=torch.cat(unit).cpu().numpy(),
                value=torch.cat(value).cpu().numpy(),
                n=self.n_keep,
                otherwise=self.bound.cpu().numpy(),
            )
            self.bound = torch.from_numpy(limit).to(self.bound.device)

    def _pruned(self, block: _Block) -> _Block:
        """The block without cells that neither lie over the bound nor beside such a cell."""
        count, cell, value = self._pruned_by_loop(block) if self.takes else self._pruned_by_torch(block)
        stays = _places(count > 0)
        return _Block(
            image=_chosen(block.image, stays),
            unit=_chosen(block.unit, stays),
            count=_chosen(count, stays),
            cell=self._kept(cell),
            value=self._kept(value),
        )

    def _pruned_by_loop(self, block: _Block) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        unit, kept, bound = block.unit.numpy(), block.count.numpy(), self.bound.numpy()
        count, cell, value = prune_cells(
            unit, kept, block.cell.numpy(), block.value.numpy(), bound, self.height, self.width
        )
        return torch.from_numpy(count), torch.from_numpy(cell), torch.from_numpy(value)

    def _pruned_by_torch(self, block: _Block) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        device, step = block.cell.device, self.width + 1
        # Places on the line of with_neighbors: maps framed by an empty column and row.
        framed = torch.arange((self.height + 1) * step, device=device).view(-1, step)[:-1, :-1].flatten()
        first = torch.arange(len(block.unit), device=device) * ((self.height + 1) * step)
        place = framed.index_select(0, block.cell).add_(_repeated(first, block.count))
        line = torch.zeros(len(block.unit) * (self.height + 1) * step, dtype=torch.bool, device=device)
        line[_chosen(place, block.over(self.bound))] = True
        kept = _chosen(_spread(line, step), place)
        count = torch.diff(kept.cumsum(0)[block.count.cumsum(0) - 1], prepend=block.count.new_zeros(1))
        cells = _places(kept)
        return count, _chosen(block.cell, cells), _chosen(block.value, cells)

    def _kept(self, cells: torch.Tensor) -> torch.Tensor:
        return cells if cells.is_cuda else torch.from_numpy(self._spill.keep(cells.numpy()))

    def freeze(self) -> SparseMaps:
        """What is kept, as numpy arrays in host memory."""
        self._release()
        self.prune()
        return join_pairs((block.to_sparse() for block in self._blocks), spill=self._spill)
