"""Labels of photographs that a table gives row by row: for the whole photograph, as a box, or as a map of ones.

How the readers of tables (csv_labels.py, open_images.py) draw what they have read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.decoding import read_size
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.mask_files import read_mask
from workers.engine.images.passed_over import sum_up
from workers.engine.images.photographs import Photographs, demand_found, list_passed
from workers.engine.images.reading import (
    WHOLE_SIZE,
    Drawn,
    LabelFileMalformed,
    LabelSource,
    build_image_set,
    make_labels,
    number_names,
)
from workers.engine.images.regions import Grid, RegionInvalid, fill_box, lay_regions, make_grid

Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class Marked:
    """One row: a label and where it holds. `corners` (left, top, right, bottom) in pixels or, if `is_share`, in shares
    of the photograph; `mask`: a map of zeros and others; neither: the whole photograph. `place` is for words.
    """

    label: str
    place: str
    corners: Corners | None = None
    is_share: bool = False
    mask: Path | None = None


@dataclass(frozen=True)
class TableOfLabels:
    """What the rows of `file` say of each photograph (by its path below `root`); `name_files` say what its labels are
    called. `meaning`: how places are read, if releases before read the same file in another way.
    """

    root: Path
    file: Path
    rows: dict[str, list[Marked]]
    photographs: Photographs
    passed: list[tuple[str, str]]
    notes: tuple[str, ...] = ()
    name_files: tuple[Path, ...] = ()
    meaning: str = ""


def open_table(table: TableOfLabels) -> ImageSet:
    """Raises ImageSetError."""
    if not table.rows:
        raise ImageSetError(f"{table.file.name} has no rows.")
    demand_found(table.rows, table.photographs, file=table.file.name)
    paths = sorted(table.rows)
    numbers = number_names(one.label for rows in table.rows.values() for one in rows)
    masks = {path: [one.mask for one in rows if one.mask is not None] for path, rows in table.rows.items()}
    inside = {mask.relative_to(table.root).as_posix() for found in masks.values() for mask in found
              if mask.is_relative_to(table.root)}  # fmt: skip
    passed = list_passed(table.passed, table.photographs, [*paths, *inside], file=table.file.name)
    return build_image_set(
        root=table.root,
        paths=paths,
        labels=make_labels({number: name for name, number in numbers.items()}),
        source=LabelSource(
            root=table.file.parent,
            draw=lambda index: _draw(table, paths[index], numbers),
            size=lambda index: _find_size(table, paths[index]),
            files=lambda index: masks[paths[index]],
            tables=[table.file, *table.name_files],
            meaning=table.meaning,
        ),
        passed_over=sum_up(one for one in passed if one[1] != table.file.name),
        notes=table.notes,
    )


def _draw(table: TableOfLabels, path: str, numbers: dict[str, int]) -> Drawn:
    rows = table.rows[path]
    whole = sorted({numbers[one.label] for one in rows if one.corners is None and one.mask is None})
    parts = [one for one in rows if one.corners is not None or one.mask is not None]
    if not parts:
        return Drawn(*WHOLE_SIZE, whole)
    grid = find_grid(table.root / path)
    regions: dict[int, NDArray[np.bool_]] = {}
    for one in parts:
        number = numbers[one.label]
        try:
            region = _fill(grid, one)
        except RegionInvalid as error:
            raise LabelMapUnreadable(f"{one.place}: {error}") from None
        regions[number] = regions[number] | region if number in regions else region
    return Drawn(*grid.size, [*whole, *lay_regions(regions)])


def find_grid(photograph: Path) -> Grid:
    """By the photograph's own header; raises LabelMapUnreadable, RegionInvalid."""
    try:
        size = read_size(photograph)
    except Exception:
        # Said, with its reason, when its pixels are decoded.
        raise LabelMapUnreadable("the size of the photograph cannot be read") from None
    return make_grid(size["height"], size["width"])


def _fill(grid: Grid, one: Marked) -> NDArray[np.bool_]:
    if one.mask is not None:
        return _fit(read_mask(one.mask, colors=False) > 0, grid)
    left, top, right, bottom = one.corners or (0.0, 0.0, 0.0, 0.0)
    if one.is_share:
        left, top = left * grid.full_width, top * grid.full_height
        right, bottom = right * grid.full_width, bottom * grid.full_height
    region = fill_box(grid, (left, top, right - left, bottom - top))
    if right <= 0 or bottom <= 0 or left >= grid.full_width or top >= grid.full_height:
        raise RegionInvalid(f"the box lies outside the photograph of {grid.full_width} x {grid.full_height} px")
    return region


def _fit(mask: NDArray[np.bool_], grid: Grid) -> NDArray[np.bool_]:
    """A mask of another size than the photograph's, at the pixels that are kept."""
    rows = (grid.rows + 0.5) * mask.shape[0] // grid.full_height
    columns = (grid.columns + 0.5) * mask.shape[1] // grid.full_width
    return np.asarray(mask[rows.astype(np.int64)][:, columns.astype(np.int64)])


def _find_size(table: TableOfLabels, path: str) -> tuple[int, int] | None:
    """None if no label of the photograph has a place in it, or if its size cannot be read."""
    if all(one.corners is None and one.mask is None for one in table.rows[path]):
        return None
    try:
        return find_grid(table.root / path).size
    except (LabelMapUnreadable, RegionInvalid):
        return None


def sort_rows(found: Sequence[tuple[str, Marked]], photographs: Photographs, *, column: str) -> dict[str, list[Marked]]:
    """Rows by photograph, of rows by the name that a table gives in this column; raises LabelFileMalformed."""
    placed = photographs.place(name for name, _ in found)
    rows: dict[str, list[Marked]] = {}
    for name, marked in found:
        if name not in placed:
            raise LabelFileMalformed(f"{marked.place}, column {column}: {name[:60]!r} is not the path of a photograph.")
        rows.setdefault(placed[name], []).append(marked)
    return rows
