"""Which units a campaign asks about: highest IoU, highest importance, a random sample, or named ones. Ties and seeds
as written here.

Each chosen unit keeps why it was chosen and with what probability (docs/measures.md, Layer figures). Silent units are
never chosen.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from annotator.crowd.seeds import derive_seed
from annotator.program import name_command
from annotator.refusals import Refusal
from annotator.units.best_labels import is_best
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection
from workers.engine.plurals import say_count

TOP_IOU, TOP_IMPORTANCE, RANDOM, NAMED = "top IoU", "top importance", "random", "named"
# Units that are chosen if nobody says which.
N_TOP_IOU, N_RANDOM = 24, 8
MAX_LISTED = 12
# By one text: no layer has more units.
MAX_NAMED = 100_000

_NAMED = re.compile(r"(?P<layer>.+):(?P<indexes>\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*)")

Layers = Mapping[int, Sequence[DissectedUnit]]


class BadChoice(Refusal):
    """The units asked for do not exist, or cannot be understood."""


@dataclass(frozen=True)
class ChosenUnit:
    """`probability`: that of being chosen this way, over all draws; None if the unit was chosen by hand."""

    dissected_unit: DissectedUnit
    because: str
    probability: float | None = None


@dataclass(frozen=True)
class Choice:
    """The chosen units, and the silent ones that stood in the way: of the layers, or among the named units."""

    units: list[ChosenUnit]
    silent: list[DissectedUnit]


@dataclass(frozen=True)
class Wanted:
    """How many units, and which. None: `N_TOP_IOU` and `N_RANDOM`, or none if units are named; no units of highest
    IoU if some of highest importance are asked for.
    """

    n_top_iou: int | None = None
    n_top_importance: int = 0
    n_random: int | None = None
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        if min(self.n_top_iou or 0, self.n_top_importance, self.n_random or 0) < 0:
            raise BadChoice("The number of units is 0 or more.")


def choose_units(dissections: Sequence[Dissection], *, wanted: Wanted, seed: int) -> Choice:
    """Named units first, then those of highest IoU, of the rest those of highest importance, then a random sample of
    what is left; a unit comes once.

    Several layers share the numbers evenly (`share_out`). A named unit does not change the draws: if it is drawn too,
    it counts as drawn.
    """
    units = list_units(dissections)
    named = find_named(units, wanted.names)
    layers = _split_by_layer(units)
    n_top, n_random = _count_wanted(wanted, len(units))
    top = choose_top_iou(layers, n=n_top, is_asked=wanted.n_top_iou is not None)
    top += choose_top_importance(layers, n=wanted.n_top_importance, taken=_list_taken(top))
    if n_random > (n_left := len(units) - len(top)):
        raise BadChoice(f"{say_count(n_random, 'unit')} to draw at random: only {n_left} can be drawn.")
    drawn = choose_random(layers, n=n_random, seed=seed, taken=_list_taken(top))
    by_hand = [ChosenUnit(unit, NAMED) for unit in named if not unit.silence]
    in_the_way = units if n_top or n_random or wanted.n_top_importance else named
    choice = Choice(_join(by_hand, [*top, *drawn]), [unit for unit in in_the_way if unit.silence])
    if choice.silent and not choice.units:
        raise BadChoice(f"People cannot be asked about any of these units: {describe_silent(choice.silent)}.")
    return choice


def count_choice(dissections: Sequence[Dissection], *, wanted: Wanted) -> int:
    """About how many units `choose_units` chooses, by one query: more than it does if a named unit is drawn too, or if
    units are silent. Raises BadChoice.
    """
    rows = DissectedUnit.objects.filter(dissection__in=dissections)
    n_units = rows.order_by().values("unit").distinct().count()
    n_named = len({(layer, index) for layer, indexes in map(read_unit_names, wanted.names) for index in indexes})
    n_top, n_random = _count_wanted(wanted, n_units)
    return min(n_units, n_named + n_top + wanted.n_top_importance + n_random)


def list_units(dissections: Sequence[Dissection]) -> list[DissectedUnit]:
    """Every dissected unit, in an order that is the same on every machine: dissection as named, layer, index.

    Of a unit that several of the dissections measured, the first one's measurement.
    """
    units: dict[int, DissectedUnit] = {}
    for dissection in dissections:
        depth = {path: position for position, path in enumerate(dissection.layer_paths)}
        rows = dissection.dissected_units.select_related("unit__layer__network", "dissection__image_set")
        for row in sorted(rows, key=lambda row: (depth.get(row.unit.layer.path, 0), row.unit.index)):
            units.setdefault(row.unit_id, row)
    return list(units.values())


def _split_by_layer(units: Iterable[DissectedUnit]) -> dict[int, list[DissectedUnit]]:
    """Units that are not silent, by their layer's row."""
    layers: dict[int, list[DissectedUnit]] = {}
    for unit in units:
        layers.setdefault(unit.unit.layer_id, [])
        if not unit.silence:
            layers[unit.unit.layer_id].append(unit)
    return layers


def _count_wanted(wanted: Wanted, n_units: int) -> tuple[int, int]:
    """Units of highest IoU and units at random; a number that nobody asked for gives way to one that was asked for."""
    if wanted.names:
        return wanted.n_top_iou or 0, wanted.n_random or 0
    n_units -= min(n_units, wanted.n_top_importance)
    n_random = wanted.n_random if wanted.n_random is not None else min(N_RANDOM, n_units)
    n_top = 0 if wanted.n_top_importance and wanted.n_top_iou is None else wanted.n_top_iou
    if n_top is None:
        n_top = min(N_TOP_IOU, max(0, n_units - n_random))
    if wanted.n_random is None:
        n_random = min(n_random, max(0, n_units - n_top))
    return n_top, n_random


