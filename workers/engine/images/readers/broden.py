"""Image sets in Broden's layout: tables say which labels there are, and which image carries what.

[BZKOT17] 2.1. `index.csv` names images and, per category, nothing, a label number for the whole image, or label maps
separated by semicolons; a label map is a PNG whose number is red + 256 x green. Label 0 is background.
"""

import csv
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from workers.engine.images.csv_tables import demand_once, match_cells, read_header
from workers.engine.images.image_set import ImageSet, digest_files
from workers.engine.images.label_maps import LabeledImage, LabelRuns, read_runs
from workers.engine.images.label_table import ImageSetError, Label, LabelTable
from workers.engine.images.passed_over import MAX_PATH_LENGTH, PassedOver, sum_up
from workers.engine.images.reading import Asked, ImageSetReader
from workers.engine.images.text_files import find_encoding
from workers.engine.images.walking import list_folders
from workers.engine.plurals import say_count

MAX_LABEL_NUMBER = 65535
MAX_LABEL_SIDE_PX = 4096
# Broden 1.0 has a small index beside the whole one.
INDICES = ("index.csv", "index_sm.csv")
PLAIN_COLUMNS = ("image", "split", "ih", "iw", "sh", "sw")
_CATEGORY = re.compile(r"\s*([^()]+?)\s*(?:\(\s*(\d+)\s*\))?\s*")


class IndexMalformed(ImageSetError):
    """A row of one of the csv files is wrong; the message names file, line and column."""


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
        if len(str(path)) > MAX_PATH_LENGTH:
            raise self.wrong(f"is a path of more than {MAX_PATH_LENGTH} characters")
        return str(path)


@dataclass(frozen=True)
class _Place:
    """Where a set in Broden's layout lies, and which of its indices is read."""

    root: Path
    index: str


def recognizes(asked: Asked) -> bool:
    return _find_place(asked) is not None


def _find_place(asked: Asked) -> _Place | None:
    """The folder itself or, if it holds only one in Broden's layout, that one; the index that a person named.

    Raises ImageSetError if it holds several.
    """
    named = asked.label_path
    if named is not None:
        return _Place(named.parent, named.name) if named.name in INDICES and _has_tables(named.parent) else None
    if not asked.by_look:
        return None
    if (place := _find_index(asked.root)) is not None:
        return place
    inner = [place for folder in list_folders(asked.root) if (place := _find_index(folder)) is not None]
    if len(inner) > 1:
        names = ", ".join(place.root.name for place in inner)
        raise ImageSetError(
            f"{asked.root.name} holds {say_count(len(inner), 'image set')} in Broden's layout ({names}): give one."
        )
    return inner[0] if inner else None


def _find_index(folder: Path) -> _Place | None:
    there = [name for name in INDICES if os.path.exists(folder / name)]  # False also where it may not be looked
    is_one = there and (_has_tables(folder) or {"image", "sh", "sw"} <= set(read_header(folder / there[0])))
    return _Place(folder, there[0]) if is_one else None


def _has_tables(folder: Path) -> bool:
    return os.path.exists(folder / "label.csv") or os.path.exists(folder / "category.csv")


