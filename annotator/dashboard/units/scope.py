"""What the gallery's filters apply to: one dissection or file per layer, and the campaigns whose labels are shown."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Subquery

from annotator.crowd.models import Campaign
from annotator.dashboard.units.selection import Selection
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, Dissection, Layer


@dataclass(frozen=True)
class Scope:
    """`dissections` and `sources` by layer: a layer known from a published file alone has a source only."""

    layers: list[Layer]
    dissections: dict[int, Dissection]
    sources: dict[int, str]
    campaigns: list[Campaign]


def find_scope(selection: Selection) -> Scope:
    """Four queries. A dissection or campaign that the selection names replaces the newest."""
    layers = list(Layer.objects.select_related("network"))
    dissections = _find_dissections(selection, layers)
    sources = {layer: str(dissection.pk) for layer, dissection in dissections.items()}
    if not selection.get("dissection"):
        sources = _find_imported([layer.pk for layer in layers if layer.pk not in dissections]) | sources
    return Scope(layers, dissections, sources, _find_campaigns(selection))


def _find_dissections(selection: Selection, layers: list[Layer]) -> dict[int, Dissection]:
    """Layer -> the newest finished dissection of it."""
    done = Dissection.objects.filter(state=Dissection.State.DONE).select_related("network", "image_set")
    if wanted := selection.get("dissection"):
        done = done.filter(pk=wanted)
    free = {(layer.network_id, layer.path): layer.pk for layer in layers}
    found = {}
    for dissection in done.defer("labels", "environment", "detectors"):
        # The units of a rotated basis are not units of the network.
        for path in () if dissection.options.get("rotation") else dissection.layer_paths:
            layer = free.pop((dissection.network_id, path), None)
            if layer is not None:
                found[layer] = dissection
    return found


def _find_imported(layers: list[int]) -> dict[int, str]:
    """Layer -> the file of automatic labels that was imported last; "" if only people's answers were."""
    rows = AutomaticLabel.objects.filter(dissection=None, unit__layer__in=layers)
    newest = rows.order_by("unit__layer_id", "-id").distinct("unit__layer_id")
    return dict.fromkeys(layers, "") | dict(newest.values_list("unit__layer_id", "source"))


def _find_campaigns(selection: Selection) -> list[Campaign]:
    """For each network the newest labeled campaign; one that asked people here goes before an imported one."""
    if name := selection.get("campaign"):
        return list(Campaign.objects.filter(name=name))
    labeled = Campaign.objects.filter(Exists(UnitLabel.objects.filter(campaign=OuterRef("pk"))))
    # Any label of the campaign tells its network. This order has an index.
    first = UnitLabel.objects.filter(campaign=OuterRef("pk")).order_by("-precision", "unit_id")
    network = first.values("unit__layer__network")[:1]
    newest_last = labeled.annotate(network=Subquery(network)).order_by("-is_imported", "created_at", "pk")
    return list({campaign.network: campaign for campaign in newest_last}.values())
