"""The gallery of units: its filters are in the address, and it can show two layers side by side."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Value
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.merges import follow_merges
from annotator.dashboard.frame.pages import SignedInRequest, permissions, show, show_refusal
from annotator.dashboard.units.cards import UnitCard, make_cards
from annotator.dashboard.units.meaning import Meaning, find_meaning
from annotator.dashboard.units.scope import Scope, find_scope
from annotator.dashboard.units.searching import MAX_COUNTED, find_units, read_mode
from annotator.dashboard.units.selection import Selection, SelectionForm, UnknownFilter, read_selection
from annotator.descriptions.models import Method
from workers.engine.plurals import say_count

PAGE_SIZE = 24


@dataclass(frozen=True)
class Wall:
    """One column of the gallery."""

    title: str
    # Address of the layer's page, if the wall shows one layer of a named network.
    layer: str
    cards: list[UnitCard]
    # Why the units are not in the order asked for; "" if they are.
    remark: str
    n_units: int
    has_more_than_counted: bool
    has_next: bool


# Order -> the field of a card that gives it, and what a card without it lacks.
LACKING = {
    "iou": ("iou", "no label by labeled pixels in this mode"),
    "label": ("iou", "no label by labeled pixels in this mode"),
    "precision": ("precision", "no label by people here"),
    "least-precise": ("precision", "no label by people here"),
    "concept": ("precision", "no label by people here"),
    "importance": ("importance", "no measured importance"),
}
# The filters above "More filters". The others are shown if one of them is set.
UNFOLDED = {"concept", "layer", "category", "broden_category", "relation", "dissection", "sort", "page"}


@needs(Role.VIEWER)
def show_gallery(request: SignedInRequest) -> HttpResponse:
    """Units with their crops, filtered and sorted."""
    try:
        selection = read_selection(request.GET)
    except UnknownFilter as unknown:
        return show_refusal(request, str(unknown), status=400)
    scope = find_scope(selection)
    network = str(selection.get("network") or "")
    is_known = not network or network in {layer.network.name for layer in scope.layers}
    if not is_known and (now := follow_merges(request.get_full_path())):
        return redirect(now)
    campaigns, methods = _list_choices()
    context: dict[str, Any] = {
        "selection": selection,
        "chips": _name_chips(selection, scope),
        "form": SelectionForm(request.GET),
        "scope": scope,
        "campaigns": campaigns,
        "methods": methods,
        "networks": sorted({layer.network for layer in scope.layers}, key=str),
        "paths": sorted({layer.path for layer in scope.layers}),
        "has_more_filters": bool(selection.values.keys() - UNFOLDED),
        "meaning": (meaning := find_meaning(concept) if (concept := str(selection.get("concept") or "")) else None),
        "walls": (walls := _walls(selection, scope, meaning)),
        "here": f"{reverse('gallery')}{selection.address()}".removesuffix("?"),
        **_paging(selection, walls),
    }
    if request.headers.get("HX-Request"):
        return render(request, "dashboard/units/gallery_walls.html", {**context, **permissions(request)})
    return show(request, "dashboard/units/gallery.html", title="Units", **context)


def _name_chips(selection: Selection, scope: Scope) -> list[tuple[str, str, str]]:
    """The filters that are set; a dissection by its network and images, in place of its id."""
    named = {str(one.pk): f"{one}, {one.run_words}" for one in scope.dissections.values()}
    return [(label, named.get(value, value), without) for label, value, without in selection.active()]


def _list_choices() -> tuple[list[str], list[str]]:
    """Names of campaigns, the newest first, and of methods, in one query."""
    named = [
        model._default_manager.order_by().annotate(kind=Value(kind)).values_list("kind", "created_at", "name")
        for kind, model in enumerate((Campaign, Method))
    ]
    rows = list(named[0].union(named[1], all=True))
    campaigns = sorted(((at, name) for kind, at, name in rows if kind == 0), reverse=True)
    return [name for _, name in campaigns], sorted(name for kind, _, name in rows if kind == 1)


def _walls(selection: Selection, scope: Scope, meaning: Meaning | None) -> list[Wall]:
    walls = [_wall(selection, scope, meaning)]
    if beside := selection.get("beside"):
        other = Selection({**selection.values, **_read_layer(str(beside), scope)})
        walls.append(_wall(other, scope, meaning))
    return walls


def _read_layer(beside: str, scope: Scope) -> dict[str, str]:
    """Network and layer of NETWORK/LAYER; both may hold slashes."""
    for layer in scope.layers:
        if beside == f"{layer.network.name}/{layer.path}":
            return {"network": layer.network.name, "layer": layer.path}
    network, _, path = beside.partition("/")
    return {"network": network, "layer": path}


def _wall(selection: Selection, scope: Scope, meaning: Meaning | None) -> Wall:
    end = read_page(selection) * PAGE_SIZE
    found = find_units(selection, scope, n_most=max(MAX_COUNTED, end) + 1, meaning=meaning)
    title = " ".join(str(selection.get(name)) for name in ("network", "layer") if selection.get(name))
    network, path = selection.get("network"), selection.get("layer")
    is_one = any((one.network.name, one.path) == (network, path) for one in scope.layers)
    cards = make_cards(unit_ids=found[end - PAGE_SIZE : end], scope=scope, mode=read_mode(selection))
    return Wall(
        title=title or "All layers",
        layer=reverse("layer", args=[network, path]) if is_one else "",
        cards=cards,
        remark=_tell_order(str(selection.get("sort") or "iou"), cards),
        n_units=min(len(found), MAX_COUNTED),
        has_more_than_counted=len(found) > MAX_COUNTED,
        has_next=len(found) > end,
    )


def _tell_order(sort: str, cards: list[UnitCard]) -> str:
    field, what = LACKING.get(sort, ("index", ""))
    n_lacking = sum(getattr(card, field) is None for card in cards)
    if not n_lacking:
        return ""
    some = say_count(n_lacking, "of these units has", "of these units have")
    return (
        f"{'These units have' if n_lacking == len(cards) else some} {what}. Such units stand in the order of measuring."
    )


def read_page(selection: Selection) -> int:
    return int(str(selection.get("page") or 1))


def _paging(selection: Selection, walls: list[Wall]) -> dict[str, Any]:
    page = read_page(selection)
    return {
        "has_next": any(wall.has_next for wall in walls),
        "page": page,
        "previous_address": selection.address(page=page - 1) if page > 1 else "",
        "next_address": selection.address(page=page + 1),
    }
