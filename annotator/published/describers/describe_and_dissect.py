"""Describe-and-Dissect's labels of one layer: units count from zero; the first label is the description [BIOW24]."""

from collections.abc import Sequence

from annotator.published.describers.records import (
    Choices,
    Describer,
    ReadDescription,
    read_optional_words,
    read_words,
)
from annotator.published.readers.cells import Row

UNIT = "Neuron ID"


def _read(rows: Sequence[Row], choices: Choices) -> list[ReadDescription]:
    found = []
    for row in rows:
        first, *rest = [column for column in row.cells if column == "label" or column.startswith("Label ")]
        others = [read_optional_words(row, column) for column in rest]
        found.append(
            ReadDescription(
                row=row,
                unit_column=UNIT,
                layer="",
                index=row.whole(UNIT, lowest=0),
                text=read_words(row, first),
                details={"others": [text for text in others if text]},
            )
        )
    return found


DESCRIBER = Describer(
    method="Describe-and-Dissect",
    recognizes=lambda columns: UNIT in columns and bool({"label", "Label 1"} & columns),
    read=_read,
    name_score=lambda columns, choices: "",
)
