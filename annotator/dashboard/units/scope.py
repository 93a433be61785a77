"""What the gallery's filters apply to: one dissection or file per layer, and whose labels are shown."""

from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Case, CharField, F, Q, Sum, Value, When

from annotator.crowd.models import Campaign, HITUnit
from annotator.dashboard.units.selection import Selection
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, Dissection, Layer


@dataclass(frozen=True)
class Scope:
    """`dissections` and `sources` by layer: a layer known from a published file alone has a source only.

    `campaign`: whose labels are shown; None: the labels of record.
    """

    layers: list[Layer]
    dissections: dict[int, Dissection]
    sources: dict[int, str]
    campaign: Campaign | None = None
    people: Q = field(default_factory=Q)


def find_scope(selection: Selection) -> Scope:
    """Four queries, one more if a layer was dissected several times. A dissection or campaign that the selection names
    replaces the one that speaks otherwise.
    """
    layers = list(Layer.objects.select_related("network"))
    name = selection.get("campaign")
    campaign = Campaign.objects.filter(name=name).first() if name else None
    dissections = _find_dissections(selection, layers, campaign)
    sources = {layer: str(dissection.pk) for layer, dissection in dissections.items()}
    if not selection.get("dissection"):
        sources = _find_imported([layer.pk for layer in layers if layer.pk not in dissections]) | sources
    whose = Q(unit_labels__campaign=campaign.pk if campaign else 0) if name else Q(unit_labels__is_of_record=True)
    crops = Q(unit_labels__source=choose_by_layer({layer: str(one.pk) for layer, one in dissections.items()}))
    return Scope(layers, dissections, sources, campaign, whose & crops)


def choose_by_layer(sources: dict[int, str]) -> Value | Case:
    """A text for each layer, as an expression on units; "" for other layers."""
    layers: dict[str, list[int]] = {}
    for layer, source in sources.items():
        layers.setdefault(source, []).append(layer)
    cases = (When(layer__in=ids, then=Value(source)) for source, ids in layers.items())
    return Case(*cases, default=Value(""), output_field=CharField()) if layers else Value("")


def _find_dissections(selection: Selection, layers: list[Layer], campaign: Campaign | None) -> dict[int, Dissection]:
    """Layer -> the finished dissection of it that speaks: of a campaign, the one whose crops it shows."""
    done = Dissection.objects.filter(state=Dissection.State.DONE, is_baseline=False)
    done = done.select_related("network", "image_set")
    if wanted := selection.get("dissection"):
        done = done.filter(pk=wanted)
    elif campaign is not None:
        done = done.filter(pk__in=HITUnit.objects.filter(hit__campaign=campaign).values("dissected_unit__dissection"))
    by_path = {(layer.network_id, layer.path): layer.pk for layer in layers}
    measured: dict[int, list[Dissection]] = {}
    for dissection in done.defer("labels", "environment", "detectors"):
        # The units of a rotated basis are not units of the network.
        for path in () if dissection.options.get("rotation") else dissection.layer_paths:
            if (layer := by_path.get((dissection.network_id, path))) is not None:
                measured.setdefault(layer, []).append(dissection)
    return choose_speaking(measured)


def choose_speaking(measured: dict[int, list[Dissection]]) -> dict[int, Dissection]:
    """Layer -> of the dissections of it, newest first, the one about whose crops most people have answered.

    People go before simulated people; without answers the newest speaks. So one answer about new crops does not hide
    what many have said about others.
    """
    several = {layer for layer, found in measured.items() if len(found) > 1}
    counts = _count_answers(several) if several else {}
    return {
        layer: max(found, key=lambda one: counts.get((layer, one.pk), (0, 0)))  # the first of equals
        for layer, found in measured.items()
    }


def _count_answers(layers: set[int]) -> dict[tuple[int, UUID], tuple[int, int]]:
    """By layer and dissection: answers by people, and all answers, of the labels of record."""
    rows = UnitLabel.objects.filter(is_of_record=True, unit__layer__in=layers).exclude(source="").order_by()
    found = rows.values_list("unit__layer_id", "source").annotate(
        n=Sum("n_answers"), n_real=Sum(F("n_answers") - F("n_simulated"))
    )
    return {(layer, UUID(source)): (n_real, n) for layer, source, n, n_real in found}


def _find_imported(layers: list[int]) -> dict[int, str]:
    """Layer -> the file of automatic labels that was imported last; "" if only people's answers were."""
    rows = AutomaticLabel.objects.filter(dissection=None, unit__layer__in=layers)
    newest = rows.order_by("unit__layer_id", "-id").distinct("unit__layer_id")
    return dict.fromkeys(layers, "") | dict(newest.values_list("unit__layer_id", "source"))
