"""The formats of descriptions, by the columns of their header; the first that recognizes a file reads it.

A file that none recognizes is read by the names of columns that a person gives.
"""

from dataclasses import dataclass, fields, replace

from annotator.published.describers import (
    clip_dissect,
    describe_and_dissect,
    invert,
    linear_explanations,
    milan,
    milannotations,
    netdissect,
    rated,
)
from annotator.published.describers.records import Choices, Describer, ReadDescription, read_plain
from annotator.published.readers.cells import BadFile, Row, read_sheet

DESCRIBERS: list[Describer] = [
    netdissect.DESCRIBER,
    linear_explanations.DESCRIBER,
    clip_dissect.DESCRIBER,
    milan.DESCRIBER,
    milannotations.DESCRIBER,
    rated.DESCRIBER,
    describe_and_dissect.DESCRIBER,
    invert.DESCRIBER,
]
_BY_CHOICE = Describer(
    method="",
    recognizes=lambda columns: True,
    read=read_plain,
    name_score=lambda columns, choices: choices.score_column,
)


@dataclass(frozen=True)
class DescriptionFile:
    """`method`: by the columns; empty if they do not tell. `score_name`: what the scores are."""

    method: str
    score_name: str
    found: tuple[ReadDescription, ...]


def read_descriptions(content: bytes, *, file: str, choices: Choices) -> DescriptionFile:
    """Raises BadFile. Column names that a person chose are read as such, also in a file of a known format."""
    rows = read_sheet(content, file=file, needed=())
    columns = frozenset(rows[0].cells)
    describer = _find_describer(columns, choices)
    if describer is _BY_CHOICE:
        _check_columns(rows[0], columns, choices)
    score_name = describer.name_score(columns, choices)
    if choices.score_column and choices.score_column not in columns:
        raise BadFile(f"{file}, row 1: there is no column {choices.score_column!r} of scores.")
    found = describer.read(rows, replace(choices, score_column=score_name))
    return DescriptionFile(describer.method, score_name, tuple(found))


def _find_describer(columns: frozenset[str], choices: Choices) -> Describer:
    chosen = [
        one.name for one in fields(choices) if one.name != "score_column" and getattr(choices, one.name) != one.default
    ]
    known = (one for one in DESCRIBERS if one.recognizes(columns))
    return _BY_CHOICE if chosen else next(known, _BY_CHOICE)


def _check_columns(first: Row, columns: frozenset[str], choices: Choices) -> None:
    for column, option in ((choices.unit_column, "--unit-column"), (choices.text_column, "--description-column")):
        if column not in columns:
            listed = ", ".join(list(first.cells)[:12])
            raise BadFile(
                f"{first.file}, row 1: there is no column {column!r}; it has {listed:.300}. Name the column ({option})."
            )
    default = Choices()
    if choices.layer_column != default.layer_column and choices.layer_column not in columns:
        raise BadFile(f"{first.file}, row 1: there is no column {choices.layer_column!r} of layers.")
