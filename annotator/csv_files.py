"""The one writer of CSV files: no cell of them is run by a spreadsheet as a formula."""

import csv
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence

CONTENT_TYPE = "text/csv; charset=utf-8"
# A cell that a spreadsheet would run as a formula begins with one of these; the last four are the first in full width.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
_TAG = re.compile(r"<[/!?a-zA-Z]")
_ENTITY = re.compile(r"&#?\w+;")


class Exact(str):
    """Text that is written as it is: whoever makes one has checked that no spreadsheet runs it."""

    __slots__ = ()


def write_csv(rows: Iterable[Mapping[str, object]], *, columns: Sequence[str]) -> str:
    """A header line, then one line per row. None and an absent value become an empty cell; a list is joined by spaces.
    Text that a spreadsheet would take for a formula gets an apostrophe before it, unless it is Exact.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(map(_write_cell, columns))
    writer.writerows([_write_cell(row.get(column)) for column in columns] for row in rows)
    return written.getvalue()


def defuse(text: str) -> str:
    """Text that a spreadsheet would run gets an apostrophe; so does text that begins as defused text does."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_STARTS) else text


def restore(text: str) -> str:
    """The words that `defuse` was given."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA_STARTS) else text


def holds_markup(text: str) -> bool:
    """Whether the text holds HTML: a tag, or a character written as an entity. `a < b` and `R&amp D` do not."""
    return bool(_TAG.search(text)) or any(html.unescape(entity) != entity for entity in _ENTITY.findall(text))


def _write_cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    return defuse(value) if isinstance(value, str) and not isinstance(value, Exact) else value
