"""Thresholds: the value that a share `tail` of each unit's activations exceeds (docs/measures.md, Threshold)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.format.spilling import Spill
from workers.engine.measures.measure import Completion, Joining, Measure, MeasuredLayer, Run, Seen
from workers.engine.measures.pairs import DensePairs
from workers.engine.measures.thresholds.arrays import RECORDED, ThresholdOptions, Thresholds
from workers.engine.measures.thresholds.candidates import CandidateCells
from workers.engine.measures.thresholds.thresholds import (
    SparseMaps,
    bound_by_landmarks,
    exact_thresholds,
    landmarks_of,
    merge_sparse,
    n_above,
    n_to_keep,
    unit_runs,
)
from workers.engine.networks.layer_maps import LayerShape


@dataclass(frozen=True)
class Candidates:
    """`bound` (U,) below every unit's threshold; `cells`: every cell that may still exceed the threshold.

    `n_reaching` (U,): at least so many values of the image set reach the unit's bound, if the unit has a bound; None:
    k + 1, as versions of before kept. `n_own` (U,): so many of them are of the part's own images.
    """

    bound: NDArray[np.float32]
    cells: SparseMaps
    n_reaching: NDArray[np.int64] | None = None
    n_own: NDArray[np.int64] | None = None

    def bytes_of_units(self, spill: Spill) -> NDArray[np.int64]:
        """(U,) memory that each unit's cells will take when they are counted: none if they are in memory already."""
        if spill.folder is None:
            return np.zeros(len(self.bound), dtype=np.int64)
        return self.cells.bytes_of_units(len(self.bound))

    def of_units(self, units: range) -> "Candidates":
        """Those of a run of the units, counted from its first, in memory; of all units as they are."""
        if len(units) == len(self.bound):
            return self
        own = slice(units.start, units.stop)
        n_reaching = None if self.n_reaching is None else self.n_reaching[own]
        return Candidates(bound=self.bound[own], cells=self.cells.of_units(units), n_reaching=n_reaching)

    def for_another_set(self) -> "Candidates":
        """The same for another image set that holds the part's images: of other images nothing is known."""
        return replace(self, n_reaching=self.n_own)

    def count_reaching(self, bound: NDArray[np.float32]) -> NDArray[np.int64]:
        """(U,) kept values that reach a (U,) bound."""
        counts = np.zeros(len(bound), dtype=np.int64)
        for part in self.cells.parts():
            owner = part.unit_of_cell()
            counts += np.bincount(owner[part.value >= bound[owner]], minlength=len(bound))
        return counts


def tell_bounds(part: Candidates) -> NDArray[np.float32]:
    """(U, 1, R) landmarks from which a shard that is measured later finds its first bound."""
    return landmarks_of(maps=part.cells, bound=part.bound)


def list_short(parts: Sequence[Candidates], *, n_exceeding: int) -> list[int]:
    """Places of the parts that kept too little for the thresholds of all together, each of different images.

    Only a part that was measured for another set can be one. What it kept suffices if more than n_exceeding values of
    each unit reach the bound of all, or if enough are known to reach the part's own bound.
    """
    doubtful = [_is_doubtful(part, n_exceeding) for part in parts]
    if not np.any(doubtful):
        return []
    bound = np.max([part.bound for part in parts], axis=0)
    counts = np.sum([part.count_reaching(bound) for part in parts], axis=0)
    return [place for place, units in enumerate(doubtful) if (units & (counts <= n_exceeding)).any()]


def _is_doubtful(part: Candidates, n_exceeding: int) -> NDArray[np.bool_]:
    """(U,) true if the unit's bound may lie over the threshold, as far as the part knows."""
    if part.n_reaching is None:
        return np.zeros(len(part.bound), dtype=bool)
    return np.asarray((part.n_reaching <= n_exceeding) & (part.bound > -np.inf))


