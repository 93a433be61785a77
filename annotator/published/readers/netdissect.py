"""Automatic labels in Network Dissection's and NetDissect-Lite's result CSV; units count from one there [BZKOT17]."""

from collections.abc import Sequence

from annotator.published.netdissect import FIRST_COLUMNS
from annotator.published.readers.cells import BadFile, Row, read_sheet, refuse_doubled_units
from annotator.published.readers.records import ImportedLabel, LabelFile, PublishedReader

# A score is the IoU of its category, written once more.
ROUNDING = 1e-6


def read_netdissect(content: bytes, file: str, layer: str) -> LabelFile:
    rows = read_sheet(content, file=file, needed=FIRST_COLUMNS)
    categories = [column.removesuffix("-iou") for column in rows[0].cells if column.endswith("-iou")]
    if missing := [f"{category}-label" for category in categories if f"{category}-label" not in rows[0].cells]:
        raise BadFile(f"{file}, row 1: column {', '.join(missing)} missing.")
    refuse_doubled_units(rows, lowest=1)
    return LabelFile(labels=tuple(label for row in rows for label in _read_unit(row, categories)))


def _read_unit(row: Row, categories: Sequence[str]) -> list[ImportedLabel]:
    found = [label for category in categories if (label := _read_label(row, category))]
    best = next((label for label in found if label.is_best), None)
    if best is None:
        raise row.refuse("category", f"{row.cells['category'][:40]!r} has no columns of its own")
    score = row.number_within("score", low=0, high=1)
    if abs(score - best.iou) > ROUNDING:
        raise row.refuse("score", f"{score:g} is not the IoU of {best.category}, {best.iou:g}")
    if row.text("label") != best.label:
        raise row.refuse("label", f"{row.text('label')!r} is not the label of {best.category}, {best.label!r}")
    if any(label.iou > best.iou + ROUNDING for label in found):
        raise row.refuse("score", f"{score:g} is not the highest IoU of the row")
    return found


def _read_label(row: Row, category: str) -> ImportedLabel | None:
    """None where the file names no label of the category for this unit."""
    name = row.text(f"{category}-label")
    if not name:
        return None
    return ImportedLabel(
        index=row.whole("unit", lowest=1) - 1,
        category=category,
        label=name,
        iou=row.number_within(f"{category}-iou", low=0, high=1),
        is_best=row.cells["category"].strip() == category,
        truth=_read_count(row, f"{category}-truth"),
        area=_read_count(row, f"{category}-activation"),
        intersection=_read_count(row, f"{category}-intersect"),
    )


def _read_count(row: Row, column: str) -> float | None:
    return row.number_within(column, low=0) if row.cells.get(column, "").strip() else None


# Whatever is not recognized before is taken for this format, and refused column by column.
READER = PublishedReader(ending=".csv", recognizes=lambda head, file_name: True, read=read_netdissect)
