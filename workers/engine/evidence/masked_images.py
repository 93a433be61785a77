"""Photographs with masks of their objects: the lists that are read, and what is refused in them.

docs/evidence.md, Masks. A CSV with the columns image, class_index, mask and, if need be, ignore: one row per mask. Or
wsolevaluation's folder [CRLSA20]: localization.txt (path,mask,region to ignore or nothing) and class_labels.txt
(path,class). Masks and regions are pictures below the folder of images; what is not black in them belongs to them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.engine.evidence.box_files.boxed_images import BoxesInvalid, parse_class, parse_path, read_table
from workers.engine.evidence.box_files.wsol import BOXES, CLASSES, read_list
from workers.engine.images.mask_files import read_mask

COLUMNS, IGNORE = ("image", "class_index", "mask"), "ignore"
MAX_ROWS = 5_000_000
# What a pixel is: of no object, of an object, or of neither.
OTHER, OBJECT, IGNORED = 0, 1, 255


@dataclass(frozen=True)
class MaskedImage:
    """`path`, `masks` and `ignore`, the region that counts neither way ("" for none), below the folder of images."""

    path: str
    class_index: int
    masks: tuple[str, ...]
    ignore: str

    def files(self) -> tuple[str, ...]:
        return (self.path, *self.masks, *([self.ignore] if self.ignore else []))


@dataclass(frozen=True)
class _Row:
    path: str
    class_index: int
    mask: str
    ignore: str
    where: str


def read_masked(path: Path) -> list[MaskedImage]:
    """The photographs of a list, sorted by path. Raises BoxesInvalid."""
    if not path.exists():
        raise BoxesInvalid(f"There is no list of masks at {path}.")
    try:
        if path.name == BOXES or (path / BOXES).is_file():
            return _gather(_read_wsol(path if path.is_dir() else path.parent))
        if path.suffix.lower() == ".csv" and path.is_file():
            return _gather(_read_table(path))
    except OSError as error:
        raise BoxesInvalid(f"{path.name[:80]} cannot be read: {error.strerror or type(error).__name__}.") from None
    raise BoxesInvalid(f"{path.name} is neither a CSV of masks nor a folder with {BOXES}.")


def draw_truth(one: MaskedImage, folder: Path, *, size_px: int) -> NDArray[np.uint8]:
    """(size_px, size_px) of OTHER, OBJECT and IGNORED; a pixel of an object is never ignored. Raises
    LabelMapUnreadable.
    """
    is_object = np.zeros((size_px, size_px), dtype=bool)
    for name in one.masks:
        is_object |= _read_resized(folder / name, size_px)
    found = np.where(is_object, OBJECT, OTHER).astype(np.uint8)
    if one.ignore:
        found[_read_resized(folder / one.ignore, size_px) & ~is_object] = IGNORED
    return found


def _read_resized(file: Path, size_px: int) -> NDArray[np.bool_]:
    """Nearest pixel, as OpenCV takes it for the published code: pixel i of n shows pixel floor(i * m / n) of m."""
    pixels = read_mask(file)
    flags = pixels.max(axis=2) > 0 if pixels.ndim == 3 else pixels > 0
    rows, columns = (np.arange(size_px) * side // size_px for side in flags.shape)
    return np.asarray(flags[rows[:, None], columns])


def _read_table(path: Path) -> Iterator[_Row]:
    for row, where in read_table(path, COLUMNS):
        given = [row["image"] or "", row["mask"] or "", row.get(IGNORE) or ""]
        yield _make_row(given, parse_class(row["class_index"] or "", where), where)


def _read_wsol(folder: Path) -> Iterator[_Row]:
    classes = {name: parse_class(rest[0], where) for name, rest, where in read_list(folder / CLASSES, 1)}
    for name, (mask, ignore), where in read_list(folder / BOXES, 2):
        if name not in classes:
            raise BoxesInvalid(f"{where}: {name} is not in {CLASSES}.")
        yield _make_row([name, mask, ignore], classes[name], where)


def _make_row(given: list[str], class_index: int, where: str) -> _Row:
    path, mask = (parse_path(value, where) for value in given[:2])
    return _Row(path, class_index, mask, parse_path(given[2], where) if given[2].strip() else "", where)


def _gather(rows: Iterable[_Row]) -> list[MaskedImage]:
    found: dict[str, MaskedImage] = {}
    for n_read, row in enumerate(rows):
        if n_read >= MAX_ROWS:
            raise BoxesInvalid(f"The list has more than {MAX_ROWS:,} masks.")
        known = found.get(row.path, MaskedImage(row.path, row.class_index, (), row.ignore))
        if known.class_index != row.class_index:
            raise BoxesInvalid(f"{row.where}: {row.path} has another class than before.")
        if known.ignore and row.ignore and known.ignore != row.ignore:
            raise BoxesInvalid(f"{row.where}: {row.path} has another region to ignore than before.")
        masks = (*known.masks, row.mask)
        found[row.path] = MaskedImage(row.path, row.class_index, masks, known.ignore or row.ignore)
    if not found:
        raise BoxesInvalid("The list names no masks.")
    return [found[path] for path in sorted(found)]
