"""Cells of files that others wrote: read strictly, refused by file, row and column; cells of ours: safe to open."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from annotator.csv_files import FORMULA_STARTS, restore
from annotator.refusals import Refusal
from workers.engine.plurals import say_count

MAX_TEXT = 200


class BadFile(Refusal):
    """A file that cannot be imported; the message names file, row and column."""


@dataclass(frozen=True)
class Row:
    """One row of a file: `number` counts as an editor does, the header being row 1."""

    file: str
    number: int
    cells: dict[str, str]
    # True in a CSV file: text that a spreadsheet would run may stand behind an apostrophe.
    may_be_defused: bool = False

    def refuse(self, column: str, why: str) -> BadFile:
        return BadFile(f"{self.file}, row {self.number}, column {column}: {why}.")

    def text(self, column: str, *, may_begin_like_a_formula: bool = False) -> str:
        """Of at most 200 characters, printable, and nothing that a spreadsheet would run.

        People's own words may begin with a dash; what we wrote with an apostrophe before it is read without.
        """
        value = self.cells[column].strip()
        if value.startswith(FORMULA_STARTS) and not may_begin_like_a_formula:
            raise self.refuse(column, f"{value[:40]!r} would run as a formula in a spreadsheet")
        value = restore(value) if self.may_be_defused else value
        if len(value) > MAX_TEXT:
            raise self.refuse(column, f"the text has {say_count(len(value), 'character')}, {MAX_TEXT} are allowed")
        if not value.isprintable():
            raise self.refuse(column, "the text holds control characters")
        return value

    def filled(self, column: str) -> str:
        """Text that must not be empty."""
        value = self.text(column)
        if not value:
            raise self.refuse(column, "it is empty")
        return value

    def whole(self, column: str, *, lowest: int) -> int:
        value = self.cells[column].strip()
        if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) < lowest:
            raise self.refuse(column, f"{value[:40]!r} is no whole number from {lowest} on")
        return int(value)

    def number_within(self, column: str, *, low: float = -math.inf, high: float = math.inf) -> float:
        value = self.cells[column].strip()
        try:
            number = float(value)
        except ValueError:
            raise self.refuse(column, f"{value[:40]!r} is no number") from None
        if not math.isfinite(number) or not low <= number <= high:
            raise self.refuse(column, f"{value[:40]} does not lie from {low:g} to {high:g}")
        return number


def read_text(content: bytes, *, file: str) -> str:
    """UTF-8, with or without a byte order mark. Raises BadFile."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadFile(f"{file} is UTF-16: save it as UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise BadFile(f"{file}, row {row}: not UTF-8 text.") from None
    if "\0" in text:
        raise BadFile(f"{file}, row {text[: text.index(chr(0))].count(chr(10)) + 1}: holds a NUL character.")
    return text


def read_sheet(content: bytes, *, file: str, needed: Iterable[str]) -> list[Row]:
    """The rows of a CSV file with a header. Raises BadFile for missing or doubled columns and ragged rows."""
    reader = csv.reader(io.StringIO(read_text(content, file=file), newline=""), strict=True)
    try:
        header = next(reader, [])
        _check_header(header, file=file, needed=needed)
        rows = list(_read_rows(reader, header, file))
    except csv.Error as error:
        raise BadFile(f"{file}, row {reader.line_num}: not CSV ({error}).") from None
    if not rows:
        raise BadFile(f"{file} holds no rows.")
    return rows


def _check_header(header: list[str], *, file: str, needed: Iterable[str]) -> None:
    if missing := [column for column in needed if column not in header]:
        raise BadFile(f"{file}, row 1: column {', '.join(missing)} missing.")
    if doubled := sorted({column for column in header if header.count(column) > 1}):
        raise BadFile(f"{file}, row 1: column {', '.join(doubled)} stands there twice.")


def _read_rows(reader: Iterator[list[str]], header: list[str], file: str) -> Iterator[Row]:
    for number, cells in enumerate(reader, start=2):
        if not cells:
            continue
        if len(cells) != len(header):
            raise BadFile(f"{file}, row {number}: {say_count(len(cells), 'cell')} where the header has {len(header)}.")
        yield Row(file, number, cells=dict(zip(header, cells, strict=True)), may_be_defused=True)


def refuse_doubled_units(rows: Sequence[Row], *, lowest: int) -> None:
    """A unit that stands in two rows is refused; units count from `lowest`."""
    seen: dict[int, int] = {}
    for row in rows:
        unit = row.whole("unit", lowest=lowest)
        if seen.setdefault(unit, row.number) != row.number:
            raise row.refuse("unit", f"unit {unit} stands in row {seen[unit]} too")
