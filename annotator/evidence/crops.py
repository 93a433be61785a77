"""The crop that stands for a unit behind a prediction."""

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image as Picture

from annotator.units.cutting import CropsNotCut, demand_cut
from annotator.units.models import DissectedUnit
from annotator.units.strips import read_strip
from workers.engine.drawing.explanation import list_shown_units
from workers.engine.drawing.tiles import cut_tiles
from workers.store import StoreError


def find_crops(
    answer: Mapping[str, Any], *, look_after: Callable[[], None] = lambda: None
) -> tuple[dict[int, Picture.Image], str]:
    """The first crop of each unit that the picture of an explanation lists and that has crops, by its index; and why
    the crops of some are missing, or "". Crops that nobody has looked at are cut now: a GPU process must be there, and
    `look_after` sees to it.
    """
    rows = _list_measured(answer)
    newest: dict[int, DissectedUnit] = {}
    for one in rows:
        newest.setdefault(one.unit.index, one)
    reason = ""
    try:
        demand_cut(newest.values(), passes_over=True, look_after=look_after)
    except CropsNotCut as uncut:
        reason = str(uncut)
    found: dict[int, Picture.Image] = {}
    for one in rows:
        if one.unit.index in found:
            continue
        try:
            tiles = cut_tiles(read_strip(artifact=one.dissection.artifact, strip=one.strip), ranks=[0])
        except (StoreError, OSError) as error:
            reason = reason or str(error)  # a picture without this crop is better than none
            continue
        if tiles:
            found[one.unit.index] = tiles[0]
    return found, reason if newest.keys() - found.keys() else ""


def _list_measured(answer: Mapping[str, Any]) -> list[DissectedUnit]:
    """Of the units that the picture lists, the newest dissection first."""
    units = [unit for listed in list_shown_units(answer) for unit in listed]
    measured = DissectedUnit.objects.filter(
        unit__layer__network__name=answer["network_name"],
        unit__layer__path__in={unit["layer"] for unit in units},
        unit__index__in={unit["index"] for unit in units},
        n_top__gt=0,
    )
    return list(measured.select_related("dissection__image_set", "unit__layer").order_by("-dissection__created_at"))
