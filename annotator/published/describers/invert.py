"""INVERT's formulas, one row per unit counted from zero, with the area under the curve [BKNKH23].

Its authors give Python objects; a table of them has the columns `unit`, `formula` and `metric` (or `auc`, `auroc`).
"""

from collections.abc import Sequence
from dataclasses import replace

from annotator.published.describers.records import Choices, Describer, ReadDescription, read_plain
from annotator.published.readers.cells import Row

SCORES = ("metric", "auc", "auroc")


def _name_score(columns: frozenset[str], choices: Choices) -> str:
    return choices.score_column or next(column for column in SCORES if column in columns)


def _read(rows: Sequence[Row], choices: Choices) -> list[ReadDescription]:
    return read_plain(rows, replace(choices, text_column="formula"))


DESCRIBER = Describer(
    method="INVERT",
    recognizes=lambda columns: {"unit", "formula"} <= columns and not columns.isdisjoint(SCORES),
    read=_read,
    name_score=_name_score,
)
