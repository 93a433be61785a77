"""A network's tree in the form of a new dissection: each layer with its units, shape and parameters, to be ticked."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.numbers import read_key
from annotator.dashboard.frame.pages import SignedInRequest, show_part
from annotator.dashboard.frame.stages import tell_unanswered
from annotator.evidence.asking import CannotAsk
from annotator.evidence.looking import find_layers
from annotator.units.models import IMPORTED, Network


@dataclass(frozen=True)
class Part:
    """A module. `row` as workers.engine.networks.module_tree.list_parts describes it."""

    name: str
    row: dict[str, Any]
    parts: list["Part"] = field(default_factory=list)


@needs(Role.RESEARCHER)
def show_layer_tree(request: SignedInRequest) -> HttpResponse:
    """The layers of the chosen network, for which a GPU process is asked once."""
    registered = Network.objects.exclude(architecture__startswith=IMPORTED)
    network = get_object_or_404(registered, pk=read_key(request.GET.get("network", "")))
    return show_part(request, "dashboard/dissections/layer_tree.html", {"network": network, **_describe(network)})


def _describe(network: Network) -> dict[str, Any]:
    try:
        question = find_layers(network=network, now=timezone.now())
    except CannotAsk as busy:
        return {"refusal": str(busy)}
    if unanswered := tell_unanswered(question):
        return unanswered
    dissected = set(network.layers.values_list("path", flat=True))
    return {"parts": make_tree(question.answer["layers"]), "dissected": dissected}


def make_tree(rows: list[dict[str, Any]]) -> list[Part]:
    """The modules that lie in no other one, with those that lie in them. A parent's row comes before its children's."""
    roots: list[Part] = []
    known: dict[str, Part] = {}
    for row in rows:
        path = str(row["path"])
        above, _, name = path.rpartition(".")
        part = Part(name, row)
        # Of a parent that is called several times, the children stand in its first call.
        known.setdefault(path.partition("#")[0], part)
        (known[above].parts if above in known else roots).append(part)
    return roots
