"""Files of automatic labels -> rows in the product's own terms: Network Dissection's and NetDissect-Lite's CSV, and
CLIP-Dissect's descriptions.csv. One-based units become zero-based here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from annotator.published.csv_reading import BadFile, Row, read_sheet

UNIT_COLUMNS = ("unit", "category", "label", "score")
CLIP_COLUMNS = ("layer", "unit", "description", "similarity")
# A score is the IoU of its category, written once more.
ROUNDING = 1e-6


@dataclass(frozen=True)
class ImportedLabel:
    """One unit's best label within one category; counts of pixels where the file has them."""

    index: int
    category: str
    label: str
    iou: float
    is_best: bool
    truth: float | None = None
    area: float | None = None
    intersection: float | None = None


@dataclass(frozen=True)
class ImportedName:
    """CLIP-Dissect's description of a unit: a similarity is no IoU and has no category."""

    index: int
    name: str
    similarity: float


@dataclass(frozen=True)
class LabelFile:
    labels: tuple[ImportedLabel, ...] = ()
    names: tuple[ImportedName, ...] = ()

    @property
    def indexes(self) -> list[int]:
        """Of the units that the file speaks of, in its order."""
        return list(dict.fromkeys([label.index for label in self.labels] + [name.index for name in self.names]))


def read_labels(content: bytes, *, file: str, layer: str) -> LabelFile:
    """`layer` picks the rows of a CLIP-Dissect file, which may hold several layers. Raises sheets.BadFile."""
    rows = read_sheet(content, file=file, needed=())
    if all(column in rows[0].cells for column in CLIP_COLUMNS):
        return LabelFile(names=tuple(_read_names(rows, file=file, layer=layer)))
    if missing := [column for column in UNIT_COLUMNS if column not in rows[0].cells]:
        raise BadFile(f"{file}, row 1: column {', '.join(missing)} missing.")
    categories = [column.removesuffix("-iou") for column in rows[0].cells if column.endswith("-iou")]
    if missing := [f"{category}-label" for category in categories if f"{category}-label" not in rows[0].cells]:
        raise BadFile(f"{file}, row 1: column {', '.join(missing)} missing.")
    _refuse_doubles(rows, lowest=1)
    return LabelFile(labels=tuple(label for row in rows for label in _read_unit(row, categories)))


def _refuse_doubles(rows: Sequence[Row], *, lowest: int) -> None:
    seen: dict[int, int] = {}
    for row in rows:
        unit = row.whole("unit", lowest=lowest)
        if seen.setdefault(unit, row.number) != row.number:
            raise row.refuse("unit", f"unit {unit} stands in row {seen[unit]} too")


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


def _read_names(rows: Sequence[Row], *, file: str, layer: str) -> list[ImportedName]:
    mine = [row for row in rows if row.text("layer") == layer]
    if not mine:
        others = ", ".join(sorted({row.text("layer") for row in rows})[:10])
        raise BadFile(f"{file}: no row of layer {layer}; it has {others}.")
    _refuse_doubles(mine, lowest=0)
    return [
        ImportedName(
            index=row.whole("unit", lowest=0), name=row.text("description"), similarity=row.number_within("similarity")
        )
        for row in mine
    ]
