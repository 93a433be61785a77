"""What readers of descriptions give, and how one is told from the others: by the columns of the header."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotator.csv_files import holds_markup
from annotator.descriptions.models import MAX_DESCRIPTION
from annotator.published.readers.cells import Row
from workers.engine.plurals import say_count


@dataclass(frozen=True)
class ReadDescription:
    """One row's description of one unit, counted from zero. `layer` is empty if the file names none.

    `unit_column` and `row` are what a refusal names. `method` is empty unless the file holds several.
    """

    row: Row
    unit_column: str
    layer: str
    index: int
    text: str
    score: float | None = None
    details: dict[str, Any] = field(default_factory=dict)
    method: str = ""


@dataclass(frozen=True)
class Choices:
    """What a person says beside the file: the names of columns, and the number of the first unit."""

    unit_column: str = "unit"
    text_column: str = "description"
    layer_column: str = "layer"
    score_column: str = ""
    first_unit: int = 0


@dataclass(frozen=True)
class Describer:
    """A format of files. `method` is empty if the columns do not tell who wrote it.

    `recognizes(columns)`: the header, as it is written. `read(rows, choices)` raises BadFile.
    `name_score(columns, choices)`: the column of the scores; empty if there are none.
    """

    method: str
    recognizes: Callable[[frozenset[str]], bool]
    read: Callable[[Sequence[Row], Choices], list[ReadDescription]]
    name_score: Callable[[frozenset[str], Choices], str]


def read_words(row: Row, column: str) -> str:
    """A description: not empty, of at most 1,000 characters, without markup. Spaces and line ends count as one space.

    Raises BadFile.
    """
    text = read_optional_words(row, column)
    if not text:
        raise row.refuse(column, "it is empty")
    return text


def read_optional_words(row: Row, column: str) -> str:
    """As read_words; empty if nothing is said."""
    text = " ".join(row.cells[column].split())
    if len(text) > MAX_DESCRIPTION:
        raise row.refuse(column, f"the text has {say_count(len(text), 'character')}, {MAX_DESCRIPTION:,} are allowed")
    if not text.isprintable():
        raise row.refuse(column, "the text holds control characters")
    if holds_markup(text):
        raise row.refuse(column, f"{text[:40]!r} holds HTML; a description is plain text")
    return text


def read_layer(row: Row, choices: Choices) -> str:
    """Empty if the file has no column of layers."""
    return row.filled(choices.layer_column) if choices.layer_column in row.cells else ""


def read_score(row: Row, column: str) -> float | None:
    """None if there is no such column, or nothing in it."""
    return row.number_within(column) if column and row.cells[column].strip() else None


def read_plain(rows: Sequence[Row], choices: Choices) -> list[ReadDescription]:
    """One row per unit, with columns of unit and text, and perhaps of layer and score."""
    return [
        ReadDescription(
            row=row,
            unit_column=choices.unit_column,
            layer=read_layer(row, choices),
            index=row.whole(choices.unit_column, lowest=choices.first_unit) - choices.first_unit,
            text=read_words(row, choices.text_column),
            score=read_score(row, choices.score_column),
        )
        for row in rows
    ]