def open_broden(asked: Asked) -> ImageSet:
    """The images that the index names, with their labels; raises ImageSetError or IndexMalformed."""
    place = _find_place(asked)
    if place is None:
        raise ImageSetError(f"{INDICES[0]} is missing from {asked.root.name}.")
    root, index_name = place.root, place.index
    rows, table, notes = read_index(root, index_name)
    if not rows:
        raise ImageSetError(f"{index_name} of {root.name} names no images.")
    folder = root / "images"
    known = table.known_numbers()

    def read_labels(index: int) -> LabelRuns:
        return read_runs(folder=folder, row=rows[index], known=known)

    def list_label_files(indices: range) -> Iterator[Path]:
        for row in rows[indices.start : indices.stop]:
            yield from (folder / value for _, value in row.labels if isinstance(value, str))

    def find_map_size(index: int) -> tuple[int, int] | None:
        has_map = any(isinstance(value, str) for _, value in rows[index].labels)
        return (rows[index].height, rows[index].width) if has_map else None

    files = chain((folder / row.path for row in rows), list_label_files(range(len(rows))))
    tables = [index_name, "label.csv", "category.csv", *(f"c_{name}.csv" for name in table.categories)]
    return ImageSet(
        root=folder,
        paths=tuple(row.path for row in rows),
        sha256=digest_files(files, root=folder, tables=[root / name for name in tables]),
        labels=table,
        read_runs=read_labels,
        list_label_files=list_label_files,
        find_map_size=find_map_size,
        passed_over=_find_unnamed(folder, rows, index_name),
        notes=notes,
    )


def _find_unnamed(folder: Path, rows: Sequence[LabeledImage], index_name: str) -> tuple[PassedOver, ...]:
    """Files below images/ that no row of the index names, as an image or as a label map."""
    named = {row.path for row in rows} | {value for row in rows for _, value in row.labels if isinstance(value, str)}
    found = (Path(here, name).relative_to(folder).as_posix() for here, _, files in os.walk(folder) for name in files)
    return sum_up((f"not named by {index_name}", path) for path in found if path not in named)


def list_photographs(root: Path, paths: Sequence[str]) -> list[str]:
    """The images that the index names: label maps lie beside them, under names of any kind."""
    place = _find_place(Asked(root))
    if place is None:
        return list(paths)
    folder = (place.root / "images").relative_to(root)
    named = {(folder / row["image"].path()).as_posix() for row in _cells(place.root, place.index, ["image"])}
    return [path for path in paths if path in named]


READER = ImageSetReader(name="Broden", recognizes=recognizes, open=open_broden, list_photographs=list_photographs)


def read_index(root: Path, index_name: str) -> tuple[tuple[LabeledImage, ...], LabelTable, tuple[str, ...]]:
    """Read category.csv, label.csv, c_*.csv and the index, and say what is left out; raises IndexMalformed naming file,
    line (from 1) and column.
    """
    categories = _read_categories(root)
    labels, left_out = _read_labels(root, categories)
    rows = _read_rows(root, index_name, categories, {label.number for label in labels}, left_out.keys())
    return rows, LabelTable(labels=labels, categories=categories), _say_left_out(left_out)


def _say_left_out(left_out: Mapping[int, str]) -> tuple[str, ...]:
    """A sentence for each category that labels name and category.csv does not."""
    counts = Counter(left_out.values())
    return tuple(
        f"{say_count(counts[name], f'label of {name} is', f'labels of {name} are')} left out: category.csv does not "
        "list it."
        for name in sorted(counts)
    )


def _cells(root: Path, name: str, needed: Sequence[str]) -> Iterator[dict[str, _Cell]]:
    path = root / name
    try:
        with path.open(newline="", encoding=find_encoding(path)) as file:
            reader = csv.reader(file)
            header = next(reader, [])
            for column in needed:
                if column not in header:
                    raise IndexMalformed(f"{name}, line 1: there is no column {column}.")
            demand_once(header, name)
            for values in reader:
                if not values:
                    continue
                cells = match_cells(header, values)
                if cells is None:
                    column = header[min(len(values), len(header) - 1)]
                    raise IndexMalformed(
                        f"{name}, line {reader.line_num}, column {column}: "
                        f"{say_count(len(values), 'value')} for {say_count(len(header), 'column')}."
                    )
                yield {column: _Cell(name, reader.line_num, column, value) for column, value in cells.items()}
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
    except OSError as error:
        raise ImageSetError(f"{name} in {root.name} cannot be read: {error.strerror}.") from None


