"""Open Images: CSV files of masks, boxes or labels of the whole photograph, and class-descriptions*.csv with the names.

Labels that people verified as absent (Confidence 0) are left out. https://storage.googleapis.com/openimages/web
"""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from workers.engine.images.boxed_images import Marked, TableOfLabels, open_table, sort_rows
from workers.engine.images.csv_tables import CsvRow, read_cells, read_header, read_rows
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.passed_over import find_fault
from workers.engine.images.photographs import Photographs
from workers.engine.images.reading import Asked, ImageSetReader, LabelFileMalformed
from workers.engine.images.walking import list_images
from workers.engine.plurals import say_count

IMAGE, LABEL, MASK = "imageid", "labelname", "maskpath"
CORNERS = ("xmin", "ymin", "xmax", "ymax")
FOLDERS = (".", "annotations", "labels", "metadata")
NAMES = "*class-descriptions*.csv"


def recognizes(asked: Asked) -> bool:
    if asked.label_path is not None:
        return _is_one(asked.label_path)
    return asked.by_look and bool(_list_tables(asked.root))


def _is_one(file: Path) -> bool:
    return file.suffix.lower() == ".csv" and {IMAGE, LABEL} <= set(read_header(file))


def _list_tables(root: Path) -> list[Path]:
    """The tables of root, those that say most first: masks, boxes, labels of the whole."""
    found = [file for name in FOLDERS for file in sorted((root / name).glob("*.csv")) if _is_one(file)]
    return sorted(found, key=lambda file: _rank(read_header(file)))


def _rank(header: Sequence[str]) -> int:
    return 0 if MASK in header else 1 if CORNERS[0] in header else 2


def open_open_images(asked: Asked) -> ImageSet:
    """The images that the table names; raises ImageSetError or LabelFileMalformed."""
    file, notes = _choose(asked)
    name_files = tuple(dict.fromkeys(one for folder in (file.parent, asked.root) for one in sorted(folder.glob(NAMES))))
    names = _read_names(name_files)
    found, passed = list_images(asked.root)
    photographs = Photographs(asked.root, tuple(found))
    masks = _list_masks(file.parent) if MASK in read_header(file) else {}
    rows = sort_rows([_mark(row, names, masks) for row in _list_verified(file)], photographs, column=IMAGE)
    return open_table(TableOfLabels(asked.root, file, rows, photographs, passed, notes, name_files))


def _list_masks(folder: Path) -> dict[str, list[Path]]:
    masks: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.png")):
        if not find_fault(path.relative_to(folder).as_posix()):
            masks.setdefault(path.name, []).append(path)
    return masks


def _choose(asked: Asked) -> tuple[Path, tuple[str, ...]]:
    if asked.label_path is not None:
        return asked.label_path, ()
    tables = _list_tables(asked.root)
    ranks = [_rank(read_header(file)) for file in tables]
    if ranks.count(ranks[0]) > 1:
        shown = ", ".join(file.name for file in tables)
        raise ImageSetError(f"{asked.root.name} holds several files of labels ({shown}): name one with --labels.")
    others = ", ".join(str(file) for file in tables[1:])
    return tables[0], (f"Labels come from {tables[0].name}; for others: --labels {others}.",) if others else ()


def _list_verified(file: Path) -> Iterator[CsvRow]:
    for row in read_rows(file):
        if row.cells.get("confidence", "").strip() not in ("0", "0.0"):
            yield row


def _read_names(files: Sequence[Path]) -> dict[str, str]:
    """The names of label ids, from files without a header; empty if there is none: then the ids are the names."""
    names: dict[str, str] = {}
    for file in files:
        for line, values in read_cells(file):
            if len(values) != 2:
                raise LabelFileMalformed(
                    f"{file.name}, line {line}: {say_count(len(values), 'value stands', 'values stand')} where id and "
                    "name do."
                )
            names.setdefault(values[0], values[1])
    return names


def _mark(row: CsvRow, names: dict[str, str], masks: dict[str, list[Path]]) -> tuple[str, Marked]:
    """The id of a photograph, and what the row says of it."""
    path = row.cells[IMAGE].strip()
    label = row.cells[LABEL].strip()
    if not label:
        raise row.wrong(LABEL, "names no label")
    name, place = names.get(label, label), f"{row.file}, line {row.line}"
    if MASK in row.cells:
        alike = masks.get(row.cells[MASK].strip(), [])
        if len(alike) != 1:
            there = "names several files" if alike else "is no file"
            raise row.wrong(MASK, f"{there} below the folder of {row.file}")
        return path, Marked(name, place, mask=alike[0])
    if CORNERS[0] not in row.cells:
        return path, Marked(name, place)
    left, top, right, bottom = (row.number(column) for column in CORNERS)
    for column, value in zip(CORNERS, (left, top, right, bottom), strict=True):
        if not 0 <= value <= 1:
            raise row.wrong(column, "is not a share of the photograph from 0 to 1")
    if right < left or bottom < top:
        raise row.wrong(CORNERS[2], "makes a box that ends before it begins")
    return path, Marked(name, place, (left, top, right, bottom), is_share=True)


def list_photographs(root: Path, paths: Sequence[str]) -> list[str]:
    """Whatever is no mask that a table names."""
    tables = [file for file in _list_tables(root) if MASK in read_header(file)]
    masks = {row.cells[MASK].strip() for file in tables for row in read_rows(file)}
    return [path for path in paths if PurePosixPath(path).name not in masks]


READER = ImageSetReader(
    name="Open Images", recognizes=recognizes, open=open_open_images, list_photographs=list_photographs
)
