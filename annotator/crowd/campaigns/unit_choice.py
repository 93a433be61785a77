"""Which units a campaign asks about: highest IoU, a random sample, or named ones. Ties and seeds as written here."""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from annotator.crowd.seeds import derive_seed
from annotator.refusals import Refusal
from annotator.units.best_labels import is_best
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection

_NAMED = re.compile(r"(?P<layer>.+):(?P<indexes>\d+(-\d+)?(,\d+(-\d+)?)*)")


class BadChoice(Refusal):
    """The units asked for do not exist, or cannot be understood."""


@dataclass(frozen=True)
class ChosenUnit:
    dissected_unit: DissectedUnit
    because: str


def list_units(dissections: Sequence[Dissection]) -> list[DissectedUnit]:
    """Every dissected unit, in an order that is the same on every machine: dissection as named, layer, index."""
    units: list[DissectedUnit] = []
    for dissection in dissections:
        depth = {path: position for position, path in enumerate(dissection.layer_paths)}
        rows = dissection.dissected_units.select_related("unit__layer__network", "dissection")
        units.extend(sorted(rows, key=lambda row: (depth.get(row.unit.layer.path, 0), row.unit.index)))
    return units


def choose_top_iou(dissections: Sequence[Dissection], *, n: int) -> list[ChosenUnit]:
    """The n units of highest best IoU; ties to the earlier in `list_units`."""
    labels = AutomaticLabel.objects.filter(is_best(), dissection__in=dissections)
    iou = {(row.dissection_id, row.unit_id): row.iou for row in labels}
    units = [unit for unit in list_units(dissections) if (unit.dissection_id, unit.unit_id) in iou]
    if n and not units:
        raise BadChoice("None of these dissections has automatic labels, so there is no highest IoU to choose by.")
    ranked = sorted(units, key=lambda unit: -iou[unit.dissection_id, unit.unit_id])
    return [ChosenUnit(unit, "top IoU") for unit in ranked[:n]]


def choose_random(units: Iterable[DissectedUnit], *, n: int, seed: int) -> list[ChosenUnit]:
    """n of these, drawn by the campaign's seed."""
    pool = list(units)
    if n > len(pool):
        raise BadChoice(f"{n} units were to be drawn at random, and only {len(pool)} are left.")
    return [ChosenUnit(unit, "random") for unit in random.Random(derive_seed(seed, "units")).sample(pool, n)]


def choose_named(dissections: Sequence[Dissection], names: Iterable[str]) -> list[ChosenUnit]:
    """Units written as LAYER:3,17,40-49 (zero-based)."""
    by_name = {(unit.unit.layer.path, unit.unit.index): unit for unit in list_units(dissections)}
    chosen: list[ChosenUnit] = []
    for name in names:
        layer, indexes = read_unit_names(name)
        for index in indexes:
            if (layer, index) not in by_name:
                raise BadChoice(f"There is no unit {layer}:{index} in these dissections.")
            chosen.append(ChosenUnit(by_name[layer, index], "named"))
    return chosen


def read_unit_names(text: str) -> tuple[str, list[int]]:
    match = _NAMED.fullmatch(text)
    if match is None:
        raise BadChoice(f"{text!r} does not name units; write LAYER:3,17,40-49, counted from zero.")
    indexes: list[int] = []
    for part in match["indexes"].split(","):
        first, _, last = part.partition("-")
        indexes.extend(range(int(first), int(last or first) + 1))
    return match["layer"], indexes


def choose_units(
    dissections: Sequence[Dissection], *, n_top_iou: int, n_random: int, names: Sequence[str], seed: int
) -> list[ChosenUnit]:
    """Named units first, then those of highest IoU, then a random sample of the rest; a unit comes once."""
    chosen = _drop_repeats([*choose_named(dissections, names), *choose_top_iou(dissections, n=n_top_iou)])
    taken = {choice.dissected_unit.unit_id for choice in chosen}
    rest = [unit for unit in list_units(dissections) if unit.unit_id not in taken]
    return _drop_repeats([*chosen, *choose_random(rest, n=n_random, seed=seed)])


def _drop_repeats(choices: Iterable[ChosenUnit]) -> list[ChosenUnit]:
    first: dict[int, ChosenUnit] = {}
    for choice in choices:
        first.setdefault(choice.dissected_unit.unit_id, choice)
    return list(first.values())
