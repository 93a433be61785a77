"""Layers as wholes: units per concept and how sure they are, a network's layers one below the other, networks' best.

Every bar leads to a search that finds the units that it counts. That of a name may find more: the search looks at what
people and labeled pixels say, and knows other words for the same thing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.merges import follow_merges, lead_to_merged
from annotator.dashboard.frame.pages import SignedInRequest, show
from annotator.dashboard.units.scope import Scope, find_scope
from annotator.dashboard.units.selection import Selection
from annotator.labels.models import UnitLabel
from annotator.units.best_labels import is_best
from annotator.units.models import AutomaticLabel, DissectedUnit, Layer
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE
from workers.engine.plurals import say_count

Address = dict[str, str | int]
N_CONCEPTS = 24
N_BEST = 10
LAYERS_PAGE = 20
MAX_NETWORKS = 4
N_BINS = 10
# The gallery's bounds belong to what passes; units that count exceed these.
OVER_PRECISION = str(float(np.nextafter(INTERPRETABLE_ABOVE, 1)))
OVER_IOU = str(float(np.nextafter(DETECTOR_ABOVE, 1)))


@dataclass(frozen=True)
class Bar:
    """`share` of the longest bar; `link` leads to a search that finds the units that it counts."""

    words: str
    n: int
    share: float
    link: str
    kind: str = ""


@dataclass(frozen=True)
class Histogram:
    """`n` units have the value."""

    title: str
    bars: list[Bar]
    n: int
    low: str
    high: str


@needs(Role.VIEWER)
def show_layer(request: SignedInRequest, network: str, layer: str) -> HttpResponse:
    """One layer: its units by concept, and histograms of IoU, precision and importance; each bar leads to a search."""
    scope = find_scope(Selection({}))
    found = next((one for one in scope.layers if (one.network.name, one.path) == (network, layer)), None)
    if found is None:
        return lead_to_merged(request)
    people, broden = _list_people([found], scope), _list_broden([found], scope)
    importance = [one for one in found.units.values_list("importance", flat=True) if one is not None]
    address: Address = {"network": network, "layer": layer}
    counts = people.aggregate(n=Count("pk"), interpretable=Count("pk", filter=Q(precision__gt=INTERPRETABLE_ABOVE)))
    return show(
        request,
        "dashboard/looking/layer.html",
        title=f"Layer {layer}",
        subtitle=network,
        layer=found,
        siblings=[one for one in scope.layers if one.network_id == found.network_id],
        n_asked=counts["n"],
        n_interpretable=counts["interpretable"],
        n_detectors=broden.filter(iou__gt=DETECTOR_ABOVE).count(),
        by_people=_count_names(people, "concept", address),
        by_broden=_count_names(broden.filter(iou__gt=DETECTOR_ABOVE), "label", address | {"iou_min": OVER_IOU}),
        histograms=[
            one
            for one in (
                _draw("IoU", "iou", list(broden.values_list("iou", flat=True)), address, step=0.04),
                _draw("Precision", "precision", list(people.values_list("precision", flat=True)), address, step=0.1),
                _draw("Importance", "importance", importance, address, step=None),
            )
            if one.n
        ],
        everything=f"{reverse('gallery')}?{urlencode(address)}",
    )


def _list_people(layers: Sequence[Layer], scope: Scope) -> Any:
    """Labels of record about the crops of each layer's dissection."""
    return UnitLabel.objects.filter(_of_sources(layers, scope), is_of_record=True).order_by()


def _list_broden(layers: Sequence[Layer], scope: Scope) -> Any:
    return AutomaticLabel.objects.filter(_of_sources(layers, scope) & is_best()).order_by()


def _of_sources(layers: Sequence[Layer], scope: Scope) -> Q:
    by_source: dict[str, list[int]] = {}
    for layer in layers:
        if source := scope.sources.get(layer.pk):
            by_source.setdefault(source, []).append(layer.pk)
    wanted = Q(pk__in=[])
    for source, of_source in by_source.items():
        wanted |= Q(unit__layer__in=of_source, source=source)
    return wanted


def _count_names(labels: Any, field: str, address: Address) -> list[Bar]:
    """Units per name, the most frequent first; the search finds words for the same thing, too."""
    rows = labels.exclude(**{field: ""}).values(field).annotate(n=Count("pk"), category=Max("category"))
    counted = list(rows.order_by("-n", field).values_list(field, "n", "category")[:N_CONCEPTS])
    longest = max((n for _, n, _ in counted), default=1)
    return [
        Bar(name, n, n / longest, f"{reverse('gallery')}?{urlencode(address | {'concept': name})}", category)
        for name, n, category in counted
    ]


