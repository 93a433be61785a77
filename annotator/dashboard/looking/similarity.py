"""Units that are like a unit: by the photographs and the places that they fire on, and by what they are called.

A dissection keeps each unit's top images, not its peak on every image. So two units fire together if the same
photograph is among the top images of both and their crops of it overlap (docs/looking.md, Similar units).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from annotator.dashboard.units.cards import UnitCard, make_cards
from annotator.dashboard.units.meaning import find_meaning
from annotator.dashboard.units.scope import Scope
from annotator.dashboard.units.searching import relate_labels
from annotator.units.models import AutomaticLabel, DissectedUnit, TopImage

N_SHOWN = 12
# Of those that share most photographs, so many are looked at for where they fire.
N_LOOKED_AT = 100
# Two crops show the same place if their squares' intersection is at least this share of their union.
SAME_PLACE = 1 / 3


@dataclass(frozen=True)
class Similar:
    """`n_shared` top images in common, of `n_top` of either; in `n_together` of them the crops show the same place.
    `n_together` is None for units of another network, whose crops lie in another square.
    """

    card: UnitCard
    n_shared: int
    n_together: int | None
    n_top: int
    pk: int


@dataclass(frozen=True)
class Likeness:
    """`expected`: photographs that two units share by chance, if each draws its own from all images."""

    by_photographs: list[Similar]
    by_places: list[Similar]
    expected: float


def find_alike(dissected: DissectedUnit, scope: Scope) -> Likeness:
    """Those that share most photographs, and those that fire together most. Four queries."""
    mine = {row.image_id: row for row in TopImage.objects.filter(dissected_unit=dissected, is_low=False)}
    counts = _count_shared(dissected, mine, scope)
    others = {
        one.pk: one for one in DissectedUnit.objects.filter(pk__in=counts).select_related("unit__layer").defer("values")
    }
    together = _count_together(dissected, mine, [one for one in others.values() if _is_comparable(one, dissected)])
    by_photographs = list(counts)[:N_SHOWN]
    by_places = sorted((pk for pk, n in together.items() if n), key=lambda pk: (-together[pk], -counts[pk], pk))
    shown = dict.fromkeys([*by_photographs, *by_places[:N_SHOWN]])
    cards = make_cards(unit_ids=[others[pk].unit_id for pk in shown], scope=scope)
    found = {
        pk: Similar(card, counts[pk], together.get(pk), min(dissected.n_top, others[pk].n_top), others[pk].unit_id)
        for pk, card in zip(shown, cards, strict=True)
    }
    n_images = dissected.dissection.n_images
    return Likeness(
        by_photographs=[found[pk] for pk in by_photographs],
        by_places=[found[pk] for pk in by_places[:N_SHOWN]],
        expected=len(mine) * dissected.n_top / n_images if n_images else 0.0,
    )


def _count_shared(dissected: DissectedUnit, mine: Iterable[int], scope: Scope) -> dict[int, int]:
    """Measured unit -> photographs in common, the most first; of the dissections in scope over the same images."""
    set_id = dissected.dissection.image_set_id
    speaking = Q(
        dissected_unit__dissection=dissected.dissection_id, dissected_unit__unit__layer=dissected.unit.layer_id
    )
    for layer, one in scope.dissections.items():
        if one.image_set_id == set_id:
            speaking |= Q(dissected_unit__dissection=one.pk, dissected_unit__unit__layer=layer)
    rows = TopImage.objects.filter(speaking, image__in=list(mine), is_low=False, dissected_unit__silence="").exclude(
        dissected_unit__unit=dissected.unit_id
    )
    counted = rows.order_by().values("dissected_unit").annotate(n=Count("pk")).order_by("-n", "dissected_unit")
    return dict(counted.values_list("dissected_unit", "n")[:N_LOOKED_AT])


def _is_comparable(one: DissectedUnit, other: DissectedUnit) -> bool:
    return one.unit.layer.network_id == other.unit.layer.network_id


def _count_together(
    dissected: DissectedUnit, mine: dict[int, TopImage], others: Sequence[DissectedUnit]
) -> dict[int, int]:
    counts = dict.fromkeys((one.pk for one in others), 0)
    rows = TopImage.objects.filter(dissected_unit__in=list(counts), image__in=list(mine), is_low=False)
    for row in rows:
        counts[row.dissected_unit_id] += overlap(row, mine[row.image_id]) >= SAME_PLACE
    return counts


def overlap(one: TopImage, other: TopImage) -> float:
    """Intersection over union of the squares of two crops."""
    across = _shared(one.crop_left, one.crop_side, other.crop_left, other.crop_side)
    down = _shared(one.crop_top, one.crop_side, other.crop_top, other.crop_side)
    union = one.crop_side**2 + other.crop_side**2 - across * down
    return across * down / union if union else 0.0


def _shared(start: int, side: int, other_start: int, other_side: int) -> int:
    return max(0, min(start + side, other_start + other_side) - max(start, other_start))


def count_pairs(dissected: Sequence[DissectedUnit]) -> dict[tuple[int, int], int]:
    """Photographs that are top images of both, by two units' ids, for each pair over one image set. One query."""
    images: dict[int, set[int]] = {one.unit_id: set() for one in dissected}
    sets = {one.unit_id: one.dissection.image_set_id for one in dissected}
    rows = TopImage.objects.filter(dissected_unit__in=[one.pk for one in dissected], is_low=False)
    for unit, image in rows.values_list("dissected_unit__unit", "image"):
        images[unit].add(image)
    pairs = ((one, other) for one in images for other in images if one < other and sets[one] == sets[other])
    return {(one, other): len(images[one] & images[other]) for one, other in pairs}


def find_namesakes(card: UnitCard, unit_id: int, scope: Scope) -> tuple[list[UnitCard], list[UnitCard]]:
    """Units of any network that people call the same (synonyms included), and those whose best label is the same."""
    units: Any = relate_labels(scope, mode=AutomaticLabel.Mode.PAPER).exclude(pk=unit_id)
    people: list[int] = []
    broden: list[int] = []
    if card.concept:
        same = {card.concept, *find_meaning(card.concept).same}
        rows = units.filter(people__concept__in=same).order_by("-people__precision", "pk")
        people = list(dict.fromkeys(rows.values_list("pk", flat=True)[:N_SHOWN]))
    if card.broden_label:
        rows = units.filter(Q(broden__label=card.broden_label)).order_by("-broden__iou", "pk")
        broden = list(dict.fromkeys(rows.values_list("pk", flat=True)[:N_SHOWN]))
    cards = dict(zip([*people, *broden], make_cards(unit_ids=[*people, *broden], scope=scope), strict=True))
    return [cards[pk] for pk in people], [cards[pk] for pk in broden]
