"""The crop that stands for a unit behind a prediction."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from PIL import Image as Picture

from annotator.units.cutting import CropsNotCut, demand_cut
from annotator.units.models import DissectedUnit
from annotator.units.strips import read_strip
from workers.engine.drawing.tiles import cut_tiles
from workers.store import StoreError


def find_crops(answer: Mapping[str, Any]) -> dict[int, Picture.Image]:
    """The first crop of each unit that has crops, by its index; crops that nobody has looked at are cut now."""
    units = [unit for prediction in answer["predictions"] for unit in prediction["units"]]
    measured = DissectedUnit.objects.filter(
        unit__layer__network__name=answer["network_name"],
        unit__layer__path__in={unit["layer"] for unit in units},
        unit__index__in={unit["index"] for unit in units},
        n_top__gt=0,
    ).select_related("dissection__image_set", "unit__layer")
    rows = list(measured.order_by("-dissection__created_at"))
    newest: dict[int, DissectedUnit] = {}
    for one in rows:
        newest.setdefault(one.unit.index, one)
    with suppress(CropsNotCut):
        demand_cut(newest.values())
    found: dict[int, Picture.Image] = {}
    for one in rows:
        if one.unit.index in found:
            continue
        try:
            tiles = cut_tiles(read_strip(artifact=one.dissection.artifact, strip=one.strip), ranks=[0])
        except (StoreError, OSError):
            continue  # a picture without this crop is better than none
        if tiles:
            found[one.unit.index] = tiles[0]
    return found
