"""Photographs with the boxes of one class each: what files of boxes are read into, and what is refused in them."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.engine.plurals import say_count

MAX_ROWS = 5_000_000


class BoxesInvalid(Exception):
    """The file of boxes cannot be used; the message names the row."""


@dataclass(frozen=True)
class BoxedImage:
    """`path` below the folder of images; `boxes` (n, 4) x0, y0, x1, y1 in pixels of a width x height photograph."""

    path: str
    class_index: int
    width: float
    height: float
    boxes: NDArray[np.float64]

    def boxes_in(self, size_px: int) -> NDArray[np.float64]:
        """The boxes after the whole photograph was resized to a square."""
        scale = np.array([size_px / self.width, size_px / self.height] * 2)
        return np.asarray(self.boxes * scale)


@dataclass(frozen=True)
class BoxRow:
    """One box of one photograph, and where in the file it stands."""

    path: str
    class_index: int
    width: float
    height: float
    box: tuple[float, float, float, float]
    where: str


def gather(rows: Iterable[BoxRow]) -> list[BoxedImage]:
    """The rows by photograph, sorted by path. Raises BoxesInvalid."""
    found: dict[str, list[BoxRow]] = {}
    for n_read, row in enumerate(rows):
        if n_read >= MAX_ROWS:
            raise BoxesInvalid(f"The file has more than {MAX_ROWS:,} boxes.")
        _demand_inside(row)
        found.setdefault(row.path, []).append(row)
    if not found:
        raise BoxesInvalid("The file has no boxes.")
    return [_join(found[path]) for path in sorted(found)]


def demand_photographs(images: Iterable[BoxedImage], folder: Path) -> None:
    """Raises BoxesInvalid if some photograph is not in the folder."""
    missing = [one.path for one in images if not _is_file(folder / one.path)]
    if missing:
        raise BoxesInvalid(
            f"{say_count(len(missing), 'photograph is', 'photographs are')} not in {folder.name}, the first of them "
            f"{missing[0]}."
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A name too long for any file, or a folder without rights.
        return False


def read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[dict[str, str | None], str]]:
    """Each row of a CSV, and where it stands. Raises BoxesInvalid."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if missing := [name for name in columns if name not in (rows.fieldnames or [])]:
                raise BoxesInvalid(f"{path.name} has no column {', '.join(missing)}.")
            for row in rows:
                yield row, f"{path.name}, line {rows.line_num}"
    except (UnicodeDecodeError, csv.Error) as error:
        raise BoxesInvalid(f"{path.name} cannot be read as a CSV: {error}.") from None


def parse_numbers(values: Iterable[object], where: str) -> Iterator[float]:
    """Each as a finite number. Raises BoxesInvalid."""
    for value in values:
        try:
            number = float(str(value))
        except ValueError:
            raise BoxesInvalid(f"{where}: {str(value)[:40]!r} is not a number.") from None
        if not np.isfinite(number):
            raise BoxesInvalid(f"{where}: {number} is not a finite number.")
        yield number


def parse_class(value: object, where: str) -> int:
    """A class index from 0. Raises BoxesInvalid."""
    text = str(value).strip()
    if not text.isdecimal() or len(text) > 6:
        raise BoxesInvalid(f"{where}: {text[:40]!r} is not a class index.")
    return int(text)


def parse_path(value: object, where: str) -> str:
    """A path below the folder of images. Raises BoxesInvalid."""
    path = str(value).strip()
    if not path or "\0" in path or Path(path).is_absolute() or ".." in Path(path).parts:
        raise BoxesInvalid(f"{where}: {path[:60]!r} is not a file below the folder of images.")
    return path


def _demand_inside(row: BoxRow) -> None:
    x0, y0, x1, y1 = row.box
    if row.width < 1 or row.height < 1:
        raise BoxesInvalid(f"{row.where}: a photograph of {row.width:g} x {row.height:g} px is empty.")
    if x0 >= x1 or y0 >= y1:
        raise BoxesInvalid(
            f"{row.where}: the box {x0:g} {y0:g} {x1:g} {y1:g} has no {'width' if x0 >= x1 else 'height'}."
        )
    # Annotations often end one pixel past the last one.
    if not (x0 >= -1 and x1 <= row.width + 1 and y0 >= -1 and y1 <= row.height + 1):
        raise BoxesInvalid(
            f"{row.where}: the box {x0:g} {y0:g} {x1:g} {y1:g} does not lie in a photograph of {row.width:g} x "
            f"{row.height:g} px."
        )


def _join(rows: list[BoxRow]) -> BoxedImage:
    first = rows[0]
    for row in rows[1:]:
        if (row.class_index, row.width, row.height) != (first.class_index, first.width, first.height):
            raise BoxesInvalid(f"{row.where}: {row.path} has another class or size than in {first.where}.")
    return BoxedImage(
        path=first.path,
        class_index=first.class_index,
        width=first.width,
        height=first.height,
        boxes=np.array([row.box for row in rows], dtype=np.float64),
    )
