"""What readers of published files give: answers of people, or automatic labels, in the product's own terms.

Units leave a reader zero-based, whatever the file counts from.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from annotator.crowd.categories import PUBLISHED_CODES, SemanticCategory
from annotator.published.readers.cells import Row

T = TypeVar("T")


@dataclass(frozen=True)
class ImportedAnswer:
    """`worker` is as the file names people, None if it does not; `shown` and `marked` are ranks or None."""

    layer: str
    index: int
    row: int
    description: str
    category: str
    precision: float
    worker: str | None = None
    is_rejected: bool = False
    shown: tuple[int, ...] | None = None
    marked: tuple[int, ...] | None = None
    planted: tuple[int, ...] = ()
    n_planted_missed: int = 0
    is_simulated: bool = False
    # Of the whole layer; 0 if the file does not say it.
    n_layer_units: int = 0

    @property
    def place(self) -> tuple[str, int]:
        return self.layer, self.index


@dataclass(frozen=True)
class AnswerFile:
    """`n_units` by layer, in the file's order of layers; `names_workers_by` is "mturk_id", "pseudonym" or ""."""

    answers: tuple[ImportedAnswer, ...]
    n_units: dict[str, int]
    names_workers_by: str
    # Layers whose size the file states; of the others it names some units.
    sized: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ImportedLabel:
    """One unit's best label within one category; counts of pixels if the file has them."""

    index: int
    category: str
    label: str
    iou: float
    is_best: bool
    truth: float | None = None
    area: float | None = None
    intersection: float | None = None


@dataclass(frozen=True)
class ImportedName:
    """CLIP-Dissect's description of a unit: a similarity is no IoU and has no category."""

    index: int
    name: str
    similarity: float


@dataclass(frozen=True)
class LabelFile:
    labels: tuple[ImportedLabel, ...] = ()
    names: tuple[ImportedName, ...] = ()

    @property
    def indexes(self) -> list[int]:
        """Of the units that the file speaks of, in its order."""
        return list(dict.fromkeys([label.index for label in self.labels] + [name.index for name in self.names]))


@dataclass(frozen=True)
class PublishedReader(Generic[T]):
    """A format of files: `recognizes(head, file_name)` by the first line and the name, both in lower case;
    `read(content, file, layer)` raises BadFile. `layer` picks the rows of a file that holds several layers.
    """

    ending: str
    recognizes: Callable[[str, str], bool]
    read: Callable[[bytes, str, str], T]


def read_category(row: Row, column: str) -> str:
    """A published code from 1 to 6, or the category's name."""
    value = row.cells[column].strip().lower()
    if value in list(SemanticCategory):
        return value
    code = float(value) if value.replace(".", "", 1).isdigit() and value.isascii() else 0.0
    if code not in PUBLISHED_CODES:
        names = ", ".join(SemanticCategory)
        raise row.refuse(column, f"{value[:40]!r} is neither a code from 1 to 6 nor one of {names}")
    return str(PUBLISHED_CODES[int(code)])


def count_units(answers: Iterable[ImportedAnswer]) -> dict[str, int]:
    """As many as the file says, at least as many as the highest index asks for."""
    found: dict[str, int] = {}
    for answer in answers:
        found[answer.layer] = max(found.get(answer.layer, 0), answer.index + 1, answer.n_layer_units)
    return found
