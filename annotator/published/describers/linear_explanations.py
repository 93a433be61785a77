"""Linear Explanations: up to ten concepts with weights per unit, counted from zero [OW24].

The description lists the concepts in the order of the file; a concept of negative weight is one that the unit avoids.
"""

from collections.abc import Sequence
from itertools import count

from annotator.published.describers.records import (
    Choices,
    Describer,
    ReadDescription,
    read_layer,
    read_score,
    read_words,
)
from annotator.published.readers.cells import Row

# The similarity on held-out images if the file has it, as the authors report it.
SCORES = ("sim correlation", "val correlation")


def _name_score(columns: frozenset[str], choices: Choices) -> str:
    return choices.score_column or next((column for column in SCORES if column in columns), "")


def _read(rows: Sequence[Row], choices: Choices) -> list[ReadDescription]:
    return [_read_one(row, choices) for row in rows]


def _read_one(row: Row, choices: Choices) -> ReadDescription:
    weights = _read_weights(row)
    text = "; ".join(concept if weight > 0 else f"not {concept}" for concept, weight in weights)
    if not text:
        raise row.refuse("weight0", "no concept has a weight")
    return ReadDescription(
        row=row,
        unit_column="unit",
        layer=read_layer(row, choices),
        index=row.whole("unit", lowest=0),
        text=text,
        score=read_score(row, choices.score_column),
        details={"weights": weights},
    )


def _read_weights(row: Row) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for number in count():
        if f"weight{number}" not in row.cells or f"concept{number}" not in row.cells:
            return found
        if weight := read_score(row, f"weight{number}"):
            found.append((read_words(row, f"concept{number}"), weight))
    return found


DESCRIBER = Describer(
    method="Linear Explanations",
    recognizes=lambda columns: {"unit", "weight0", "concept0"} <= columns,
    read=_read,
    name_score=_name_score,
)
