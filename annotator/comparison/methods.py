"""What every method says about units, in words: those that files brought, people, and labeled pixels, all alike.

What people and labeled pixels say is computed here from labels of record and dissections.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from annotator.descriptions.models import Description
from annotator.labels.concepts import clean_label
from annotator.labels.models import UnitLabel
from annotator.units.best_labels import MODES_BY_RANK
from annotator.units.models import AutomaticLabel

PEOPLE, SIMULATED, PIXELS = "people", "people (simulated)", "labeled pixels"
# No file may bring a method of these names.
COMPUTED = (PEOPLE, SIMULATED, PIXELS)


def is_computed(method: str) -> bool:
    """True of the name of a method that no file may bring."""
    return method.casefold() in {name.casefold() for name in COMPUTED}


@dataclass(frozen=True)
class Said:
    """What one method says about one unit. `score` is the method's own; `score_name` says what it is."""

    unit_id: int
    method: str
    text: str
    score: float | None = None
    score_name: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def gather_said(unit_ids: Iterable[int]) -> dict[str, dict[int, Said]]:
    """By method, then by unit: people, labeled pixels, then the others in the alphabet. Three queries."""
    ids = list(unit_ids)
    found: dict[str, dict[int, Said]] = {}
    for one in (*_ask_people(ids), *_ask_pixels(ids), *_ask_files(ids)):
        found.setdefault(one.method, {})[one.unit_id] = one
    computed = [name for name in COMPUTED if name in found]
    return {name: found[name] for name in (*computed, *sorted(set(found) - set(computed)))}


def _ask_people(ids: list[int]) -> list[Said]:
    """The newest label of record of each unit; one with any simulated answer is called simulated."""
    labels = UnitLabel.objects.filter(unit__in=ids, is_of_record=True).exclude(concept="")
    return [
        Said(
            unit_id=label.unit_id,
            method=SIMULATED if label.n_simulated else PEOPLE,
            text=label.concept,
            score=label.precision,
            score_name="precision",
        )
        for label in labels.order_by("labeled_at", "pk").only("unit", "concept", "precision", "n_simulated")
    ]


def _ask_pixels(ids: list[int]) -> list[Said]:
    """The best label of the newest dissection; of its modes, the first of MODES_BY_RANK. Imported labels come last."""
    labels = AutomaticLabel.objects.filter(unit__in=ids, is_best=True).exclude(label="")
    rows = labels.values_list("unit_id", "label", "iou", "mode", "dissection__created_at", "pk")
    # The last one of a unit counts.
    return [
        Said(unit_id=unit_id, method=PIXELS, text=clean_label(label) or label, score=iou, score_name="IoU")
        for unit_id, label, iou, *_ in sorted(rows, key=_rank_of_label)
    ]


def _rank_of_label(row: tuple[Any, ...]) -> tuple[float, int, int]:
    _, _, _, mode, created_at, number = row
    return created_at.timestamp() if created_at else 0.0, -MODES_BY_RANK.index(mode), number


def _ask_files(ids: list[int]) -> list[Said]:
    rows = Description.objects.filter(unit__in=ids)
    values = rows.values_list("unit_id", "method__name", "text", "score", "method__score_name", "details")
    return [Said(*row) for row in values.order_by()]
