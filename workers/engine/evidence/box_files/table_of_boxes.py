"""A CSV of boxes: one row per box, with the columns image, class_index, width, height, x0, y0, x1, y1. Other columns
are passed over.
"""

from collections.abc import Iterator
from pathlib import Path

from workers.engine.evidence.box_files.boxed_images import (
    BoxesInvalid,
    BoxRow,
    parse_class,
    parse_numbers,
    parse_path,
    read_table,
)

COLUMNS = ("image", "class_index", "width", "height", "x0", "y0", "x1", "y1")


def recognizes(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def read(path: Path) -> Iterator[BoxRow]:
    """Raises BoxesInvalid."""
    for row, where in read_table(path, COLUMNS):
        yield _read_row(row, where)


def _read_row(row: dict[str, str | None], where: str) -> BoxRow:
    if any(row[name] is None for name in COLUMNS):
        raise BoxesInvalid(f"{where}: the row ends before its last column.")
    width, height, x0, y0, x1, y1 = parse_numbers((row[name] for name in COLUMNS[2:]), where)
    return BoxRow(
        path=parse_path(row["image"], where),
        class_index=parse_class(row["class_index"], where),
        width=width,
        height=height,
        box=(x0, y0, x1, y1),
        where=where,
    )
