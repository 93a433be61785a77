"""Lay units' masks over label maps and count, exactly, the pixels that each label has under them.

[BZKOT17] 2.2, docs/measures.md, IoU. A mask is the unit's map upsampled bilinearly to the label map's size, strictly
over T_u. Only blocks of pixels between four cells of which one lies over T_u are evaluated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.label_table import LabelTable
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.measures.iou.mask_blocks import Integers, MaskBlocks, find_blocks
from workers.engine.measures.thresholds.thresholds import SparseMaps
from workers.engine.networks.geometry import AxisPlan, MapGeometry, plan_upsampling

# Pixels of the images whose labels are unfolded at a time, dense cells of the pairs that are resolved at a time, and
# label numbers that are counted at a time.
UNFOLDED_PIXELS = 1_000_000
CHUNK_CELLS = 1_000_000
COUNTED_AT_ONCE = 500_000


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
class MaskCounts:
    """`intersection` (U, C) pixels, labels in the order of LabelTable.labels; of each pair its mask's `pair_area`
    (P,) and, unless pixels count once, `pair_category` (P, n_categories): whose labels lie under the mask.
    """

    intersection: Integers
    pair_area: Integers
    pair_category: NDArray[np.bool_]


@dataclass(frozen=True)
class Wanted:
    """Some labels of each unit, as columns of LabelTable.column_of_number: (U, K), 0 for none. `bin` (n,) is the bin of
    each image of the set.
    """

    columns: Integers
    bin: Integers


def resolve_masks(
    *, tasks: Sequence[MaskTask], labels: PackedLabels, index: LabelTable, once: bool = True
) -> list[MaskCounts]:
    """Evaluate the masks of all pairs against the label maps; exact integers, one result a task.

    With `once` a pixel counts once per label, though several maps of the image carry it.
    """
    labels = labels.in_columns(index.column_of_number())
    layers = [_Layer(task, labels, index, once=once) for task in tasks]
    _count_all(layers, labels, once=once)
    return [layer.counted() for layer in layers]


def resolve_in_bins(
    *, tasks: Sequence[MaskTask], wanted: Sequence[Wanted], labels: PackedLabels, index: LabelTable, once: bool
) -> list[Integers]:
    """(U, K, bins) of each task: the pixels that each wanted label has under the unit's masks, over the images of each
    bin. Only the masks on images that carry a wanted label are evaluated.
    """
    labels = labels.in_columns(index.column_of_number())
    layers = [_BinnedLayer(task, labels, index, once=once, wanted=one) for task, one in zip(tasks, wanted, strict=True)]
    _count_all(layers, labels, once=once)
    return [layer.in_bins for layer in layers]


def _count_all(layers: Sequence["_Layer"], labels: PackedLabels, *, once: bool) -> None:
    for rows in _groups(labels):
        group = _LabelGroup(labels, rows, once=once)
        for layer in layers:
            layer.count(group)


def _groups(labels: PackedLabels) -> Iterator[range]:
    """Rows of images that follow one another, with label maps of one size; at least one image."""
    size = labels.height.astype(np.int64) << 32 | labels.width
    first = 0
    for end in range(1, len(size) + 1):
        n_pixels = int(labels.height[first]) * int(labels.width[first])
        if end == len(size) or size[end] != size[first] or (end - first) * n_pixels >= UNFOLDED_PIXELS:
            yield range(first, end)
            first = end


class _LabelGroup:
    """The labels of some images, those with most label maps first: `place` (n,) of each image among them, `row` (n,)
    of the one at each place, `maps` (slots, n x pixels) of columns, 0 for background, and `whole` of each image.
    """

    def __init__(self, labels: PackedLabels, rows: range, *, once: bool) -> None:
        self.labels, self.rows = labels, rows
        self.row = rows.start + np.argsort(-labels.n_maps[rows.start : rows.stop], kind="stable")
        self.place = np.argsort(self.row)
        self.label_shape = int(labels.height[rows[0]]), int(labels.width[rows[0]])
        self.n_pixels = self.label_shape[0] * self.label_shape[1]
        self.n_maps = labels.n_maps[self.row]
        self.maps = np.zeros((int(self.n_maps[0]), len(rows) * self.n_pixels), dtype=np.uint16)
        self.whole: list[NDArray[np.uint16]] = []
        for i, row in enumerate(self.row.tolist()):
            whole, stack = labels.unfold(row, once=once)
            self.whole.append(whole)
            self.maps[: len(stack), i * self.n_pixels : (i + 1) * self.n_pixels] = stack


class _Counter:
    """Counts how often each of n_keys numbers comes; numbers wait until there are enough of them."""

    def __init__(self, n_keys: int) -> None:
        self._counts = np.zeros(n_keys, dtype=np.int64)
        self._waiting = np.empty(COUNTED_AT_ONCE, dtype=np.int64)
        self._n_waiting = 0

    def add(self, rows: Integers, columns: NDArray[np.uint16]) -> None:
        """Take the numbers rows + columns."""
        for first in range(0, len(rows), COUNTED_AT_ONCE):
            some = slice(first, first + COUNTED_AT_ONCE)
            n = len(rows[some])
            if self._n_waiting + n > COUNTED_AT_ONCE:
                self.counts()
            np.add(rows[some], columns[some], out=self._waiting[self._n_waiting : self._n_waiting + n])
            self._n_waiting += n

    def counts(self) -> Integers:
        self._counts += np.bincount(self._waiting[: self._n_waiting], minlength=len(self._counts))
        self._n_waiting = 0
        return self._counts


class _Layer:
    """Counts one layer's masks, group by group of images."""

    def __init__(self, task: MaskTask, labels: PackedLabels, index: LabelTable, *, once: bool) -> None:
        self.task, self.index, self.once = task, index, once
        self.over = np.flatnonzero(task.maps.exceeding(task.thresholds))
        self.row = np.searchsorted(labels.images, task.maps.image[self.over])
        n_units, self.n_columns = len(task.thresholds), len(index.labels) + 1
        self.intersection = np.zeros((n_units, self.n_columns), dtype=np.int64)
        self.pair_area = np.zeros(len(task.maps.unit), dtype=np.int64)
        self.pair_category = np.zeros((len(task.maps.unit), len(index.categories)), dtype=bool)
        self.by_unit = _Counter(self.intersection.size)
        self.plans: dict[tuple[int, int], tuple[AxisPlan, AxisPlan]] = {}

    def _plan(self, label_shape: tuple[int, int]) -> tuple[AxisPlan, AxisPlan]:
        task = self.task
        if label_shape not in self.plans:
            self.plans[label_shape] = plan_upsampling(
                geometry=task.geometry, map_shape=task.map_shape, out_shape=label_shape, input_px=task.input_px
            )
        return self.plans[label_shape]

    def count(self, group: _LabelGroup) -> None:
        """Count the masks of the group's images, as many pairs at a time as the scratch space holds."""
        own = slice(*np.searchsorted(self.row, [group.rows.start, group.rows.stop]).tolist())
        pairs, row = self._choose(group, self.over[own], self.row[own] - group.rows.start)
        place = group.place[row]
        order = np.argsort(place, kind="stable")
        pairs, place = pairs[order], place[order]
        step = max(1, CHUNK_CELLS // (self.task.map_shape[0] * self.task.map_shape[1]))
        for first in range(0, len(pairs), step):
            self._count(group, pairs[first : first + step], place[first : first + step])

    def _choose(self, group: _LabelGroup, pairs: Integers, row: Integers) -> tuple[Integers, Integers]:
        """The pairs to evaluate, and the rows of their images among the group's."""
        return pairs, row

    def _count(self, group: _LabelGroup, pairs: Integers, place: Integers) -> None:
        unit = self.task.maps.unit[pairs]
        blocks = find_blocks(self._dense(pairs), self.task.thresholds[unit], self._plan(group.label_shape))
        counter = self.by_unit if self.once else _Counter(len(pairs) * self.n_columns)
        owner = unit.astype(np.int64) if self.once else np.arange(len(pairs))
        area = _count_under(blocks, group, place, row=owner * self.n_columns, counter=counter)
        self.pair_area[pairs] = area
        self._add_whole(group, place, unit, area)
        if not self.once:
            found = counter.counts().reshape(-1, self.n_columns)
            np.add.at(self.intersection, unit, found)
            self.pair_category[pairs] = self._categories(group, place, found, area)

    def counted(self) -> MaskCounts:
        intersection = self.intersection + self.by_unit.counts().reshape(self.intersection.shape)
        return MaskCounts(intersection[:, 1:], self.pair_area, self.pair_category)

    def _dense(self, pairs: Integers) -> NDArray[np.float32]:
        """(pairs, h, w) values of the kept cells, -inf if none was kept."""
        maps, shape = self.task.maps, self.task.map_shape
        start, end = maps.start[pairs], maps.start[pairs + 1]
        lengths = end - start
        at = np.repeat(start - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        dense = np.full((len(pairs), shape[0] * shape[1]), -np.inf, dtype=np.float32)
        dense[np.repeat(np.arange(len(pairs)), lengths), maps.cell[at]] = maps.value[at]
        return dense.reshape(-1, *shape)

    def _add_whole(self, group: _LabelGroup, place: Integers, unit: NDArray[np.int32], area: Integers) -> None:
        """Labels of whole images have all of a mask's pixels."""
        for i, own in _runs(place):
            for column in group.whole[i]:
                self.intersection[:, column] += np.bincount(unit[own], area[own], len(self.intersection)).astype(
                    np.int64
                )

    def _categories(self, group: _LabelGroup, place: Integers, found: Integers, area: Integers) -> NDArray[np.bool_]:
        """(pairs, n_categories) whether labels of the category lie under the mask; found (pairs, columns)."""
        seen = found > 0
        for i, own in _runs(place):
            seen[own, group.whole[i][:, None]] = True
        seen &= (area > 0)[:, None]
        primary = self.index.primary_of_column()
        under = np.stack([seen[:, primary == c].any(axis=1) for c in range(len(self.index.categories))], axis=1)
        # NetDissect-Lite never clears a whole-image label 0, which its tie rule puts in the last category.
        under[:, -1] |= group.labels.has_whole_zero(group.row[place]) & (area > 0)
        return under


class _BinnedLayer(_Layer):
    """Counts for each pair the labels that are wanted of its unit, and adds them up in the bins of the images."""

    def __init__(self, task: MaskTask, labels: PackedLabels, index: LabelTable, *, once: bool, wanted: Wanted) -> None:
        super().__init__(task, labels, index, once=once)
        self.wanted = wanted
        self.in_bins = np.zeros((*wanted.columns.shape, int(wanted.bin.max(initial=0)) + 1), dtype=np.int64)

    def _choose(self, group: _LabelGroup, pairs: Integers, row: Integers) -> tuple[Integers, Integers]:
        carried = np.zeros((len(group.rows), self.n_columns), dtype=bool)
        carried[group.labels.labels_of_rows(group.rows)] = True
        carried[:, 0] = False
        chosen = carried[row[:, None], self.wanted.columns[self.task.maps.unit[pairs]]].any(axis=1)
        return pairs[chosen], row[chosen]

    def _count(self, group: _LabelGroup, pairs: Integers, place: Integers) -> None:
        unit = self.task.maps.unit[pairs]
        blocks = find_blocks(self._dense(pairs), self.task.thresholds[unit], self._plan(group.label_shape))
        counter = _Counter(len(pairs) * self.n_columns)
        area = _count_under(blocks, group, place, row=np.arange(len(pairs)) * self.n_columns, counter=counter)
        found = counter.counts().reshape(-1, self.n_columns)
        for i, own in _runs(place):
            for column in group.whole[i]:
                found[own, column] += area[own]
        columns = self.wanted.columns[unit]
        same = np.take_along_axis(found, columns, axis=1) * (columns > 0)
        bins = self.wanted.bin[group.row[place]]
        for k in range(columns.shape[1]):
            np.add.at(self.in_bins[:, k], (unit, bins), same[:, k])


def _runs(place: Integers) -> Iterator[tuple[int, slice]]:
    """The different numbers among ascending ones, and where each stands."""
    edges = np.flatnonzero(np.diff(place, prepend=-1, append=-2)).tolist()
    for first, end in pairwise(edges):
        yield int(place[first]), slice(first, end)


def _count_under(
    blocks: MaskBlocks, group: _LabelGroup, place: Integers, *, row: Integers, counter: _Counter
) -> Integers:
    """(pairs,) areas of the masks of pairs whose images stand at ascending places of the group; every pixel under a
    mask counts its labels' columns in its pair's row.
    """
    width = group.label_shape[1]
    first = place[blocks.pair] * group.n_pixels + blocks.row * width + blocks.column
    row_of = row[blocks.pair]
    # The s-th label map is looked up for the images that have one: the first ones.
    ends = [int(np.searchsorted(blocks.pair, (group.n_maps > s)[place].sum())) for s in range(len(group.maps))]
    area = np.zeros(len(blocks.pair), dtype=np.int64)
    for y, down in enumerate(blocks.down):
        over = blocks.upper + down * blocks.rise > blocks.limit
        area += np.add.reduce(over.view(np.uint8), axis=0, dtype=np.uint16)
        for x, here in enumerate(over):
            block = np.flatnonzero(here)
            at, keys = first.take(block), row_of.take(block)
            for end, one in zip(ends, group.maps, strict=True):
                n = len(block) if end == len(blocks.pair) else int(np.searchsorted(block, end))
                counter.add(keys[:n], one[y * width + x :].take(at[:n]))
    return np.bincount(blocks.pair, weights=area, minlength=len(row)).astype(np.int64)