def _read_categories(root: Path) -> tuple[str, ...]:
    names: list[str] = []
    for row in _cells(root, "category.csv", ["name"]):
        cell = row["name"]
        if not re.fullmatch(r"[A-Za-z][\w -]*", cell.text) or cell.text in PLAIN_COLUMNS:
            raise cell.wrong("is not the name of a category")
        if cell.text in names:
            raise cell.wrong("stands twice")
        names.append(cell.text)
    return tuple(names)


def _read_labels(root: Path, categories: tuple[str, ...]) -> tuple[tuple[Label, ...], dict[int, str]]:
    """The labels of the listed categories; of the others, the number and the category. Labels of a category that has
    been taken out of category.csv are left out on purpose; if no label's category is listed, that is a fault.
    """
    coverage = {name: _read_coverage(root, name) for name in categories}
    labels: dict[int, Label] = {}
    left_out: dict[int, str] = {}
    for row in _cells(root, "label.csv", ["number", "name", "category"]):
        number = row["number"].integer(low=0, high=MAX_LABEL_NUMBER)
        if number == 0:
            continue  # background, where a file lists it
        if number in labels or number in left_out:
            raise row["number"].wrong("stands twice")
        if not row["name"].text.strip():
            raise row["name"].wrong("is empty")
        all_named = _split_categories(row["category"])
        named = tuple(name for name in all_named if name in categories)
        if not named:
            left_out[number] = all_named[0]
            if len(left_out) == 1:
                fault = row["category"].wrong(f"names no category of category.csv ({', '.join(categories)})")
            continue
        own = [name for name in categories if number in coverage[name]] or list(named)
        primary = max(own, key=lambda name: (coverage[name].get(number, 0.0), categories.index(name)))
        labels[number] = Label(number=number, name=row["name"].text, category=primary, categories=named)
    if left_out and not labels:
        raise fault
    return tuple(labels[number] for number in sorted(labels)), left_out


def _split_categories(cell: _Cell) -> tuple[str, ...]:
    matches = [_CATEGORY.fullmatch(part) for part in cell.text.split(";")]
    if not all(matches):
        raise cell.wrong("is not a list of categories, like `object(12);part(3)`")
    return tuple(match[1] for match in matches if match)


def _read_coverage(root: Path, category: str) -> dict[int, float]:
    """Coverage (in whole images) of each label of a category."""
    coverage: dict[int, float] = {}
    for row in _cells(root, f"c_{category}.csv", ["number", "coverage"]):
        coverage[row["number"].integer(low=0, high=MAX_LABEL_NUMBER)] = row["coverage"].number()
    return coverage


def _read_rows(
    root: Path, index_name: str, categories: tuple[str, ...], numbers: set[int], left_out: Collection[int]
) -> tuple[LabeledImage, ...]:
    rows: dict[str, LabeledImage] = {}
    for cells in _cells(root, index_name, ["image", "sh", "sw", *categories]):
        path = cells["image"].path()
        if path in rows:
            raise cells["image"].wrong("stands twice")
        labels: list[tuple[int, int | str]] = []
        for index, category in enumerate(categories):
            cell = cells[category]
            for part in filter(None, cell.text.split(";")):
                value = _label_value(_Cell(cell.file, cell.line, cell.column, part), numbers, left_out)
                labels.append((index, value))
        rows[path] = LabeledImage(
            path=path,
            height=cells["sh"].integer(low=1, high=MAX_LABEL_SIDE_PX),
            width=cells["sw"].integer(low=1, high=MAX_LABEL_SIDE_PX),
            labels=tuple(labels),
        )
    return tuple(rows[path] for path in sorted(rows))


def _label_value(cell: _Cell, numbers: set[int], left_out: Collection[int]) -> int | str:
    if not cell.text.isdecimal():
        return cell.path()
    number = cell.integer(low=0, high=MAX_LABEL_NUMBER)
    if number in left_out:
        return 0
    if number and number not in numbers:
        raise cell.wrong("is no label of label.csv")
    return number
