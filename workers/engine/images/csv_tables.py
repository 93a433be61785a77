"""CSV files of labels: their cells by place, so that words about a bad one say where it stands."""

import csv
import json
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.engine.images.reading import LabelFileMalformed
from workers.engine.images.text_files import find_encoding
from workers.engine.plurals import say_count

DELIMITERS = ",;\t"
MAX_HEADER_BYTES = 65_536


@dataclass(frozen=True)
class CsvRow:
    """A row by its lower-case column names."""

    file: str
    line: int
    cells: dict[str, str]

    def wrong(self, column: str, what: str) -> LabelFileMalformed:
        text = self.cells[column]
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        return LabelFileMalformed(f"{self.file}, line {self.line}, column {column}: {shown!r} {what}.")

    def number(self, column: str) -> float:
        try:
            value = float(self.cells[column])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.wrong(column, "is not a number")
        return value

    def whole(self, column: str, *, high: int) -> int:
        text = self.cells[column].strip()
        if not re.fullmatch(r"\d{1,9}", text) or int(text) > high:
            raise self.wrong(column, f"is not a whole number from 0 to {high:,}")
        return int(text)


def read_header(file: Path) -> list[str]:
    """Lower-case column names of the first line; empty if it is not text."""
    try:
        encoding, is_short = find_encoding(file), file.stat().st_size < 100
        with file.open("rb") as opened:
            start = opened.read(MAX_HEADER_BYTES).decode(encoding, "strict" if is_short else "ignore")
    except (OSError, UnicodeDecodeError):
        return []
    line = next(iter(start.splitlines()), "")
    return [
        name.strip().lower()
        for name in next(csv.reader([line], delimiter=_find_delimiter(line), skipinitialspace=True), [])
    ]


def _find_delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)


def read_rows(file: Path) -> Iterator[CsvRow]:
    """The rows below the header; raises LabelFileMalformed. Columns without a name are passed over."""
    header: list[str] | None = None
    for line, values in read_cells(file, delimiters=DELIMITERS):
        if header is None:
            header = [name.strip().lower() for name in values]
            demand_once(header, file.name)
        elif any(values):
            cells = match_cells(header, values)
            if cells is None:
                raise LabelFileMalformed(
                    f"{file.name}, line {line}: {say_count(len(values), 'value')} for "
                    f"{say_count(len(header), 'column')}."
                )
            yield CsvRow(file.name, line, cells)


def read_cells(file: Path, *, delimiters: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each row that is not empty; raises LabelFileMalformed. Of several delimiters, the one that
    stands most often in the first line counts.
    """
    line = 1
    try:
        with file.open(newline="", encoding=find_encoding(file)) as opened:
            delimiter = max(delimiters, key=opened.readline().count)
            opened.seek(0)
            reader = csv.reader(opened, delimiter=delimiter, skipinitialspace=True)
            for values in reader:
                line = reader.line_num
                if values:
                    yield line, values
    except UnicodeDecodeError:
        raise LabelFileMalformed(f"{file.name} is not UTF-8 text.") from None
    except csv.Error as error:
        raise LabelFileMalformed(f"{file.name}, after line {line}: {error}.") from None
    except OSError as error:
        raise LabelFileMalformed(f"{file.name} cannot be read: {error.strerror}.") from None


def demand_once(header: Sequence[str], file: str) -> None:
    """Raises LabelFileMalformed if a column stands twice; spreadsheets write columns without a name, often several."""
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise LabelFileMalformed(f"{file}, line 1: column {twice[:60]} stands twice.")


def match_cells(header: Sequence[str], values: Sequence[str]) -> dict[str, str] | None:
    """The cells of the columns that have a name; None if there are more cells than columns, or fewer."""
    shared = min(len(header), len(values))
    if any(header[shared:]) or any(values[shared:]):
        return None
    return {name: value for name, value in zip(header, values, strict=False) if name}


def find_column(header: Sequence[str], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in header), None)


def split_labels(text: str) -> list[str]:
    """Labels of a cell: several are parted by `;` or `|`, or listed as JSON; commas belong to names. Raises ValueError
    for JSON that holds something else.
    """
    labels = re.split(r"[;|]", text) if (listed := _read_json(text)) is None else listed
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        raise ValueError(text)
    return [name for label in labels if (name := " ".join(label.split()))]


def _read_json(text: str) -> Any:
    """What programs of labeling and pandas write: `["cat", "dog"]`, `['cat']`, `{"choices": ["cat"]}`; None for other
    texts.
    """
    if text.strip()[:1] not in ("[", "{"):
        return None
    for written in (text, text.replace("'", '"')):
        with suppress(ValueError, RecursionError):
            found = json.loads(written)
            return found.get("choices", found) if isinstance(found, dict) else found
    return None
