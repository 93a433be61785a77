"""Lay units' masks over label maps and count, exactly, the pixels that each label has under them.

[BZKOT17] 2.2, docs/measures.md, IoU. A mask is the unit's map upsampled bilinearly to the label map's size, strictly
over T_u. Only blocks of pixels between four cells of which one lies over T_u are evaluated. A mask is evaluated once,
however many labelings it is counted by.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine import compiling
from workers.engine.format.spilling import Growing, Spill, let_go
from workers.engine.images.label_table import LabelTable
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.measures.iou.label_groups import LabelGroup, Under, add_whole, count_under, list_groups
from workers.engine.measures.iou.mask_blocks import Integers, find_blocks
from workers.engine.measures.iou.mask_loop import loop_over_masks
from workers.engine.measures.thresholds.thresholds import SparseMaps
from workers.engine.networks.geometry import AxisPlan, MapGeometry, plan_upsampling

# Dense cells, and counts of a pair and a column, that are resolved at a time.
CHUNK_CELLS = 1_000_000
CHUNK_COUNTS = 1_000_000
# Entries of PairLabels that are added up at a time.
SUMMED_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class MaskTask:
    """One layer's masks: `maps` keeps every cell over the (U,) `thresholds` with its neighbors; U and `map_shape` are
    the layer's.
    """

    map_shape: tuple[int, int]
    geometry: MapGeometry
    input_px: int
    maps: SparseMaps
    thresholds: NDArray[np.float32]


@dataclass(frozen=True)
class PairLabels:
    """The labels under each pair's mask: `pair` (E,), `column` (E,) of LabelTable.column_of_number, and how many
    `pixels` (E,) of the mask carry it.
    """

    pair: NDArray[np.int32]
    column: NDArray[np.uint16]
    pixels: NDArray[np.int32]


@dataclass(frozen=True)
class MaskCounts:
    """`intersection` (U, C) pixels, labels in the order of LabelTable.labels; of each pair its mask's `pair_area`
    (P,) and, unless pixels count once, `pair_category` (P, n_categories): whose labels lie under the mask. `of_pairs`
    if they were asked for.
    """

    intersection: Integers
    pair_area: Integers
    pair_category: NDArray[np.bool_]
    of_pairs: PairLabels | None = None


@dataclass(frozen=True)
class Wanted:
    """Some labels of each unit, as columns of LabelTable.column_of_number: (U, K), 0 for none. `bin` (n,) is the bin of
    each image of the set.
    """

    columns: Integers
    bin: Integers


def resolve_masks(
    *,
    tasks: Sequence[MaskTask],
    labelings: Sequence[PackedLabels],
    index: LabelTable,
    once: bool = True,
    keep: Spill | None = None,
) -> list[list[MaskCounts]]:
    """Evaluate the masks of all pairs against the label maps; exact integers, of each task one result per labeling.

    The labelings label the same images. With `once` a pixel counts once per label, though several maps of the image
    carry it. With `keep`, the labels of each pair by the first labeling are kept there.
    """
    columns = [labels.in_columns(index.column_of_number()) for labels in labelings]
    layers = [_Layer(task, columns, index, once=once, keep=keep) for task in tasks]
    for groups in list_groups(columns, once=once):
        for layer in layers:
            layer.count(groups)
    return [[one.finish() for one in layer.countings] for layer in layers]


def sum_in_bins(task: MaskTask, of_pairs: PairLabels, wanted: Wanted, images: NDArray[np.int32]) -> Integers:
    """(U, K, bins): the pixels that each wanted label has under the unit's masks, over the images of each bin. `images`
    (n,) are the indices of the set's images.
    """
    n_bins = int(wanted.bin.max(initial=0)) + 1
    n_units, n_wanted = wanted.columns.shape
    bin_of_pair = wanted.bin[np.searchsorted(images, task.maps.image)]
    sums = np.zeros((n_wanted, n_units * n_bins), dtype=np.int64)
    for first in range(0, len(of_pairs.pair), SUMMED_AT_ONCE):
        some = slice(first, first + SUMMED_AT_ONCE)
        pair, column, pixels = of_pairs.pair[some], of_pairs.column[some], of_pairs.pixels[some]
        unit = task.maps.unit[pair]
        for k in range(n_wanted):
            own = np.flatnonzero(wanted.columns[unit, k] == column)
            key = unit[own].astype(np.int64) * n_bins + bin_of_pair[pair[own]]
            # Sums of pixels stay far below 2^53, so that float64 weights are exact.
            sums[k] += np.bincount(key, weights=pixels[own], minlength=n_units * n_bins).astype(np.int64)
        let_go(of_pairs.pair, of_pairs.column, of_pairs.pixels)
    return sums.reshape(n_wanted, n_units, n_bins).transpose(1, 0, 2)


class _Layer:
    """Counts one layer's masks by each labeling, group by group of images."""

    def __init__(
        self, task: MaskTask, labelings: Sequence[PackedLabels], index: LabelTable, *, once: bool, keep: Spill | None
    ) -> None:
        self.task = task
        self.over = np.flatnonzero(task.maps.exceeding(task.thresholds))
        self.row = np.searchsorted(labelings[0].images, task.maps.image[self.over])
        self.n_columns = len(index.labels) + 1
        self.countings = [
            _Counting(task, index, once=once, keep=None if place else keep) for place in range(len(labelings))
        ]
        self.plans: dict[tuple[int, int], tuple[AxisPlan, AxisPlan]] = {}

    def _plan(self, label_shape: tuple[int, int]) -> tuple[AxisPlan, AxisPlan]:
        task = self.task
        if label_shape not in self.plans:
            self.plans[label_shape] = plan_upsampling(
                geometry=task.geometry, map_shape=task.map_shape, out_shape=label_shape, input_px=task.input_px
            )
        return self.plans[label_shape]

    def count(self, groups: Sequence[LabelGroup]) -> None:
        """Count the masks of the groups' images, as many pairs at a time as the scratch space holds."""
        rows = groups[0].rows
        own = slice(*np.searchsorted(self.row, [rows.start, rows.stop]).tolist())
        pairs, row = self.over[own], self.row[own] - rows.start
        n_cells, n_counts = self.task.map_shape[0] * self.task.map_shape[1], len(groups) * self.n_columns
        step = max(1, min(CHUNK_CELLS // n_cells, CHUNK_COUNTS // n_counts))
        for first in range(0, len(pairs), step):
            self._count(groups, pairs[first : first + step], row[first : first + step])

    def _count(self, groups: Sequence[LabelGroup], pairs: Integers, row: Integers) -> None:
        """Where the labelings have label maps of one size, the masks are evaluated for all of them at once."""
        for label_shape in dict.fromkeys(group.label_shape for group in groups):
            places = [place for place, group in enumerate(groups) if group.label_shape == label_shape]
            alike = [groups[place] for place in places]
            under = self._count_under(alike, pairs, row)
            for i, place in enumerate(places):
                self.countings[place].add(under, i, groups[place], pairs, row)

    def _count_under(self, groups: Sequence[LabelGroup], pairs: Integers, row: Integers) -> Under:
        """The groups have one label shape."""
        task, plans, n = self.task, self._plan(groups[0].label_shape), self.n_columns
        limit = task.thresholds[task.maps.unit[pairs]]
        if compiling.CAN_COMPILE:
            counts = loop_over_masks(task.maps, pairs, task.map_shape, limit, plans, groups, row, n_columns=n)
        else:
            counts = count_under(find_blocks(self._dense(pairs), limit, plans), groups, row, n_columns=n)
        return add_whole(*counts, groups, row)

    def _dense(self, pairs: Integers) -> NDArray[np.float32]:
        """(pairs, h, w) values of the kept cells, -inf if none was kept."""
        maps, shape = self.task.maps, self.task.map_shape
        start, end = maps.start[pairs], maps.start[pairs + 1]
        lengths = end - start
        at = np.repeat(start - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        dense = np.full((len(pairs), shape[0] * shape[1]), -np.inf, dtype=np.float32)
        dense[np.repeat(np.arange(len(pairs)), lengths), maps.cell[at]] = maps.value[at]
        return dense.reshape(-1, *shape)


class _Counting:
    """The counts of one layer's masks by one labeling."""

    def __init__(self, task: MaskTask, index: LabelTable, *, once: bool, keep: Spill | None) -> None:
        self.task, self.index, self.once = task, index, once
        n_pairs, n_columns = len(task.maps.unit), len(index.labels) + 1
        self.intersection = np.zeros((len(task.thresholds), n_columns), dtype=np.int64)
        self.pair_area = np.zeros(n_pairs, dtype=np.int64)
        self.pair_category = np.zeros((n_pairs, len(index.categories)), dtype=bool)
        self.kept = None if keep is None else _Kept(keep)

    def add(self, under: Under, place: int, group: LabelGroup, pairs: Integers, row: Integers) -> None:
        """Take what lies under the masks of pairs, by the labeling at that place."""
        found = under.found[:, place]
        self.pair_area[pairs] = under.area
        which, column = found.nonzero()
        pixels, unit = found[which, column], self.task.maps.unit[pairs[which]]
        n_units, n_columns = self.intersection.shape
        key = unit.astype(np.int64) * n_columns + column
        sums = np.bincount(key, weights=pixels, minlength=n_units * n_columns)
        self.intersection += sums.astype(np.int64).reshape(n_units, n_columns)
        if not self.once:
            self.pair_category[pairs] = self._categories(group, row, found, under.area)
        if self.kept is not None:
            self.kept.add(pairs[which], column, pixels)

    def _categories(self, group: LabelGroup, row: Integers, found: Integers, area: Integers) -> NDArray[np.bool_]:
        """(pairs, n_categories) whether labels of the category lie under the mask; found (pairs, columns)."""
        seen, primary = found > 0, self.index.primary_of_column()
        under = np.stack([seen[:, primary == c].any(axis=1) for c in range(len(self.index.categories))], axis=1)
        # NetDissect-Lite never clears a whole-image label 0, which its tie rule puts in the last category.
        under[:, -1] |= group.labels.has_whole_zero(group.rows.start + row) & (area > 0)
        return under

    def finish(self) -> MaskCounts:
        of_pairs = None if self.kept is None else self.kept.finish()
        return MaskCounts(self.intersection[:, 1:], self.pair_area, self.pair_category, of_pairs)


class _Kept:
    """PairLabels that grow."""

    def __init__(self, spill: Spill) -> None:
        self._pair = Growing(spill, np.int32)
        self._column = Growing(spill, np.uint16)
        self._pixels = Growing(spill, np.int32)

    def add(self, pair: Integers, column: Integers, pixels: Integers) -> None:
        self._pair.add(pair)
        self._column.add(column)
        self._pixels.add(pixels)

    def finish(self) -> PairLabels:
        return PairLabels(pair=self._pair.finish(), column=self._column.finish(), pixels=self._pixels.finish())
