"""Labeled pixels of many images, packed as runs: read once during the pass, expanded a few images at a time when masks
are resolved.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.spilling import IN_MEMORY, Spill, let_go
from workers.engine.images.label_maps import LabelRuns
from workers.engine.images.label_table import LabelTable

RUNS_AT_ONCE = 1_000_000
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class PackedLabels:
    """Label runs of n images of ascending index.

    `images`, `height`, `width` (n,); `image_start` (n + 1,) into the slots (one per label map or whole-image label); of
    each slot its category, whether it was given for the whole image, and `slot_start` into the runs; of each run its
    first pixel and label number.
    """

    images: NDArray[np.int32]
    height: NDArray[np.int32]
    width: NDArray[np.int32]
    image_start: NDArray[np.int64]
    slot_category: NDArray[np.int16]
    slot_whole: NDArray[np.bool_]
    slot_start: NDArray[np.int64]
    run_start: NDArray[np.int32]
    run_label: NDArray[np.uint16]

    @cached_property
    def run_lengths(self) -> NDArray[np.int32]:
        """(R,) pixels of each run."""
        ends = np.empty(len(self.run_start), dtype=np.int32)
        ends[:-1] = self.run_start[1:]
        slot_pixels = np.repeat(self.height * self.width, np.diff(self.image_start))
        ends[self.slot_start[1:] - 1] = slot_pixels
        ends -= self.run_start
        let_go(self.run_start)
        return ends

    def of_image(self, index: int) -> LabelRuns | None:
        """The labels of one image; None if they are not among these."""
        row = int(np.searchsorted(self.images, index))
        if row == len(self.images) or self.images[row] != index:
            return None
        slots = slice(int(self.image_start[row]), int(self.image_start[row + 1]))
        starts = self.slot_start[slots.start : slots.stop + 1]
        runs = slice(int(starts[0]), int(starts[-1]))
        return LabelRuns(
            height=int(self.height[row]),
            width=int(self.width[row]),
            slot_category=self.slot_category[slots],
            slot_whole=self.slot_whole[slots],
            slot_start=starts - starts[0],
            run_start=self.run_start[runs],
            run_label=self.run_label[runs],
        )

    def _some_runs(self) -> Iterator[slice]:
        """All runs, so few at a time that what is computed of them stays small."""
        for first in range(0, len(self.run_label), RUNS_AT_ONCE):
            yield slice(first, first + RUNS_AT_ONCE)
            let_go(self.run_label)

    def _slot_of_runs(self, runs: slice) -> NDArray[np.int64]:
        places = np.arange(runs.start, min(runs.stop, len(self.run_label)))
        return np.asarray(np.searchsorted(self.slot_start, places, side="right") - 1)

    @cached_property
    def overlapping(self) -> NDArray[np.bool_]:
        """(n,) whether some label stands in more than one slot of the image, so that pixels may carry it twice."""
        result = np.zeros(len(self.images), dtype=bool)
        if len(self.run_label) == 0:
            return result
        n_numbers = int(self.run_label.max()) + 1
        for row in range(len(self.images)):
            if len(self._slots(row)) < 2:
                continue
            carriers = np.zeros(n_numbers, dtype=np.int32)
            for slot in self._slots(row):
                carried = np.zeros(n_numbers, dtype=bool)
                carried[self.run_label[self.slot_start[slot] : self.slot_start[slot + 1]]] = True
                carriers += carried
            result[row] = (carriers[1:] > 1).any()
        return result

    def truth(self, *, n_numbers: int, once: bool, group: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """(n_groups, n_numbers) labeled pixels of each number in each group of images, given (n,) `group` numbers; all
        images are one group by default.

        With `once`, a pixel counts once per label. Number 0 counts for nothing.
        """
        group = np.zeros(len(self.images), dtype=np.int64) if group is None else group
        shape = (int(group.max(initial=0)) + 1, n_numbers)
        of_slot = np.repeat(group, np.diff(self.image_start))
        counts = np.zeros(shape, dtype=np.int64)
        for some in self._some_runs():
            keys = of_slot[self._slot_of_runs(some)] * n_numbers + self.run_label[some]
            found = np.bincount(keys, weights=self.run_lengths[some], minlength=shape[0] * n_numbers)
            counts += found.astype(np.int64).reshape(shape)
        if once:
            for row in np.flatnonzero(self.overlapping):
                maps = self._maps(int(row), np.ones(len(self._slots(int(row))), dtype=bool))
                first = _first_carriers(maps)
                counts[group[row]] -= np.bincount(maps.ravel(), minlength=n_numbers)
                counts[group[row]] += np.bincount(first.ravel(), minlength=n_numbers)
        counts[:, 0] = 0
        return counts

    def category_present(self, index: LabelTable) -> NDArray[np.bool_]:
        """(n, n_categories) whether the image holds, anywhere, a label whose primary category it is."""
        # The last column takes the numbers without a category, which are -1.
        present = np.zeros((len(self.images), len(index.categories) + 1), dtype=bool)
        primary, of_slot = index.primary_of_number(), np.repeat(np.arange(len(self.images)), np.diff(self.image_start))
        for some in self._some_runs():
            present[of_slot[self._slot_of_runs(some)], primary[self.run_label[some]]] = True
        return present[:, :-1]

    def has_whole_zero(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(len(rows),) whether label 0 was given for the whole image."""
        return np.array(
            [
                any(self.slot_whole[s] and self.run_label[self.slot_start[s]] == 0 for s in self._slots(int(row)))
                for row in rows
            ],
            dtype=bool,
        )

    @cached_property
    def n_maps(self) -> NDArray[np.int64]:
        """(n,) how many label maps each image has, labels of the whole image apart."""
        before = np.concatenate(([0], np.cumsum(~self.slot_whole)))
        return np.asarray(before[self.image_start[1:]] - before[self.image_start[:-1]])

    def in_columns(self, column_of: NDArray[np.uint16]) -> "PackedLabels":
        """The same with label numbers exchanged by (n_numbers,) column_of."""
        columns = replace(self, run_label=column_of[self.run_label])
        vars(columns)["run_lengths"] = self.run_lengths  # found once for both
        let_go(self.run_label)
        return columns

    def dealt_out(self, order: NDArray[np.int64]) -> "PackedLabels":
        """Image i of these has the labels of the image in row order[i]; (n,) `order` is a permutation."""
        return replace(_reordered(self, order), images=self.images)

    def unfold(self, row: int, *, once: bool) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Labels of the whole image, and (n_maps, pixels) label numbers of its maps. With `once`, a label that
        an earlier one of these gave a pixel is cleared there; 0 never counts.
        """
        slots = slice(int(self.image_start[row]), int(self.image_start[row + 1]))
        is_whole = self.slot_whole[slots]
        whole, maps = self.run_label[self.slot_start[slots][is_whole]], self._maps(row, ~is_whole)
        whole = whole[whole > 0]
        if once:
            whole = np.unique(whole)
            for label in whole:
                maps[maps == label] = 0
            maps = _first_carriers(maps) if _repeats(maps) else maps
        return whole, maps

    def _slots(self, row: int) -> range:
        return range(int(self.image_start[row]), int(self.image_start[row + 1]))

    def _maps(self, row: int, of_slots: NDArray[np.bool_]) -> NDArray[np.uint16]:
        """(chosen slots, pixels) label numbers of one image."""
        first, end = int(self.image_start[row]), int(self.image_start[row + 1])
        starts = self.slot_start[first : end + 1]
        runs = slice(int(starts[0]), int(starts[-1]))
        lengths = self.run_lengths[runs]
        if not of_slots.all():
            lengths = lengths * np.repeat(of_slots, np.diff(starts))
        return np.repeat(self.run_label[runs], lengths).reshape(-1, int(self.height[row]) * int(self.width[row]))


def _repeats(maps: NDArray[np.uint16]) -> bool:
    return any(((maps[i] == maps[j]) & (maps[i] > 0)).any() for i in range(1, len(maps)) for j in range(i))


def _first_carriers(maps: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The maps with every label cleared that an earlier map gave the same pixel."""
    result = maps.copy()
    for i in range(1, len(maps)):
        result[i][(maps[:i] == maps[i]).any(axis=0)] = 0
    return result


