"""A unit as the gallery shows it: its crops, people's label and the label by pixels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, FilteredRelation, Q
from django.urls import reverse

from annotator.dashboard.units.scope import Scope
from annotator.dashboard.units.searching import relate_labels
from annotator.labels.models import describe_simulated
from annotator.units.models import AutomaticLabel, Dissection, Layer
from workers.engine.format.bounds import INTERPRETABLE_ABOVE

WALL_COLUMNS = 4
WALL_ROWS = 3
# Field of a card -> where it is read.
TOLD = {
    "concept": "people__concept",
    "category": "people__category",
    "precision": "people__precision",
    "precision_low": "people__precision_low",
    "n_same_concept": "people__n_same_concept",
    "n_answers": "people__n_answers",
    "n_simulated": "people__n_simulated",
    "relation": "people__comparison__relation",
    "broden_label": "broden__label",
    "iou": "broden__iou",
}


@dataclass(frozen=True)
class UnitCard:
    """`dissection` is None for a unit that is known from published files alone: there are no crops of it."""

    index: int
    layer: Layer
    concept: str | None
    category: str | None
    precision: float | None
    precision_low: float | None
    n_same_concept: int | None
    n_answers: int | None
    n_simulated: int | None
    relation: str | None
    broden_label: str | None
    iou: float | None
    importance: float | None
    dissection: Dissection | None
    sheet: str
    silence: str

    @property
    def title(self) -> str:
        return f"{self.layer.path} unit {self.index}"

    @property
    def address(self) -> str:
        return reverse("unit", args=[self.layer.network.name, self.layer.path, self.index])

    @property
    def wall(self) -> str:
        if self.dissection is None:
            return ""
        return reverse("wall", args=[self.dissection.pk, self.sheet, WALL_COLUMNS, WALL_ROWS])

    @property
    def simulated_words(self) -> str:
        return describe_simulated(n_simulated=self.n_simulated or 0, n_answers=self.n_answers or 0)

    @property
    def is_interpretable(self) -> bool:
        return self.precision is not None and self.precision > INTERPRETABLE_ABOVE


def make_cards(*, unit_ids: Sequence[int], scope: Scope, mode: str = AutomaticLabel.Mode.PAPER) -> list[UnitCard]:
    """One query for all cards, in the order of the ids."""
    layers = {layer.pk: layer for layer in scope.layers}
    cards: dict[int, UnitCard] = {}
    for row in _read_rows(unit_ids, scope, mode):
        speaker = scope.dissections.get(row["layer_id"])
        # Another dissection of the scope may have measured the unit too. The card shows the one that the scope names.
        speaks = speaker is not None and row["dissection_id"] == speaker.pk
        if speaks or row["id"] not in cards:
            cards[row["id"]] = UnitCard(
                index=row["index"],
                layer=layers[row["layer_id"]],
                dissection=speaker if speaks else None,
                sheet=row["sheet"] or "",
                importance=row["importance"],
                silence=(row["silence"] or "") if speaks else "",
                **{name: row[name] for name in TOLD},
            )
    return [cards[pk] for pk in unit_ids]


def _read_rows(unit_ids: Sequence[int], scope: Scope, mode: str) -> Iterable[Mapping[str, Any]]:
    spoken = {dissection.pk for dissection in scope.dissections.values()} or {UUID(int=0)}
    measured = FilteredRelation("dissections", condition=Q(dissections__dissection__in=spoken))
    units = relate_labels(scope, mode=mode).annotate(measured=measured).filter(pk__in=unit_ids)
    told = {name: F(path) for name, path in TOLD.items()}
    return units.values(
        "id",
        "index",
        "layer_id",
        "importance",
        sheet=F("measured__strip"),
        silence=F("measured__silence"),
        dissection_id=F("measured__dissection_id"),
        **told,
    )
