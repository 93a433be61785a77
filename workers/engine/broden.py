"""Read labeled pixels in Broden's layout and keep them packed as runs of equal labels.

[BZKOT17] 2.1. `index.csv` names images and, per category, nothing, a label number for the whole image, or label maps
separated by semicolons; a label map is a PNG whose number is red + 256 x green. Label 0 is background.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MAX_LABEL_NUMBER = 65535
MAX_LABEL_SIDE_PX = 4096
PLAIN_COLUMNS = ("image", "split", "ih", "iw", "sh", "sw")
_CATEGORY = re.compile(r"\s*([^()]+?)\s*(?:\(\s*(\d+)\s*\))?\s*")


class ImageSetError(Exception):
    """The image set cannot be used; the message says where and why."""


class IndexMalformed(ImageSetError):
    """A row of one of the csv files is wrong; the message names file, line and column."""


class LabelMapUnreadable(Exception):
    """An image's label map cannot be used; the image is quarantined with this reason."""


@dataclass(frozen=True)
class Label:
    """A concept of the image set; `category` is the primary one: where its coverage is largest, ties to the later in
    category.csv.
    """

    number: int
    name: str
    category: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class IndexRow:
    """One labeled image: its path below images/, the size of its label maps, and per category its whole-image
    labels and map paths.
    """

    path: str
    height: int
    width: int
    labels: tuple[tuple[int, int | str], ...]


@dataclass(frozen=True)
class LabelRuns:
    """The label maps of one image, each as runs of equal labels in row-major order; empty for images without labels.

    `slot_category` (S,) index of the category, `slot_whole` (S,) whether the label was given for the whole image,
    `slot_start` (S + 1,) into `run_start` (first pixel of the run) and `run_label`.
    """

    height: int
    width: int
    slot_category: NDArray[np.int16]
    slot_whole: NDArray[np.bool_]
    slot_start: NDArray[np.int64]
    run_start: NDArray[np.int32]
    run_label: NDArray[np.uint16]


@dataclass(frozen=True)
class BrodenIndex:
    """What the csv files of a Broden-layout folder say."""

    rows: tuple[IndexRow, ...]
    labels: tuple[Label, ...]
    categories: tuple[str, ...]

    @property
    def n_numbers(self) -> int:
        """One more than the largest label number."""
        return max((label.number for label in self.labels), default=0) + 1

    def primary_of_number(self) -> NDArray[np.int64]:
        """(n_numbers,) index of each label number's primary category; -1 for background and for numbers of no label."""
        primary = np.full(self.n_numbers, -1, dtype=np.int64)
        for label in self.labels:
            primary[label.number] = self.categories.index(label.category)
        return primary

    def known_numbers(self) -> NDArray[np.bool_]:
        """(n_numbers,) which numbers a label map may carry."""
        known = self.primary_of_number() >= 0
        known[0] = True
        return known


@dataclass(frozen=True)
class _Cell:
    """A value of a csv file and where it stands, for words about it."""

    file: str
    line: int
    column: str
    text: str

    def wrong(self, what: str) -> IndexMalformed:
        shown = self.text if len(self.text) <= 60 else self.text[:57] + "..."
        return IndexMalformed(f"{self.file}, line {self.line}, column {self.column}: {shown!r} {what}.")

    def integer(self, *, low: int, high: int) -> int:
        if not re.fullmatch(r"\d{1,9}", self.text) or not low <= int(self.text) <= high:
            raise self.wrong(f"is not a whole number from {low} to {high}")
        return int(self.text)

    def number(self) -> float:
        try:
            value = float(self.text)
        except ValueError:
            value = -1.0
        if not 0 <= value < 1e15:
            raise self.wrong("is not a number from 0")
        return value

    def path(self) -> str:
        path = PurePosixPath(self.text)
        if not self.text or path.is_absolute() or ".." in path.parts or "\\" in self.text or "\0" in self.text:
            raise self.wrong("is not a path below images/")
        return str(path)