def _draw(title: str, name: str, values: Sequence[float], address: Address, *, step: float | None) -> Histogram:
    """Bars of one width; a value at an edge belongs to the bar above it, except at the end."""
    if not values:
        return Histogram(title, [], 0, "", "")
    highest = max(values)
    width = step or (highest / N_BINS or 1.0)
    edges = np.round(np.arange(0, max(2, int(np.ceil(highest / width - 1e-9)) + 1)) * width, 10)
    counts, _ = np.histogram(values, bins=edges)
    longest = max(1, int(counts.max()))
    bars = []
    for place, n in enumerate(counts.tolist()):
        low, high = float(edges[place]), float(edges[place + 1])
        end = high if place + 1 == len(counts) else float(np.nextafter(high, 0))
        link = f"{reverse('gallery')}?{urlencode({**address, f'{name}_min': str(low), f'{name}_max': str(end)})}"
        bars.append(Bar(f"{title} {low:.3g} to {high:.3g}: {say_count(n, 'unit')}", n, n / longest, link))
    return Histogram(title, bars, len(values), f"{edges[0]:.3g}", f"{edges[-1]:.3g}")


@dataclass(frozen=True)
class Stack:
    """One layer: its units by category, as shares of all its units, by people and by labeled pixels."""

    layer: Layer
    people: list[Bar]
    broden: list[Bar]


@needs(Role.VIEWER)
def show_layers(request: SignedInRequest, network: str) -> HttpResponse:
    """A network's layers one below the other: interpretable units and detectors by category."""
    scope = find_scope(Selection({}))
    of_network = [one for one in scope.layers if one.network.name == network]
    if not of_network:
        return lead_to_merged(request)
    page = Paginator(of_network, LAYERS_PAGE).get_page(request.GET.get("page"))
    layers = list(page)
    interpretable = _list_people(layers, scope).filter(precision__gt=INTERPRETABLE_ABOVE)
    people = _stack(interpretable, layers, "category", {"precision_min": OVER_PRECISION})
    detectors = _list_broden(layers, scope).filter(iou__gt=DETECTOR_ABOVE)
    broden = _stack(detectors, layers, "broden_category", {"iou_min": OVER_IOU})
    return show(
        request,
        "dashboard/looking/layers.html",
        title="Layers",
        subtitle=network,
        network=layers[0].network,
        page=page,
        stacks=[Stack(one, people.get(one.pk, []), broden.get(one.pk, [])) for one in layers],
    )


def _stack(labels: Any, layers: Sequence[Layer], name: str, bounds: Address) -> dict[int, list[Bar]]:
    """Layer -> its units by category, each as a share of all its units. One query."""
    by_layer = {layer.pk: layer for layer in layers}
    gallery = reverse("gallery")
    found: dict[int, list[Bar]] = {}
    rows = labels.values("unit__layer", "category").annotate(n=Count("pk")).order_by("unit__layer", "category")
    for pk, category, n in rows.values_list("unit__layer", "category", "n"):
        layer = by_layer[pk]
        address: Address = {"network": layer.network.name, "layer": layer.path, name: category, **bounds}
        link = f"{gallery}?{urlencode(address)}"
        words = f"{category}: {n} of {say_count(layer.n_units, 'unit')}"
        found.setdefault(pk, []).append(Bar(words, n, n / max(1, layer.n_units), link, category))
    return found


@dataclass(frozen=True)
class Best:
    """The unit of highest IoU with a label."""

    label: AutomaticLabel
    crop: str
    address: str


@needs(Role.VIEWER)
def show_best(request: SignedInRequest) -> HttpResponse:
    """The best unit of each label, several networks side by side: the deepest dissected layer of each."""
    scope = find_scope(Selection({}))
    deepest = {layer.network: layer for layer in scope.layers if layer.pk in scope.dissections}
    wanted = request.GET.getlist("network")
    if set(wanted) - {network.name for network in deepest} and (now := follow_merges(request.get_full_path())):
        return redirect(now)
    chosen = [layer for network, layer in deepest.items() if not wanted or network.name in wanted][:MAX_NETWORKS]
    return show(
        request,
        "dashboard/looking/best.html",
        title="Best units of networks",
        networks=sorted(deepest, key=str),
        most=MAX_NETWORKS,
        chosen={layer.network.name for layer in chosen},
        columns=[(layer, _list_best(layer, scope)) for layer in chosen],
    )


def _list_best(layer: Layer, scope: Scope) -> list[Best]:
    """Two queries."""
    labels = _list_broden([layer], scope).select_related("unit").order_by("label", "-iou", "unit__index")
    best = sorted(labels.distinct("label"), key=lambda one: (-one.iou, one.label))[:N_BEST]
    dissection = scope.dissections[layer.pk]
    measured = DissectedUnit.objects.filter(dissection=dissection, unit__in=[one.unit_id for one in best])
    strips = dict(measured.values_list("unit_id", "strip"))
    return [
        Best(
            label=one,
            crop=reverse("wall", args=[dissection.pk, strips[one.unit_id], 1, 1]) if strips.get(one.unit_id) else "",
            address=reverse("unit", args=[layer.network.name, layer.path, one.unit.index]),
        )
        for one in best
    ]
