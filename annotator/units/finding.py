"""Dissections by their ids, networks by former names, units by their place in a layer."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db.models import Max, Min, Q

from annotator.refusals import Refusal
from annotator.units.models import Dissection, NetworkAlias, Unit


class NoSuchDissection(Refusal):
    """No dissection has this id."""


class DissectionUnfinished(Refusal):
    """The dissection is not done."""


def find_renamed(name: str) -> str | None:
    """The name that a network has since it was merged with another; None if the name was never given up."""
    alias = NetworkAlias.objects.filter(name=name).select_related("network").first()
    return alias.network.name if alias else None


def find_unit(network: str, layer: str, index: int) -> Unit | None:
    """With its layer and network; None if this network's layer has no such unit here."""
    units = Unit.objects.select_related("layer__network", "classes")
    return units.filter(layer__network__name=network, layer__path=layer, index=index).first()


def find_dissection(text: str) -> Dissection:
    """The dissection with this id, in whatever state. Raises NoSuchDissection."""
    try:
        dissection = Dissection.objects.filter(pk=text).select_related("network").first()
    except ValidationError:
        dissection = None
    if dissection is None:
        raise NoSuchDissection(f"There is no dissection {text}.")
    return dissection


def find_done_dissections(ids: Iterable[object]) -> list[Dissection]:
    """In the order of the ids. Raises NoSuchDissection or DissectionUnfinished."""
    dissections = [find_dissection(str(text)) for text in ids]
    for dissection in dissections:
        if dissection.state != Dissection.State.DONE:
            raise DissectionUnfinished(
                f"The dissection {dissection.pk} is {dissection.state}; a campaign needs a done one."
            )
    return dissections


def find_neighbors(unit: Unit) -> tuple[int | None, int | None]:
    """The indexes of the units before and after this one that are in its layer here; None if there is none.

    A layer of which a published file names some units has gaps.
    """
    before, after = Max("index", filter=Q(index__lt=unit.index)), Min("index", filter=Q(index__gt=unit.index))
    found = Unit.objects.filter(layer=unit.layer_id).aggregate(before=before, after=after)
    return found["before"], found["after"]
