"""CSV files of labels: their cells by place, so that words about a bad one say where it stands."""

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.engine.images.reading import LabelFileMalformed

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


def read_header(file: Path) -> list[str]:
    """Lower-case column names of the first line; empty if it is not text."""
    try:
        with file.open("rb") as opened:
            start = opened.read(MAX_HEADER_BYTES).decode(
                "utf-8-sig", "strict" if file.stat().st_size < 100 else "ignore"
            )
    except (OSError, UnicodeDecodeError):
        return []
    line = next(iter(start.splitlines()), "")
    return [name.strip().lower() for name in next(csv.reader([line], delimiter=_find_delimiter(line)), [])]


def _find_delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)


def read_rows(file: Path) -> Iterator[CsvRow]:
    """The rows below the header; raises LabelFileMalformed."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            delimiter = _find_delimiter(opened.readline())
            opened.seek(0)
            reader = csv.reader(opened, delimiter=delimiter)
            header = [name.strip().lower() for name in next(reader, [])]
            if len(set(header)) != len(header):
                raise LabelFileMalformed(f"{file.name}, line 1: a column stands twice.")
            for values in reader:
                if not any(values):
                    continue
                if len(values) != len(header):
                    raise LabelFileMalformed(
                        f"{file.name}, line {reader.line_num}: {len(values)} values for {len(header)} columns."
                    )
                yield CsvRow(file.name, reader.line_num, dict(zip(header, values, strict=True)))
    except UnicodeDecodeError:
        raise LabelFileMalformed(f"{file.name} is not UTF-8 text.") from None
    except csv.Error as error:
        raise LabelFileMalformed(f"{file.name}, line {reader.line_num}: {error}.") from None
    except OSError as error:
        raise LabelFileMalformed(f"{file.name} cannot be read: {error.strerror}.") from None


def find_column(header: Sequence[str], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in header), None)


def split_labels(text: str) -> list[str]:
    """Labels of a cell: several are parted by `;` or `|`; commas belong to names."""
    return [part.strip() for part in re.split(r"[;|]", text) if part.strip()]
