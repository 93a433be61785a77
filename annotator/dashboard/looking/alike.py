"""The units that are like a unit, and two to four units side by side."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.merges import follow_merges, lead_to_merged
from annotator.dashboard.frame.numbers import read_number
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part, show_refusal
from annotator.dashboard.looking.similarity import count_pairs, find_alike, find_namesakes
from annotator.dashboard.units.cards import UnitCard, make_cards
from annotator.dashboard.units.scope import Scope, find_scope
from annotator.dashboard.units.selection import Selection
from annotator.units.finding import find_unit
from annotator.units.models import DissectedUnit, Unit

MIN_BESIDE, MAX_BESIDE = 2, 4


@dataclass(frozen=True)
class Beside:
    """One of the units side by side. `shared`: of the photographs, how many it has in common with each of them."""

    card: UnitCard
    dissected: DissectedUnit | None
    shared: list[int | None]
    key: int


@needs(Role.VIEWER)
def show_similar(request: SignedInRequest, network: str, layer: str, index: int) -> HttpResponse:
    """Units that fire on the same photographs or places (a part of the page), and units of the same name."""
    scope = find_scope(Selection({}))
    unit = find_unit(network, layer, index)
    if unit is None:
        return lead_to_merged(request)
    if request.headers.get("HX-Request"):
        dissected = _find_measured([unit], scope).get(unit.pk)
        alike = find_alike(dissected, scope) if dissected else None
        return show_part(request, "dashboard/looking/alike.html", {"alike": alike})
    (card,) = make_cards(unit_ids=[unit.pk], scope=scope)
    people, broden = find_namesakes(card, unit.pk, scope)
    return show(
        request,
        "dashboard/looking/similar.html",
        title=f"Like unit {index} of {layer}",
        subtitle=network,
        unit=unit,
        card=card,
        people=people,
        broden=broden,
        most=MAX_BESIDE,
    )


def _find_measured(units: list[Unit], scope: Scope) -> dict[int, DissectedUnit]:
    """Unit -> its measurements by the dissection that speaks for its layer."""
    rows = DissectedUnit.objects.filter(unit__in=units).select_related("dissection", "unit__layer")
    speaking = {layer: one.pk for layer, one in scope.dissections.items()}
    return {
        row.unit_id: row
        for row in rows.defer("dissection__labels", "dissection__environment")
        if speaking.get(row.unit.layer_id) == row.dissection_id
    }


@needs(Role.VIEWER)
def show_beside(request: SignedInRequest) -> HttpResponse:
    """Two to four units side by side."""
    names = list(dict.fromkeys(request.GET.getlist("unit")))
    if not MIN_BESIDE <= len(names) <= MAX_BESIDE:
        said = f"Choose {MIN_BESIDE} to {MAX_BESIDE} units to set side by side; {len(names)} are chosen."
        return show_refusal(request, said, status=422)
    scope = find_scope(Selection({}))
    found = [_find_unit(name, scope) for name in names]
    units = [unit for unit in found if unit is not None]
    if len(units) < len(names):
        if now := follow_merges(request.get_full_path()):
            return redirect(now)
        unknown = next(name for name, unit in zip(names, found, strict=True) if unit is None)
        return show_refusal(request, f"There is no unit {unknown[:200]}.", status=404)
    measured = _find_measured(units, scope)
    pairs = count_pairs([measured[unit.pk] for unit in units if unit.pk in measured])
    cards = make_cards(unit_ids=[unit.pk for unit in units], scope=scope)
    shown = [
        Beside(
            card=card,
            dissected=measured.get(unit.pk),
            shared=[pairs.get((min(unit.pk, one.pk), max(unit.pk, one.pk))) for one in units],
            key=place + 1,
        )
        for place, (unit, card) in enumerate(zip(units, cards, strict=True))
    ]
    return show(request, "dashboard/looking/beside.html", title="Units side by side", shown=shown)


def _find_unit(name: str, scope: Scope) -> Unit | None:
    """Of NETWORK/LAYER/INDEX, in which network and layer may hold slashes."""
    place, _, number = name.rpartition("/")
    if (index := read_number(number)) is None:
        return None
    layer = next((one for one in scope.layers if place == f"{one.network.name}/{one.path}"), None)
    return None if layer is None else Unit.objects.filter(layer=layer, index=index).first()