def choose_top_iou(layers: Layers, *, n: int, is_asked: bool = True) -> list[ChosenUnit]:
    """The units of highest best IoU, n over all layers; ties to the earlier in `list_units`.

    Raises BadChoice if n units were asked for and there are no automatic labels.
    """
    dissections = {unit.dissection_id for units in layers.values() for unit in units}
    labels = AutomaticLabel.objects.filter(is_best(), dissection__in=dissections)
    iou = {(row.dissection_id, row.unit_id): row.iou for row in labels}
    ranked = [
        sorted((u for u in units if _key(u) in iou), key=lambda unit: -iou[_key(unit)]) for units in layers.values()
    ]
    if n and is_asked and not any(ranked):
        raise BadChoice("None of these dissections has automatic labels, so there is no highest IoU to choose by.")
    shares = share_out(n, [len(units) for units in ranked])
    return [ChosenUnit(unit, TOP_IOU, 1.0) for units, k in zip(ranked, shares, strict=True) for unit in units[:k]]


def choose_top_importance(layers: Layers, *, n: int, taken: set[int]) -> list[ChosenUnit]:
    """The n units of highest importance that are not taken, or as many as there are, over all layers that have one;
    ties as by IoU.

    Raises BadChoice if n units were asked for and no importance was measured.
    """
    if not n:
        return []
    measured = [[unit for unit in units if unit.unit.importance is not None] for units in layers.values()]
    if not any(measured):
        raise BadChoice(
            "The importance of these units has not been measured. "
            f"Run `{name_command('importance')}` for the network first."
        )
    ranked = [
        sorted((unit for unit in units if unit.pk not in taken), key=lambda unit: -(unit.unit.importance or 0))
        for units in measured
    ]
    shares = share_out(n, [len(units) for units in ranked])
    return [
        ChosenUnit(unit, TOP_IMPORTANCE, 1.0) for units, k in zip(ranked, shares, strict=True) for unit in units[:k]
    ]


def _list_taken(chosen: Iterable[ChosenUnit]) -> set[int]:
    return {choice.dissected_unit.pk for choice in chosen}


def _key(unit: DissectedUnit) -> tuple[UUID | None, int]:
    return unit.dissection_id, unit.unit_id


def choose_random(layers: Layers, *, n: int, seed: int, taken: set[int]) -> list[ChosenUnit]:
    """n of the units that are not taken, or as many as there are, over all layers, drawn by the campaign's seed.

    Their probability is the number drawn in the layer over the number that could be drawn there.
    """
    pools = [[unit for unit in units if unit.pk not in taken] for units in layers.values()]
    draw = random.Random(derive_seed(seed, "units"))
    return [
        ChosenUnit(unit, RANDOM, k / len(pool))
        for pool, k in zip(pools, share_out(n, [len(pool) for pool in pools]), strict=True)
        for unit in draw.sample(pool, k)
    ]


def share_out(n: int, capacities: Sequence[int]) -> list[int]:
    """n over several layers as evenly as they can take it; what is left over goes to the earlier ones."""
    shares = [0] * len(capacities)
    while n > 0 and (open_ones := [i for i, most in enumerate(capacities) if shares[i] < most]):
        for i in open_ones[:n]:
            shares[i] += 1
        n -= min(n, len(open_ones))
    return shares


def find_named(units: Iterable[DissectedUnit], names: Iterable[str]) -> list[DissectedUnit]:
    """Units written as LAYER:3,17,40-49 (zero-based)."""
    by_name: dict[tuple[str, int], DissectedUnit] = {}
    for unit in units:
        by_name.setdefault((unit.unit.layer.path, unit.unit.index), unit)
    found: dict[int, DissectedUnit] = {}
    for name in names:
        layer, indexes = read_unit_names(name)
        for index in indexes:
            if (layer, index) not in by_name:
                raise BadChoice(f"There is no unit {layer}:{index} in these dissections.")
            found.setdefault(by_name[layer, index].pk, by_name[layer, index])
    return list(found.values())


def read_unit_names(text: str) -> tuple[str, list[int]]:
    match = _NAMED.fullmatch(text)
    if match is None:
        raise BadChoice(f"{text!r} does not name units; write LAYER:3,17,40-49, counted from zero.")
    indexes: list[int] = []
    for part in match["indexes"].split(","):
        first, _, last = part.partition("-")
        if int(last or first) - int(first) + len(indexes) >= MAX_NAMED:
            raise BadChoice(f"{text[:80]} names more than {MAX_NAMED:,} units.")
        indexes.extend(range(int(first), int(last or first) + 1))
    return match["layer"], indexes


def _join(named: Sequence[ChosenUnit], drawn: Sequence[ChosenUnit]) -> list[ChosenUnit]:
    """Each unit once, named ones first; one that was drawn as well keeps the draw's reason and probability."""
    by_draw = {choice.dissected_unit.pk: choice for choice in drawn}
    joined = {choice.dissected_unit.pk: by_draw.get(choice.dissected_unit.pk, choice) for choice in named}
    return list((joined | by_draw).values())


def describe_silent(units: Sequence[DissectedUnit]) -> str:
    """The units with why they are silent, at most `MAX_LISTED` of them by name."""
    named = [f"{unit.unit.layer.path}:{unit.unit.index} ({unit.get_silence_display()})" for unit in units[:MAX_LISTED]]
    more = len(units) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
