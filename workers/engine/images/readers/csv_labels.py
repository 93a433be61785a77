"""A CSV of photographs and labels, one row or several for each: of the whole photograph, or with a box."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from workers.engine.images.boxed_images import Marked, TableOfLabels, open_table, sort_rows
from workers.engine.images.csv_tables import CsvRow, find_column, read_header, read_rows, split_labels
from workers.engine.images.decoding import read_size
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.photographs import Photographs
from workers.engine.images.reading import Asked, ImageSetReader
from workers.engine.images.walking import list_images

ENDINGS = (".csv", ".tsv")
IMAGE = ("image", "filename", "file_name", "file", "path", "image_path", "img", "image_id", "image_name", "filepath")
LABEL = ("label", "labels", "class", "classes", "class_name", "label_name", "category", "tag", "tags", "concept")
CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"), ("x0", "y0", "x1", "y1"),
    ("left", "top", "right", "bottom"), ("x1", "y1", "x2", "y2"),
)  # fmt: skip
# Left and top, then the sides of the box.
SIDES = (
    ("x", "y", "width", "height"), ("x", "y", "w", "h"), ("left", "top", "width", "height"),
    ("xmin", "ymin", "width", "height"), ("x_min", "y_min", "width", "height"),
)  # fmt: skip
# Columns that say where a label holds. In another form they are not read, and the label is none of the whole.
_PLACE = re.compile(
    r"(.*_)?b?box(es)?(_.*)?|bounding.?box.*|polygons?|segmentations?|(.*_)?masks?(_?path|_?file)?|rle|encoded_?pixels"
    r"|c?[xy]|[xy]_?(min|max|cent(er|re)|\d)"
)
SHARES = "Every corner lies between 0 and 1: they are taken for shares of the photograph's sides."
# Shares are rounded; no corner of a file in pixels lies so near to the upper left one.
MAX_SHARE, MIN_PIXEL = 1.001, 2.0
# The size of as many photographs is looked at. A box that ends outside by more than a pixel and this share is wrong.
N_SIZED, FAR = 100, 0.1


def recognizes(asked: Asked) -> bool:
    if asked.label_path is not None:
        return asked.label_path.suffix.lower() in ENDINGS
    return asked.by_look and len(_list_tables(asked.root)) > 0


def _list_tables(root: Path) -> list[Path]:
    found = sorted(file for file in root.glob("*.*") if file.suffix.lower() in ENDINGS and file.is_file())
    return [file for file in found if _find_columns(read_header(file)) is not None]


def _find_columns(header: Sequence[str]) -> tuple[str, str] | None:
    image, label = find_column(header, IMAGE), find_column(header, LABEL)
    return (image, label) if image and label else None


def open_csv(asked: Asked) -> ImageSet:
    """The images that the file names; raises ImageSetError or LabelFileMalformed."""
    file = asked.label_path or _choose(asked.root)
    columns = _find_columns(read_header(file)) if file.is_file() else None
    if columns is None:
        raise ImageSetError(
            f"{file.name}, line 1: there must be a column for the photograph ({', '.join(IMAGE[:4])}) and one for the "
            f"label ({', '.join(LABEL[:4])})."
        )
    paths, passed = list_images(asked.root)
    photographs = Photographs(asked.root, tuple(paths))
    box = _find_box(file)
    found = [
        (row.cells[columns[0]].strip(), marked) for row in read_rows(file) for marked in _mark(row, columns[1], box)
    ]
    is_share = _are_shares([one for _, one in found])
    found = [(name, replace(one, is_share=is_share)) for name, one in found]
    rows = sort_rows(found, photographs, column=columns[0])
    if box in SIDES and not is_share:
        _demand_sides(file, asked.root, rows, box)
    meaning = f"{','.join(box)} in {'shares' if is_share else 'pixels'}" if is_share or box in SIDES else ""
    notes = (SHARES,) if is_share else ()
    return open_table(TableOfLabels(asked.root, file, rows, photographs, passed, notes, meaning=meaning))


def _find_box(file: Path) -> Sequence[str]:
    """The columns of the box, one of CORNERS or SIDES, none if there are none; raises ImageSetError for columns that
    say a place in another way.
    """
    header = read_header(file)
    box = next((names for names in (*CORNERS, *SIDES) if all(name in header for name in names)), ())
    if not box and (place := next(filter(_PLACE.fullmatch, header), "")):
        raise ImageSetError(
            f"{file.name}, line 1: the column {place[:40]} says where a label holds, but boxes are read from "
            f"{','.join(CORNERS[0])} or {','.join(SIDES[0])} in pixels. Rename the columns, or take them out if the "
            "labels are those of whole photographs."
        )
    return box


def _are_shares(rows: Sequence[Marked]) -> bool:
    """True if no box ends beyond 1; raises ImageSetError if the boxes can be neither shares nor pixels."""
    farthest = max((one for one in rows if one.corners), key=lambda one: max(one.corners or ()), default=None)
    if farthest is None or farthest.corners is None:
        return False
    end = max(farthest.corners)
    if MAX_SHARE < end < MIN_PIXEL:
        raise ImageSetError(
            f"{farthest.place}: the box ends at {end:.6g}, farther than any other of the file. Shares of the "
            "photograph's sides are at most 1 (x and y are the left and the top of a box, not its center), and pixels "
            "are more."
        )
    return end <= MAX_SHARE


def _demand_sides(file: Path, root: Path, rows: Mapping[str, Sequence[Marked]], box: Sequence[str]) -> None:
    """Raises ImageSetError if most boxes begin inside the photograph and end far outside: the columns of the sides are
    then the photograph's own, or those of a larger copy.
    """
    are_far = list[bool]()
    for path in sorted(rows)[:N_SIZED]:
        # What cannot be read is said, with its reason, when its pixels are decoded.
        with suppress(Exception):
            width, height = read_size(root / path).values()
            for left, top, right, bottom in (one.corners for one in rows[path] if one.corners):
                is_far = any(end - side > max(1, FAR * side) for end, side in ((right, width), (bottom, height)))
                are_far.append(is_far and left < width and top < height)
    if 2 * sum(are_far) > len(are_far):
        raise ImageSetError(
            f"{file.name}: most boxes begin inside their photograph and end far outside. The columns {box[2]} and "
            f"{box[3]} are the sides of a box, in pixels of the photograph. If they are the photograph's own, give the "
            "boxes, or take the four columns out for labels of whole photographs."
        )


def _choose(root: Path) -> Path:
    tables = _list_tables(root)
    if len(tables) > 1:
        names = ", ".join(file.name for file in tables)
        raise ImageSetError(f"{root.name} holds several files of labels ({names}): name one with --labels.")
    return tables[0]


def _mark(row: CsvRow, column: str, box: Sequence[str]) -> Iterator[Marked]:
    try:
        labels = split_labels(row.cells[column])
    except ValueError:
        raise row.wrong(column, "is JSON of another kind than a list of labels") from None
    if not labels:
        raise row.wrong(column, "names no label")
    place = f"{row.file}, line {row.line}"
    if not any(row.cells[name].strip() for name in box):
        yield from (Marked(label, place) for label in labels)
        return
    left, top, right, bottom = (row.number(name) for name in box)
    if box in SIDES:
        right, bottom = left + right, top + bottom
    if right <= left or bottom <= top:
        raise row.wrong(box[2], f"and the other corners ({left:g}, {top:g}, {right:g}, {bottom:g}) have no area")
    yield from (Marked(label, place, (left, top, right, bottom)) for label in labels)


READER = ImageSetReader(name="CSV of photographs and labels", recognizes=recognizes, open=open_csv)
