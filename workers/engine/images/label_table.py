"""Which labels an image set has, and in which categories."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Longer names of labels and of categories find no place in the database.
MAX_NAME, MAX_CATEGORY = 100, 20


class ImageSetError(Exception):
    """The image set cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Label:
    """A concept of the image set; `category` is the primary one: where its coverage is largest, ties to the later in
    category.csv.
    """

    number: int
    name: str
    category: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class LabelTable:
    """The labels of an image set by ascending number, and their categories in order.

    Raises ImageSetError for names that cannot be kept.
    """

    labels: tuple[Label, ...]
    categories: tuple[str, ...]

    def __post_init__(self) -> None:
        for label in self.labels:
            if "\0" in label.name:
                raise ImageSetError(
                    f"Label {label.number} is called {label.name[:40]!r}, which holds a NUL (byte 0): names have none."
                )
            if not label.name.strip() or len(label.name) > MAX_NAME:
                raise ImageSetError(
                    f"Label {label.number} is called {label.name[:40]!r}: a name has 1 to {MAX_NAME} characters."
                )
        if (long := next((one for one in self.categories if len(one) > MAX_CATEGORY), None)) is not None:
            raise ImageSetError(f"Category {long[:40]!r} has a name of more than {MAX_CATEGORY} characters.")

    @property
    def n_numbers(self) -> int:
        """One more than the largest label number."""
        return max((label.number for label in self.labels), default=0) + 1

    def primary_of_number(self) -> NDArray[np.int64]:
        """(n_numbers,) index of each label number's primary category; -1 for background and for numbers of no label."""
        return self.primary_of_column()[self.column_of_number()]

    def column_of_number(self) -> NDArray[np.uint16]:
        """(n_numbers,) one more than each number's place in `labels`; 0 for background and numbers of no label."""
        column = np.zeros(self.n_numbers, dtype=np.uint16)
        column[[label.number for label in self.labels]] = np.arange(1, len(self.labels) + 1)
        return column

    def primary_of_column(self) -> NDArray[np.int64]:
        """(len(labels) + 1,) index of the primary category of each column of column_of_number; -1 for column 0."""
        return np.array([-1, *(self.categories.index(label.category) for label in self.labels)], dtype=np.int64)

    def known_numbers(self) -> NDArray[np.bool_]:
        """(n_numbers,) which numbers a label map may carry."""
        known = self.primary_of_number() >= 0
        known[0] = True
        return known
