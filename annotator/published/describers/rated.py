"""Labels of several labelers with two people's ratings from 1 to 5, as Describe-and-Dissect published them [BIOW24].

Each `NAME Label` column is a method of its own: its score is the mean of its ratings.
"""

import re
from collections.abc import Sequence

from annotator.published.describers.records import Choices, Describer, ReadDescription, read_words
from annotator.published.readers.cells import Row

SCORE = "mean of two ratings from 1 to 5"
_RATING = re.compile(r"(.+) E([12]) Rating")


def _recognizes(columns: frozenset[str]) -> bool:
    named = [found[1] for column in columns if (found := _RATING.fullmatch(column))]
    return bool(named) and {"Layer", "Unit"} <= columns and all(_find_label(name, columns) for name in named)


def _find_label(name: str, columns: frozenset[str]) -> str:
    """The column of a labeler's words: `Topk-Sq Caption Label` has the ratings `Topk-Sq E1 Rating`."""
    return next((one for one in (f"{name} Label", f"{name} Caption Label") if one in columns), "")


def _read(rows: Sequence[Row], choices: Choices) -> list[ReadDescription]:
    columns = frozenset(rows[0].cells)
    names = [found[1] for column in rows[0].cells if (found := _RATING.fullmatch(column)) and found[2] == "1"]
    return [_read_one(row, name, _find_label(name, columns)) for row in rows for name in names]


def _read_one(row: Row, name: str, column: str) -> ReadDescription:
    ratings = [row.number_within(f"{name} E{rater} Rating", low=1, high=5) for rater in (1, 2)]
    return ReadDescription(
        row=row,
        unit_column="Unit",
        layer=row.filled("Layer"),
        index=row.whole("Unit", lowest=0),
        text=read_words(row, column),
        score=sum(ratings) / 2,
        details={"ratings": ratings},
        method=f"Describe-and-Dissect ({name})",
    )


DESCRIBER = Describer(
    method="Describe-and-Dissect", recognizes=_recognizes, read=_read, name_score=lambda columns, choices: SCORE
)
