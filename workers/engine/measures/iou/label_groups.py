"""The labels of some images, unfolded to their pixels, and the counts of those that lie under masks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.packed_labels import PackedLabels
from workers.engine.measures.iou.mask_blocks import Integers, MaskBlocks

# Pixels of the images whose labels are unfolded at a time, and label numbers that are counted at a time.
UNFOLDED_PIXELS = 1_000_000
COUNTED_AT_ONCE = 500_000
# A label map that fewer of the images have is looked up for these alone.
FEW = 0.5


class LabelGroup:
    """The labels of the images at some rows: `maps` (slots, n x pixels) of columns, 0 for background, `n_maps` and
    `whole` of each image. Every image has label maps of `label_shape`.
    """

    def __init__(self, labels: PackedLabels, rows: range, *, once: bool) -> None:
        self.labels, self.rows = labels, rows
        self.label_shape = int(labels.height[rows[0]]), int(labels.width[rows[0]])
        self.n_pixels = self.label_shape[0] * self.label_shape[1]
        self.n_maps = labels.n_maps[rows.start : rows.stop]
        self.maps = np.zeros((int(self.n_maps.max()), len(rows) * self.n_pixels), dtype=np.uint16)
        self.whole: list[NDArray[np.uint16]] = []
        for i, row in enumerate(rows):
            whole, stack = labels.unfold(row, once=once)
            self.whole.append(whole)
            self.maps[: len(stack), i * self.n_pixels : (i + 1) * self.n_pixels] = stack


def list_groups(labelings: Sequence[PackedLabels], *, once: bool) -> Iterator[list[LabelGroup]]:
    """Images that follow one another, at least one: their labels by each of the labelings, which label the same
    images. By one labeling, all have label maps of one size.
    """
    sizes = np.stack([one.height.astype(np.int64) << 32 | one.width for one in labelings], axis=1)
    pixels = np.max([one.height.astype(np.int64) * one.width for one in labelings], axis=0)
    first = 0
    for end in range(1, len(sizes) + 1):
        is_full = (end - first) * pixels[first] >= UNFOLDED_PIXELS
        if end == len(sizes) or is_full or (sizes[end] != sizes[first]).any():
            yield [LabelGroup(labels, range(first, end), once=once) for labels in labelings]
            first = end


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


@dataclass(frozen=True)
class Under:
    """What lies under the masks of some pairs: `area` (n,) pixels of each mask; of these `found` (n, groups, columns)
    carry each column's label, by each of the groups.
    """

    area: Integers
    found: Integers


def count_under(
    blocks: MaskBlocks, groups: Sequence[LabelGroup], row: Integers, *, n_columns: int
) -> tuple[Integers, Integers]:
    """Of the masks of pairs, whose images stand at the rows (n,) of the groups, which have one label shape: (n,) pixels
    of each mask, and (n, groups, n_columns) how many of them carry each column's label in a map.
    """
    counter = _Counter(len(row) * len(groups) * n_columns)
    width, n_pixels = groups[0].label_shape[1], groups[0].n_pixels
    first = row[blocks.pair] * n_pixels + blocks.row * width + blocks.column
    key_of = blocks.pair * (len(groups) * n_columns)
    few = [[_has_few(group, slot, row, blocks.pair) for slot in range(len(group.maps))] for group in groups]
    area = np.zeros(len(blocks.pair), dtype=np.int64)
    for y, down in enumerate(blocks.down):
        over = blocks.upper + down * blocks.rise > blocks.limit
        area += np.add.reduce(over.view(np.uint8), axis=0, dtype=np.uint16)
        for x, here in enumerate(over):
            block = np.flatnonzero(here)
            at, keys = first.take(block), key_of.take(block)
            for place, group in enumerate(groups):
                if place:
                    keys += n_columns
                for has, labels in zip(few[place], group.maps, strict=True):
                    shifted = labels[y * width + x :]
                    if has is None:
                        counter.add(keys, shifted.take(at))
                    else:
                        own = has.take(block)
                        counter.add(keys[own], shifted.take(at[own]))
    found = counter.counts().reshape(len(row), len(groups), n_columns)
    return np.bincount(blocks.pair, weights=area, minlength=len(row)).astype(np.int64), found


def add_whole(area: Integers, found: Integers, groups: Sequence[LabelGroup], row: Integers) -> Under:
    """With the labels of whole images, which have all of a mask's pixels, and without background."""
    for place, group in enumerate(groups):
        for i, own in runs(row):
            for column in group.whole[i]:
                found[own, place, column] += area[own]
    found[:, :, 0] = 0
    return Under(area=area, found=found)


def _has_few(group: LabelGroup, slot: int, row: Integers, pair_of_block: Integers) -> NDArray[np.bool_] | None:
    """(blocks,) whether the block's image has that label map; None if many have: the others' pixels are background."""
    has = (group.n_maps > slot)[row]
    return has[pair_of_block] if has.mean() < FEW else None


def runs(row: Integers) -> Iterator[tuple[int, slice]]:
    """The different numbers among ascending ones, and where each stands."""
    edges = np.flatnonzero(np.diff(row, prepend=-1, append=-2)).tolist()
    for first, end in pairwise(edges):
        yield int(row[first]), slice(first, end)