def pack_labels(*, images: list[int], runs: list[LabelRuns]) -> PackedLabels:
    """Join the labels of images of ascending index."""
    slots = [len(one.slot_category) for one in runs]
    lengths = [np.diff(one.slot_start) for one in runs]
    return PackedLabels(
        images=np.array(images, dtype=np.int32),
        height=np.array([one.height for one in runs], dtype=np.int32),
        width=np.array([one.width for one in runs], dtype=np.int32),
        image_start=_starts(np.array(slots, dtype=np.int64)),
        slot_category=np.concatenate([np.zeros(0, np.int16), *(one.slot_category for one in runs)]),
        slot_whole=np.concatenate([np.zeros(0, np.bool_), *(one.slot_whole for one in runs)]),
        slot_start=_starts(np.concatenate([np.zeros(0, np.int64), *lengths])),
        run_start=np.concatenate([np.zeros(0, np.int32), *(one.run_start for one in runs)]),
        run_label=np.concatenate([np.zeros(0, np.uint16), *(one.run_label for one in runs)]),
    )


def merge_labels(parts: list[PackedLabels], *, spill: Spill = IN_MEMORY) -> PackedLabels:
    """Join the labels of different images, whatever the order of the parts."""

    def joined_starts(name: str) -> NDArray[np.int64]:
        return _starts(np.concatenate([np.diff(getattr(part, name)) for part in parts]))

    plain = ("images", "height", "width", "slot_category", "slot_whole")
    joined = PackedLabels(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in plain},
        run_start=spill.joined([part.run_start for part in parts], np.int32),
        run_label=spill.joined([part.run_label for part in parts], np.uint16),
        image_start=joined_starts("image_start"),
        slot_start=joined_starts("slot_start"),
    )
    order = np.argsort(joined.images, kind="stable")
    return joined if (np.diff(order) == 1).all() else _reordered(joined, order)


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