class CandidateWatcher:
    """Keeps the cells that may exceed the threshold of the whole set, however few images were seen."""

    def __init__(self, shape: LayerShape, run: Run) -> None:
        tail = run.options.of(ThresholdOptions).tail
        n_keep = n_to_keep(tail=tail, n_values=run.n_images * shape.height * shape.width)
        landmarks, start = run.bounds.get(shape.path), None
        if landmarks is not None:
            start = torch.from_numpy(bound_by_landmarks(landmarks=landmarks, n_keep=n_keep))
        self._n_keep, self._start = n_keep, start
        self._cells = CandidateCells(shape=shape, n_keep=n_keep, device=run.device, bound=start, spill=run.spill)

    def look(self, seen: Seen) -> torch.Tensor | None:
        if self._cells.takes:
            self._cells.take(images=seen.images, maps=seen.maps, peaks=seen.peaks)
            return None
        return self._cells.wanted(maps=seen.maps, peaks=seen.peaks)

    def keep(self, pairs: DensePairs) -> None:
        if not self._cells.takes:
            self._cells.add(pairs)

    def freeze(self) -> Candidates:
        cells = self._cells.freeze()
        bound = self._cells.bound.cpu().numpy()
        # Only the part's own values raise a bound from where it began.
        is_own = bound > (-np.inf if self._start is None else self._start.numpy())
        n_reaching = np.full(len(bound), self._n_keep, dtype=np.int64)
        return Candidates(bound=bound, cells=cells, n_reaching=n_reaching, n_own=n_reaching * is_own)


class ThresholdsMeasure(Measure[Candidates, Thresholds]):
    recorded = RECORDED
    part = Candidates

    def watch(self, shape: LayerShape, run: Run) -> CandidateWatcher:
        return CandidateWatcher(shape, run)

    def check(self, part: Candidates, shape: LayerShape) -> None:
        maps, n_pairs = part.cells, len(part.cells.unit)
        is_whole = (
            part.bound.shape == (shape.n_units,)
            and maps.image.shape == maps.unit.shape == (n_pairs,)
            and maps.start.shape == (n_pairs + 1,)
            and maps.start[0] == 0
            and bool((np.diff(maps.start) > 0).all())
            and maps.cell.shape == maps.value.shape == (maps.start[-1],)
        )
        if not is_whole or not all(_lies_within(some, shape) for some in maps.parts()):
            raise ValueError(f"cells that were kept do not lie in the maps of layer {shape.path}")

    def merge(self, parts: Sequence[Candidates], joining: Joining) -> Candidates:
        bound = np.max([part.bound for part in parts], axis=0)
        cells = merge_sparse(
            parts=[part.cells for part in parts], bound=bound, shape=joining.shape, spill=joining.spill
        )
        return Candidates(bound=bound, cells=cells, n_reaching=_join_reaching(parts, bound))

    def complete(self, completion: Completion) -> list[Thresholds]:
        return [Thresholds(threshold=_find_thresholds(layer, completion)) for layer in completion.layers]


MEASURE = ThresholdsMeasure()


def _lies_within(maps: SparseMaps, shape: LayerShape) -> bool:
    """True if units and cells are the layer's, and the cells of each pair ascend."""
    ascends = np.diff(maps.cell) > 0
    ascends[maps.start[1:-1] - 1] = True
    is_unit = (maps.unit >= 0) & (maps.unit < shape.n_units)
    is_cell = (maps.cell >= 0) & (maps.cell < shape.height * shape.width)
    return bool(ascends.all() and is_unit.all() and is_cell.all())


def _join_reaching(parts: Sequence[Candidates], bound: NDArray[np.float32]) -> NDArray[np.int64] | None:
    """(U,) how many values are known to reach the bound of all."""
    told = [one.n_reaching for one in parts if one.n_reaching is not None]
    if len(told) < len(parts):
        return None
    known = np.asarray(np.max([np.where(one.bound == bound, n, 0) for one, n in zip(parts, told, strict=True)], axis=0))
    if len(np.unique(told)) == 1:
        return known
    # Parts that were measured for another set know little.
    return np.asarray(np.maximum(known, np.sum([one.count_reaching(bound) for one in parts], axis=0)))


def _find_thresholds(layer: MeasuredLayer, completion: Completion) -> NDArray[np.float32]:
    part, tail = layer.part(Candidates), completion.options.of(ThresholdOptions).tail
    n_exceeding = n_above(tail=tail, n_values=len(completion.images) * layer.shape.height * layer.shape.width)
    # Ordering takes four times what the cells do.
    runs = unit_runs(part.bytes_of_units(completion.spill), at_once=completion.spill.at_once // 4)
    some = (part.of_units(units) for units in runs)
    return np.concatenate(
        [
            exact_thresholds(maps=own.cells, bound=own.bound, n_exceeding=n_exceeding, n_reaching=own.n_reaching)
            for own in some
        ]
    )