def read_index(root: Path) -> BrodenIndex:
    """Read category.csv, label.csv, c_*.csv and index.csv; raises IndexMalformed naming file, line (from 1) and
    column.
    """
    categories = _read_categories(root)
    labels = _read_labels(root, categories)
    rows = _read_rows(root, categories, {label.number for label in labels})
    return BrodenIndex(rows=rows, labels=labels, categories=categories)


def _cells(root: Path, name: str, needed: Sequence[str]) -> Iterator[dict[str, _Cell]]:
    path = root / name
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            for column in needed:
                if column not in header:
                    raise IndexMalformed(f"{name}, line 1: there is no column {column}.")
            if len(set(header)) != len(header):
                raise IndexMalformed(f"{name}, line 1: a column stands twice.")
            for values in reader:
                if not values:
                    continue
                if len(values) != len(header):
                    column = header[min(len(values), len(header) - 1)]
                    raise IndexMalformed(
                        f"{name}, line {reader.line_num}, column {column}: "
                        f"{len(values)} values for {len(header)} columns."
                    )
                yield {
                    column: _Cell(name, reader.line_num, column, value)
                    for column, value in zip(header, values, strict=True)
                }
    except FileNotFoundError:
        raise ImageSetError(f"{name} is missing from {root.name}.") from None
    except IsADirectoryError:
        raise ImageSetError(f"{name} in {root.name} is a folder.") from None
    except UnicodeDecodeError as error:
        with path.open("rb") as raw:
            line = raw.read(error.start).count(b"\n") + 1 if error.start else 1
        raise IndexMalformed(f"{name}, line {line} or later, column 1: not UTF-8 text.") from None
    except csv.Error as error:
        raise IndexMalformed(f"{name}, line {reader.line_num}, column 1: {error}.") from None


def _read_categories(root: Path) -> tuple[str, ...]:
    names: list[str] = []
    for row in _cells(root, "category.csv", ["name"]):
        cell = row["name"]
        if not re.fullmatch(r"[A-Za-z][\w -]{0,63}", cell.text) or cell.text in PLAIN_COLUMNS:
            raise cell.wrong("is not the name of a category")
        if cell.text in names:
            raise cell.wrong("stands twice")
        names.append(cell.text)
    return tuple(names)


def _read_labels(root: Path, categories: tuple[str, ...]) -> tuple[Label, ...]:
    coverage = {name: _read_coverage(root, name) for name in categories}
    labels: dict[int, Label] = {}
    for row in _cells(root, "label.csv", ["number", "name", "category"]):
        number = row["number"].integer(low=0, high=MAX_LABEL_NUMBER)
        if number == 0:
            continue  # background, where a file lists it
        if number in labels:
            raise row["number"].wrong("stands twice")
        if not row["name"].text.strip():
            raise row["name"].wrong("is empty")
        named = _named_categories(row["category"], categories)
        own = [name for name in categories if number in coverage[name]] or list(named)
        primary = max(own, key=lambda name: (coverage[name].get(number, 0.0), categories.index(name)))
        labels[number] = Label(number=number, name=row["name"].text, category=primary, categories=named)
    return tuple(labels[number] for number in sorted(labels))


def _named_categories(cell: _Cell, categories: tuple[str, ...]) -> tuple[str, ...]:
    named = []
    for part in cell.text.split(";"):
        match = _CATEGORY.fullmatch(part)
        if match is None or match[1] not in categories:
            raise cell.wrong(f"names no category of category.csv ({', '.join(categories)})")
        named.append(match[1])
    return tuple(named)


def _read_coverage(root: Path, category: str) -> dict[int, float]:
    """Coverage (in whole images) of each label of a category."""
    coverage: dict[int, float] = {}
    for row in _cells(root, f"c_{category}.csv", ["number", "coverage"]):
        coverage[row["number"].integer(low=0, high=MAX_LABEL_NUMBER)] = row["coverage"].number()
    return coverage


