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
# So many are counted first: among them are enough, unless older dissections measured the same units.
N_COUNTED = 400
# Left, top and side of a crop, in px of the preprocessed image.
Square = tuple[int, int, int]
SQUARE = ("crop_left", "crop_top", "crop_side")
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
    """Those that share most photographs, and those that fire together most. Six queries at most."""
    crops = TopImage.objects.filter(dissected_unit=dissected, is_low=False)
    mine = {image: (left, top, side) for image, left, top, side in crops.values_list("image", *SQUARE)}
    counts = _count_shared(dissected, mine, scope)
    others = {
        one.pk: one for one in DissectedUnit.objects.filter(pk__in=counts).select_related("unit__layer").defer("values")
    }
    together = _count_together(mine, [one for one in others.values() if _is_comparable(one, dissected)])
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
    """Measured unit -> photographs in common, the most first; of the dissections in scope over the same images.

    Counted by an index alone, whatever was measured; then those are kept that speak for their layers.
    """
    speaking = {layer: one.pk for layer, one in scope.dissections.items()}
    speaking[dissected.unit.layer_id] = dissected.dissection_id
    rows = TopImage.objects.filter(image__in=list(mine), is_low=False).order_by()
    counted = rows.values("dissected_unit").annotate(n=Count("*")).order_by("-n", "dissected_unit")
    kept: list[tuple[int, int]] = []
    for most in (N_COUNTED, None):
        best = list(counted.values_list("dissected_unit", "n")[:most])
        measured = DissectedUnit.objects.filter(pk__in=[pk for pk, _ in best], silence="").order_by()
        rows_of = measured.exclude(unit=dissected.unit_id).values_list("pk", "dissection", "unit__layer")
        known = {pk for pk, dissection, layer in rows_of if speaking.get(layer) == dissection}
        kept = [(pk, n) for pk, n in best if pk in known]
        if len(kept) >= N_LOOKED_AT or len(best) < N_COUNTED:
            break
    return dict(kept[:N_LOOKED_AT])


def _is_comparable(one: DissectedUnit, other: DissectedUnit) -> bool:
    return one.unit.layer.network_id == other.unit.layer.network_id


def _count_together(mine: dict[int, Square], others: Sequence[DissectedUnit]) -> dict[int, int]:
    counts = dict.fromkeys((one.pk for one in others), 0)
    rows = TopImage.objects.filter(dissected_unit__in=list(counts), image__in=list(mine), is_low=False).order_by()
    for one, image, left, top, side in rows.values_list("dissected_unit", "image", *SQUARE):
        counts[one] += overlap((left, top, side), mine[image]) >= SAME_PLACE
    return counts


def overlap(one: Square, other: Square) -> float:
    """Intersection over union of the squares of two crops."""
    (left, top, side), (other_left, other_top, other_side) = one, other
    across = _shared(left, side, other_left, other_side)
    down = _shared(top, side, other_top, other_side)
    union = side**2 + other_side**2 - across * down
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
