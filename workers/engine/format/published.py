"""Read and write the file formats in which dissections have been published.

Network Dissection's result CSV and thresholds ([BZKOT17]; units one-based there, and only there), and the
exemplars of MILAN (Hernandez et al., 2022): images.npy, masks.npy, units.npy.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.artifact import Arrays

LABEL_COLUMNS = ("label", "truth", "activation", "intersect", "iou")


class PublishedFileMalformed(Exception):
    """A file is not of the published format; the message says what is wrong where."""


@dataclass(frozen=True)
class CategoryResult:
    """A unit's best label within one category and its counts."""

    label: str
    truth: int
    activation: int
    intersection: int
    iou: float


@dataclass(frozen=True)
class UnitResult:
    """A row of a result CSV; `unit` is zero-based. Categories are in the file's order."""

    unit: int
    category: str
    label: str
    score: float
    categories: dict[str, CategoryResult]


def write_result_csv(*, manifest: dict[str, Any], arrays: Arrays, mode: str = "paper") -> str:
    """Network Dissection's CSV of one layer: best units first, ties to the lower unit; units one-based."""
    categories: list[str] = manifest["categories"]
    results = [
        _unit_result(unit, categories, manifest["labels"], arrays, mode) for unit in range(len(arrays["threshold"]))
    ]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_header(categories))
    for result in sorted(results, key=lambda one: (-one.score, one.unit)):
        row: list[object] = [result.unit + 1, result.category, result.label, repr(result.score)]
        for name in categories:
            own = result.categories[name]
            row += [own.label, own.truth, own.activation, own.intersection, repr(own.iou)]
        writer.writerow(row)
    return buffer.getvalue()


def _header(categories: Sequence[str]) -> list[str]:
    return ["unit", "category", "label", "score", *(f"{c}-{column}" for c in categories for column in LABEL_COLUMNS)]


def _unit_result(
    unit: int, categories: Sequence[str], labels: list[dict[str, Any]], arrays: Arrays, mode: str
) -> UnitResult:
    place = {label["number"]: i for i, label in enumerate(labels)}
    found: dict[str, CategoryResult] = {}
    for i, name in enumerate(categories):
        number = int(arrays[f"{mode}_best_label"][unit, i])
        if number < 0:
            found[name] = CategoryResult("", 0, 0, 0, 0.0)
            continue
        c = place[number]
        found[name] = CategoryResult(
            label=labels[c]["name"],
            truth=int(arrays[f"{mode}_truth"][c]),
            activation=int(arrays[f"{mode}_area"][unit, c]),
            intersection=int(arrays[f"{mode}_intersection"][unit, c]),
            iou=float(arrays[f"{mode}_best_iou"][unit, i]),
        )
    best = max(categories, key=lambda name: found[name].iou)
    return UnitResult(unit, best, found[best].label, found[best].iou, found)


def read_result_csv(text: str) -> list[UnitResult]:
    """Rows of a result CSV, in its order; raises PublishedFileMalformed naming line and column."""
    reader = csv.DictReader(io.StringIO(text))
    columns = list(reader.fieldnames or [])
    categories = [column.removesuffix("-label") for column in columns if column.endswith("-label")]
    if missing := [column for column in _header(categories) if column not in columns]:
        raise PublishedFileMalformed(f"Line 1: there is no column {missing[0]}.")
    results = []
    for row in reader:
        unit = int(_number(row, "unit", reader.line_num, whole=True)) - 1
        if unit < 0:
            raise PublishedFileMalformed(f"Line {reader.line_num}, column unit: units are counted from 1.")
        found = {name: _category_result(row, name, reader.line_num) for name in categories}
        score = _number(row, "score", reader.line_num)
        results.append(UnitResult(unit, row["category"], row["label"], score, found))
    return results


def _category_result(row: dict[str, str], name: str, line: int) -> CategoryResult:
    # Published files write counts now as whole numbers, now as decimals.
    counts = [
        int(_number(row, f"{name}-{column}", line, whole=True)) for column in ("truth", "activation", "intersect")
    ]
    return CategoryResult(row[f"{name}-label"], counts[0], counts[1], counts[2], _number(row, f"{name}-iou", line))


def _number(row: dict[str, str], column: str, line: int, *, whole: bool = False) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value < 2**63 or (whole and value != int(value)):
        raise PublishedFileMalformed(f"Line {line}, column {column}: {row[column]!r} is no count or share.")
    return value


def write_thresholds(thresholds: NDArray[np.float32]) -> bytes:
    """(U,) thresholds as Network Dissection keeps them: a .npy of float64."""
    buffer = io.BytesIO()
    np.save(buffer, thresholds.astype(np.float64), allow_pickle=False)
    return buffer.getvalue()


def read_thresholds(data: bytes) -> NDArray[np.float64]:
    """The inverse of write_thresholds; raises PublishedFileMalformed."""
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise PublishedFileMalformed(f"The thresholds cannot be read: {error}.") from None
    if values.ndim != 1 or values.dtype.kind != "f" or not np.isfinite(values).all():
        raise PublishedFileMalformed("Thresholds must be one finite number for each unit.")
    return np.asarray(values, dtype=np.float64)


@dataclass(frozen=True)
class Exemplars:
    """MILAN's exemplars: `images` (U, K, 3, H, W) uint8, `masks` (U, K, 1, H, W) flags, `units` (U,) zero-based
    indices.

    Images and masks stay on disk until they are looked at.
    """

    images: NDArray[np.uint8]
    masks: NDArray[Any]
    units: NDArray[np.int64]


def read_exemplars(folder: Path) -> Exemplars:
    """Open a layer's exemplars; raises PublishedFileMalformed. Without units.npy, units count from 0."""
    images, masks = _open(folder, "images.npy"), _open(folder, "masks.npy")
    if images.ndim != 5 or images.shape[2] != 3 or images.dtype != np.uint8:
        raise PublishedFileMalformed(
            f"images.npy is {images.dtype} {images.shape}, not uint8 (units, images, 3, height, width)."
        )
    if masks.shape != (*images.shape[:2], 1, *images.shape[3:]) or masks.dtype.kind not in "bui":
        raise PublishedFileMalformed(f"masks.npy is {masks.dtype} {masks.shape}, which does not fit images.npy.")
    if not (folder / "units.npy").exists():
        return Exemplars(images, masks, np.arange(len(images)))
    units = _open(folder, "units.npy")
    if units.shape != (len(images),) or units.dtype.kind not in "iu" or len(np.unique(units)) != len(units):
        raise PublishedFileMalformed("units.npy does not hold a different whole number for each unit of images.npy.")
    return Exemplars(images, masks, np.asarray(units, dtype=np.int64))


def _open(folder: Path, name: str) -> NDArray[Any]:
    try:
        return np.asanyarray(np.load(folder / name, mmap_mode="r", allow_pickle=False))
    except FileNotFoundError:
        raise PublishedFileMalformed(f"{name} is missing.") from None
    except (ValueError, OSError, EOFError) as error:
        raise PublishedFileMalformed(f"{name} cannot be read: {error}.") from None
