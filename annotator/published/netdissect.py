"""A layer's automatic labels in Network Dissection's columns: one-based units, the best of each category beside it."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from annotator.comparison.categories import BRODEN_CATEGORIES
from annotator.comparison.comparing import choose_labels_by_mode
from annotator.crowd.models import Campaign
from annotator.csv_files import write_csv
from annotator.names import to_file_name
from annotator.units.best_labels import find_named_mode
from annotator.units.models import AutomaticLabel, Layer

Row = dict[str, Any]

FIRST_COLUMNS = ("unit", "category", "label", "score")
MEASURES = ("label", "truth", "activation", "intersect", "iou")


def find_labels(*, layer: Layer, campaign: Campaign) -> dict[str, QuerySet[AutomaticLabel]]:
    """Of all units of the layer that were labeled along with the campaign's, by mode of IoU.

    "" stands for the mode that is meant where none is named.
    """
    by_mode = choose_labels_by_mode(campaign=campaign).values()
    mine = [labels for labels in by_mode if find_named_mode(labels).unit.layer_id == layer.id]
    rows = AutomaticLabel.objects.filter(
        unit__layer=layer, source__in={label.source for labels in mine for label in labels.values()}
    )
    named = {find_named_mode(labels).mode for labels in mine}
    others = {mode for labels in mine for mode in labels} - named
    return {"": rows.filter(mode__in=named), **{mode: rows.filter(mode=mode) for mode in sorted(others)}}


def write_labels(labels: QuerySet[AutomaticLabel]) -> bytes:
    """The CSV of one layer, highest IoU first, as published; empty if there are no labels."""
    rows = _list_rows(labels.select_related("unit"))
    return write_csv(rows, columns=_list_columns(rows)).encode() if rows else b""


def name_file(layer_path: str, *, mode: str = "") -> str:
    """The mode of IoU is named if it is not the one that is meant where none is."""
    return f"netdissect-{to_file_name(layer_path)}{f'-{mode}' if mode else ''}.csv"


def _list_rows(labels: Iterable[AutomaticLabel]) -> list[Row]:
    by_unit: dict[int, list[AutomaticLabel]] = {}
    for label in labels:
        by_unit.setdefault(label.unit.index, []).append(label)
    rows = [_write_unit(index, found) for index, found in by_unit.items() if any(label.is_best for label in found)]
    return sorted(rows, key=lambda row: (-row["score"], row["unit"]))


def _list_columns(rows: Sequence[Row]) -> list[str]:
    """Unit, category, label, score, then five columns for each category that any row has."""
    present = {key.rpartition("-")[0] for row in rows for key in row if key not in FIRST_COLUMNS}
    known = [category for category in BRODEN_CATEGORIES if category in present]
    categories = known + sorted(present - set(known))
    return [*FIRST_COLUMNS, *(f"{category}-{measure}" for category in categories for measure in MEASURES)]


def _write_unit(index: int, labels: Sequence[AutomaticLabel]) -> Row:
    best = next(label for label in labels if label.is_best)
    row: Row = {"unit": index + 1, "category": best.category, "label": best.label, "score": best.iou}
    for label in labels:
        measures = (label.label, label.truth, label.area, label.intersection, label.iou)
        for measure, value in zip(MEASURES, measures, strict=True):
            row[f"{label.category}-{measure}"] = "" if value is None else value
    return row