def _members(start: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the members of each group, groups in the given order."""
    lengths = np.diff(start)[order]
    new_start = _starts(lengths)
    return np.repeat(start[order] - new_start[:-1], lengths) + np.arange(new_start[-1])


def _gathered(values: NDArray[Number], start: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[Number]:
    """The values of each group, groups in the given order; some at a time, because their places take more than they."""
    ends = np.cumsum(np.diff(start)[order])
    gathered = np.empty(int(ends[-1]) if len(ends) else 0, dtype=values.dtype)
    done = 0
    for some in np.split(order, np.searchsorted(ends, np.arange(RUNS_AT_ONCE, len(gathered), RUNS_AT_ONCE))):
        places = _members(start, some)
        gathered[done : done + len(places)] = values[places]
        done += len(places)
        let_go(values)
    return gathered


def _reordered(labels: PackedLabels, order: NDArray[np.int64]) -> PackedLabels:
    slots = _members(labels.image_start, order)
    return PackedLabels(
        images=labels.images[order],
        height=labels.height[order],
        width=labels.width[order],
        image_start=_starts(np.diff(labels.image_start)[order]),
        slot_category=labels.slot_category[slots],
        slot_whole=labels.slot_whole[slots],
        slot_start=_starts(np.diff(labels.slot_start)[slots]),
        run_start=_gathered(labels.run_start, labels.slot_start, slots),
        run_label=_gathered(labels.run_label, labels.slot_start, slots),
    )