def _read_rows(root: Path, categories: tuple[str, ...], numbers: set[int]) -> tuple[IndexRow, ...]:
    rows: dict[str, IndexRow] = {}
    for cells in _cells(root, "index.csv", ["image", "sh", "sw", *categories]):
        path = cells["image"].path()
        if path in rows:
            raise cells["image"].wrong("stands twice")
        labels: list[tuple[int, int | str]] = []
        for index, category in enumerate(categories):
            cell = cells[category]
            for part in filter(None, cell.text.split(";")):
                labels.append((index, _label_value(_Cell(cell.file, cell.line, cell.column, part), numbers)))
        rows[path] = IndexRow(
            path=path,
            height=cells["sh"].integer(low=1, high=MAX_LABEL_SIDE_PX),
            width=cells["sw"].integer(low=1, high=MAX_LABEL_SIDE_PX),
            labels=tuple(labels),
        )
    return tuple(rows[path] for path in sorted(rows))


def _label_value(cell: _Cell, numbers: set[int]) -> int | str:
    if not cell.text.isdecimal():
        return cell.path()
    number = cell.integer(low=0, high=MAX_LABEL_NUMBER)
    if number and number not in numbers:
        raise cell.wrong("is no label of label.csv")
    return number


def in_words(error: Exception) -> str:
    """An error of a decoder, short and without addresses of objects, which would differ from run to run."""
    return re.sub(r" ?<[^>]*>", "", str(error).partition("\n")[0])[:200] or type(error).__name__


def read_label_map(path: Path, *, height: int, width: int) -> NDArray[np.uint16]:
    """(height, width) label numbers of a PNG; raises LabelMapUnreadable."""
    try:
        with Image.open(io.BytesIO(path.read_bytes()), formats=("PNG",)) as image:
            if image.size != (width, height):
                raise LabelMapUnreadable(
                    f"label map {path.name} is {image.width} x {image.height} px, not {width} x {height}"
                )
            if image.mode not in ("RGB", "RGBA"):
                raise LabelMapUnreadable(f"label map {path.name} has mode {image.mode}, not RGB")
            # uint8 x 256 would overflow: widen first.
            pixels = np.asarray(image).astype(np.uint16)
    except FileNotFoundError:
        raise LabelMapUnreadable(f"label map {path.name} is missing") from None
    except UnidentifiedImageError:
        raise LabelMapUnreadable(f"label map {path.name} is not a PNG") from None
    except LabelMapUnreadable:
        raise
    except Exception as error:
        # Damaged files make the decoder fail in a dozen ways.
        raise LabelMapUnreadable(f"label map {path.name} cannot be read: {in_words(error)}") from None
    return np.asarray(pixels[..., 0] | (pixels[..., 1] << 8), dtype=np.uint16)


def read_runs(*, root: Path, row: IndexRow, known: NDArray[np.bool_]) -> LabelRuns:
    """Pack the labels of one image; `known` (n_numbers,) tells listed label numbers. Raises LabelMapUnreadable."""
    n_pixels = row.height * row.width
    starts: list[NDArray[np.int32]] = []
    labels: list[NDArray[np.uint16]] = []
    for _, value in row.labels:
        if isinstance(value, int):
            starts.append(np.zeros(1, dtype=np.int32))
            labels.append(np.array([value], dtype=np.uint16))
            continue
        flat = read_label_map(root / "images" / value, height=row.height, width=row.width).reshape(n_pixels)
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        starts.append(np.concatenate(([0], changes)).astype(np.int32))
        labels.append(flat[starts[-1]])
        if labels[-1].max() >= len(known) or not known[labels[-1]].all():
            strange = next(int(x) for x in labels[-1] if x >= len(known) or not known[x])
            raise LabelMapUnreadable(
                f"label map {Path(value).name} carries number {strange}, which label.csv does not list"
            )
    return LabelRuns(
        height=row.height,
        width=row.width,
        slot_category=np.array([category for category, _ in row.labels], dtype=np.int16),
        slot_whole=np.array([isinstance(value, int) for _, value in row.labels], dtype=np.bool_),
        slot_start=np.cumsum([0, *(len(part) for part in starts)]).astype(np.int64),
        run_start=np.concatenate([np.zeros(0, np.int32), *starts]),
        run_label=np.concatenate([np.zeros(0, np.uint16), *labels]),
    )
