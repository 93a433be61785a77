"""Network Dissection's result of one layer: units count from one, the score is the IoU of the label [BZKOT17]."""

from collections.abc import Sequence

from annotator.labels.concepts import clean_label
from annotator.published.describers.records import Choices, Describer, ReadDescription, read_score, read_words
from annotator.published.netdissect import FIRST_COLUMNS
from annotator.published.readers.cells import Row


def _read(rows: Sequence[Row], choices: Choices) -> list[ReadDescription]:
    """A label such as reception-s becomes words: its mark would tell people which method wrote it."""
    return [
        ReadDescription(
            row=row,
            unit_column="unit",
            layer="",
            index=row.whole("unit", lowest=1) - 1,
            text=clean_label(read_words(row, "label")) or read_words(row, "label"),
            score=read_score(row, choices.score_column),
            details={"label": read_words(row, "label"), "category": row.text("category")},
        )
        for row in rows
    ]


DESCRIBER = Describer(
    method="NetDissect",
    recognizes=lambda columns: columns >= set(FIRST_COLUMNS),
    read=_read,
    name_score=lambda columns, choices: choices.score_column or "score",
)
