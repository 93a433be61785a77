"""Walking through a network: a unit with the units that feed it and those that it feeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.merges import lead_to_merged
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part
from annotator.dashboard.frame.stages import tell_unanswered
from annotator.dashboard.units.cards import UnitCard, make_cards
from annotator.dashboard.units.scope import Scope, find_scope
from annotator.dashboard.units.selection import Selection
from annotator.evidence.asking import CannotAsk
from annotator.evidence.looking import find_walk
from annotator.units.finding import find_neighbors, find_unit
from annotator.units.models import IMPORTED, Dissection, Layer, Unit
from workers import contract
from workers.engine.format.artifact import Arrays, ArtifactMalformed, unpack_arrays
from workers.store import StoreError, open_store

GONE = "What was found of this network is not in the store any more, or the store does not answer. Look again later."
# The keys that lead to the units before, and to those after.
KEYS = {"fed": "12345678", "feeds": "asdfghjk"}


@dataclass(frozen=True)
class Neighbor:
    """`key` leads to it. `n_convolutions` lie between, one if it feeds directly; `share` of the largest strength."""

    card: UnitCard
    strength: float
    key: str
    n_convolutions: int
    share: float

    @property
    def css_width(self) -> str:
        return f"{100 * abs(self.share):.1f}%"


@needs(Role.VIEWER)
def show_walk(request: SignedInRequest, network: str, layer: str, index: int) -> HttpResponse:
    """A unit between the units that feed it and those that it feeds. The page asks for them as a part of its own, for
    which a GPU process is asked once for each network.
    """
    scope = find_scope(Selection({}))
    unit = find_unit(network, layer, index)
    if unit is None:
        return lead_to_merged(request)
    layers = [one for one in scope.layers if one.network_id == unit.layer.network_id and one.pk in scope.dissections]
    context: dict[str, Any] = {"unit": unit, "layers": layers}
    if request.headers.get("HX-Request"):
        return show_part(request, "dashboard/looking/walked.html", context | _describe(unit, layers, scope))
    previous_index, next_index = find_neighbors(unit)
    return show(
        request,
        "dashboard/looking/walk.html",
        title=f"Walk: unit {index} of {layer}",
        subtitle=network,
        previous_index=previous_index,
        next_index=next_index,
        **context,
    )


def _describe(unit: Unit, layers: list[Layer], scope: Scope) -> dict[str, Any]:
    if unit.layer_id not in scope.dissections:
        return {"refusal": "This layer has not been dissected."}
    try:
        dissection = _choose_dissection(layers, scope)
        question = find_walk(dissection=dissection, layer_paths=[one.path for one in layers], now=timezone.now())
    except CannotAsk as busy:
        return {"refusal": str(busy)}
    if unanswered := tell_unanswered(question):
        return unanswered
    try:
        arrays = _read(question.folder)
    except (StoreError, ArtifactMalformed, OSError):
        return {"refusal": GONE}
    between = {(edge["source"], edge["target"]): edge["n_convolutions"] for edge in question.answer["edges"]}
    return {
        "is_walked": True,
        "n_images": question.answer["n_images"],
        "image_set": dissection.image_set.name,
        "fed": _list_neighbors("fed", unit, layers, arrays, between, scope),
        "feeds": _list_neighbors("feeds", unit, layers, arrays, between, scope),
    }


def _choose_dissection(layers: list[Layer], scope: Scope) -> Dissection:
    """Whose photographs the network is asked about, whichever unit a walk begins at: the newest one's here."""
    here = [scope.dissections[one.pk] for one in layers]
    return max(
        here, key=lambda one: (not one.image_set.address.startswith(f"{IMPORTED}:"), one.created_at, str(one.pk))
    )


@lru_cache(maxsize=8)
def _read(folder: str) -> Arrays:
    return unpack_arrays(open_store(folder).read(contract.STRONGEST))


def _list_neighbors(
    way: str,
    unit: Unit,
    layers: list[Layer],
    arrays: Arrays,
    between: Mapping[tuple[str, str], int],
    scope: Scope,
) -> list[Neighbor]:
    """The strongest first. Two queries."""
    number = next(place for place, one in enumerate(layers) if one.pk == unit.layer_id)
    if unit.index >= len(arrays[f"{way}-unit-{number}"]):
        return []
    whose, units, strengths = (arrays[f"{way}-{part}-{number}"][unit.index] for part in ("layer", "unit", "strength"))
    found = [
        (layers[int(one)], int(other), float(strength))
        for one, other, strength in zip(whose, units, strengths, strict=True)
        if other >= 0
    ]
    rows = Unit.objects.filter(layer__in={one.pk for one, _, _ in found}, index__in={other for _, other, _ in found})
    ids = {(pk_of_layer, other): pk for pk, pk_of_layer, other in rows.values_list("pk", "layer_id", "index")}
    known = [one for one in found if (one[0].pk, one[1]) in ids]
    cards = make_cards(unit_ids=[ids[one.pk, other] for one, other, _ in known], scope=scope)
    largest = max((abs(strength) for _, _, strength in known), default=1.0) or 1.0
    return [
        Neighbor(
            card=card,
            strength=strength,
            key=key,
            n_convolutions=between.get(
                (layer.path, unit.layer.path) if way == "fed" else (unit.layer.path, layer.path), 1
            ),
            share=strength / largest,
        )
        for card, (layer, _, strength), key in zip(cards, known, KEYS[way], strict=False)
    ]
