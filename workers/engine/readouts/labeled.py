"""Labeled image sets for read-outs: which labels each photograph has, where, and how much of it they cover."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable, LabelRuns
from workers.engine.readouts.options import ReadoutInvalid

Flags = NDArray[np.bool_]


class Labeled:
    """An image set with labels, those of one category or of all. Raises ReadoutInvalid."""

    def __init__(self, images: ImageSet, category: str, below: str) -> None:
        table = images.labels
        if table is None:
            raise ReadoutInvalid(f"{images.root.name} has no labels.")
        if category and category not in table.categories:
            raise ReadoutInvalid(f"There is no category {category!r}; there are: {', '.join(table.categories)}.")
        self.images = images
        chosen = set(list_below(images.paths, below))
        self.places = [place for place, path in enumerate(images.paths) if path in chosen]
        self.categories = {table.categories.index(category)} if category else set(range(len(table.categories)))
        self.labels = [one for one in table.labels if not category or category in one.categories]
        self._columns = {one.number: column for column, one in enumerate(self.labels)}

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.labels]

    @property
    def paths(self) -> list[str]:
        return [self.images.paths[place] for place in self.places]

    def cover(self, progress: Callable[[int], None]) -> NDArray[np.float64]:
        """(n, labels) the share of each photograph that a label covers; not a number if its labels cannot be read."""
        shares = np.zeros((len(self.places), len(self.labels)))
        for row, place in enumerate(self.places):
            try:
                runs = self.images.read_labels(place)
            except LabelMapUnreadable:
                shares[row] = np.nan
                continue
            for slot in self._find_slots(runs):
                numbers, lengths = _unfold(runs, slot)
                for number, length in zip(numbers.tolist(), lengths.tolist(), strict=True):
                    if number in self._columns:
                        shares[row, self._columns[number]] += length / (runs.height * runs.width)
            progress(row + 1)
        return np.minimum(shares, 1)

    def find_mask(self, row: int, column: int) -> Flags | None:
        """(h, w) where a label is; None if it was given for the whole photograph, or is not there."""
        runs, number = self.images.read_labels(self.places[row]), self.labels[column].number
        found = np.zeros(runs.height * runs.width, dtype=np.bool_)
        for slot in self._find_slots(runs):
            numbers, lengths = _unfold(runs, slot)
            if not runs.slot_whole[slot]:
                found |= np.repeat(numbers == number, lengths)
        return found.reshape(runs.height, runs.width) if found.any() else None

    def _find_slots(self, runs: LabelRuns) -> list[int]:
        return [slot for slot, one in enumerate(runs.slot_category.tolist()) if one in self.categories]


def _unfold(runs: LabelRuns, slot: int) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """The label numbers of a slot's runs, and how many pixels each has."""
    first, last = runs.slot_start[slot], runs.slot_start[slot + 1]
    lengths = np.diff(np.append(runs.run_start[first:last].astype(np.int64), runs.height * runs.width))
    return runs.run_label[first:last], lengths


def find_labeled(images: ImageSet, *, category: str, below: str) -> Labeled | None:
    """None if the images carry no labels. Raises ReadoutInvalid."""
    return None if images.labels is None else Labeled(images, category, below)


def list_below(paths: Sequence[str], below: str) -> list[str]:
    """Those that begin so. Raises ReadoutInvalid if none does."""
    found = [path for path in paths if path.startswith(below)]
    if not found:
        raise ReadoutInvalid(f"No photograph has a path that begins with {below!r}.")
    return found
