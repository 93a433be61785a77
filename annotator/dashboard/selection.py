"""What a researcher asked the gallery for: named filters of the address, and the units that pass them."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import F, FilteredRelation, Q, QuerySet
from django.http import QueryDict

from annotator.crowd.models import Campaign
from annotator.dashboard.review_reasons import find_reasons
from annotator.dashboard.selection_form import SelectionForm
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, Layer

PAGE_SIZE = 36
# Beyond this the gallery says "more than": an exact count would read every row.
COUNTED_AT_MOST = 2000


class UnknownFilter(Exception):
    """The address asks for a filter that does not exist, or gives one a value it cannot have."""


@dataclass(frozen=True)
class Selection:
    """One view of the gallery: the cleaned filters, and the address that shows the same to anybody."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        return self.values.get(name)

    def address(self, **changes: object) -> str:
        """The query string of this view with some filters changed; None or "" drops a filter."""
        merged = {**self.values, **changes}
        named = [(name, merged[name]) for name in SelectionForm.base_fields if is_set(merged.get(name))]
        return "?" + urlencode([(name, "on" if value is True else str(value)) for name, value in named])

    def active(self) -> list[tuple[str, str, str]]:
        """(label, value, address without it) of each filter that is set, for the chips above the wall."""
        fields = SelectionForm.base_fields
        return [
            (
                str(fields[name].label),
                "yes" if value is True else str(value),
                self.address(**{name: None, "page": None}),
            )
            for name, value in self.values.items()
            if name not in ("sort", "page", "beside") and value not in (None, "", False)
        ]


def read_selection(query: QueryDict) -> Selection:
    """Raises UnknownFilter with one clear sentence; nothing of a visitor's text reaches a look-up's name."""
    unknown = sorted(set(query) - set(SelectionForm.base_fields))
    if unknown:
        named = ", ".join(SelectionForm.base_fields)
        raise UnknownFilter(f"There is no filter named {unknown[0][:60]!r}. There are: {named}.")
    form = SelectionForm(query)
    if not form.is_valid():
        name, problems = next(iter(form.errors.items()))
        raise UnknownFilter(f"{name}: {problems[0]}")
    return Selection({name: value for name, value in form.cleaned_data.items() if is_set(value)})


def is_set(value: object) -> bool:
    """Zero is a value; `in (None, "", False)` would take it for False."""
    return value is not None and value is not False and value != ""


@dataclass(frozen=True)
class Ground:
    """What the filters apply to: for each layer its newest finished dissection, and one campaign's labels."""

    layers_by_dissection: dict[UUID, list[int]]
    campaign: Campaign | None
    layers: list[Layer]
    dissections: dict[UUID, Dissection]


def find_ground(selection: Selection) -> Ground:
    """Three queries. A dissection or campaign that the selection names replaces the newest."""
    done = Dissection.objects.filter(state=Dissection.State.DONE).select_related("network", "image_set")
    if wanted := selection.get("dissection"):
        done = done.filter(pk=wanted)
    layers = list(Layer.objects.select_related("network"))
    free = {(layer.network_id, layer.path): layer for layer in layers}
    used: dict[UUID, list[int]] = {}
    dissections = {}
    for dissection in done.defer("labels"):
        for path in dissection.layer_paths:
            layer = free.pop((dissection.network_id, path), None)
            if layer is not None:
                used.setdefault(dissection.pk, []).append(layer.pk)
                dissections[dissection.pk] = dissection
    return Ground(used, _campaign(selection), layers, dissections)


def _campaign(selection: Selection) -> Campaign | None:
    if name := selection.get("campaign"):
        return Campaign.objects.filter(name=name).first()
    newest = UnitLabel.objects.filter(campaign__is_imported=False).order_by("-id").select_related("campaign").first()
    return newest.campaign if newest else None


def choose_units(selection: Selection, ground: Ground) -> QuerySet[DissectedUnit]:
    """The units that pass, in the order asked for, each with `iou` and `precision` where known."""
    units = DissectedUnit.objects.filter(_within(selection, ground)).annotate(
        people=FilteredRelation("unit__unit_labels", condition=Q(unit__unit_labels__campaign=ground.campaign)),
        broden=FilteredRelation(
            "unit__automatic_labels",
            condition=Q(
                unit__automatic_labels__is_best=True,
                unit__automatic_labels__mode=selection.get("mode") or AutomaticLabel.Mode.PAPER,
                unit__automatic_labels__dissection_id__in=list(ground.layers_by_dissection),
            ),
        ),
    )
    return units.filter(_passes(selection)).order_by(*ORDERS[str(selection.get("sort") or "iou")])


ORDERS: dict[str, list[Any]] = {
    "iou": [F("broden__iou").desc(nulls_last=True), "pk"],
    "precision": [F("people__precision").desc(nulls_last=True), "pk"],
    "least-precise": [F("people__precision").asc(nulls_last=True), "pk"],
    "index": ["unit__layer_id", "unit__index", "pk"],
    "concept": [F("people__concept").asc(nulls_last=True), "pk"],
    "label": [F("broden__label").asc(nulls_last=True), "pk"],
}


def _within(selection: Selection, ground: Ground) -> Q:
    """Dissection by dissection, the layers it speaks for; network and layer are resolved to ids here."""
    network, path = selection.get("network"), selection.get("layer")
    wanted = {
        layer.pk
        for layer in ground.layers
        if (not network or layer.network.name == network) and (not path or layer.path == path)
    }
    within = Q(pk__in=[])
    for dissection, layers in ground.layers_by_dissection.items():
        chosen = [layer for layer in layers if layer in wanted]
        if chosen:
            within |= Q(dissection=dissection, unit__layer__in=chosen)
    return within


def _passes(selection: Selection) -> Q:
    passes = Q()
    for name, lookup in LOOKUPS.items():
        value = selection.get(name)
        if value is not None:
            passes &= Q(**{lookup: value})
    if concept := selection.get("concept"):
        passes &= Q(people__concept__icontains=concept) | Q(broden__label__icontains=concept)
    if index := selection.get("index"):
        passes &= Q(unit__index=index)
    if relation := selection.get("relation"):
        agree = ["equal", "synonym"]
        passes &= Q(people__comparison__relation__in=agree if relation == "agree" else [relation])
    return passes & (find_reasons(prefix="people__") if selection.get("review") else Q())


LOOKUPS = {
    "category": "people__category",
    "broden_category": "broden__category",
    "precision_min": "people__precision__gte",
    "precision_max": "people__precision__lte",
    "iou_min": "broden__iou__gte",
    "iou_max": "broden__iou__lte",
}


def count_at_most(units: QuerySet[DissectedUnit]) -> tuple[int, bool]:
    """(number, whether there are more than that)."""
    n_found = units.order_by()[: COUNTED_AT_MOST + 1].count()
    return min(n_found, COUNTED_AT_MOST), n_found > COUNTED_AT_MOST
