"""A unit as the gallery shows it: its crops, what people call it, what Broden calls it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from annotator.comparison.models import UnitComparison
from annotator.crowd.models import Campaign
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, DissectedUnit

WALL_COLUMNS = 4
WALL_ROWS = 3
MIN_PRECISION = 0.75
MIN_IOU = 0.04


@dataclass(frozen=True)
class UnitCard:
    dissected: DissectedUnit
    label: UnitLabel | None
    comparison: UnitComparison | None
    broden: AutomaticLabel | None

    @property
    def title(self) -> str:
        return f"{self.dissected.unit.layer.path} unit {self.dissected.unit.index}"

    @property
    def address(self) -> str:
        unit = self.dissected.unit
        return reverse("unit", args=[unit.layer.network.name, unit.layer.path, unit.index])

    @property
    def wall(self) -> str:
        dissected = self.dissected
        return reverse("wall", args=[dissected.dissection_id, dissected.tile_sheet, WALL_COLUMNS, WALL_ROWS])

    @property
    def is_interpretable(self) -> bool:
        return self.label is not None and self.label.precision > MIN_PRECISION

    @property
    def is_detector(self) -> bool:
        return self.broden is not None and self.broden.iou > MIN_IOU


def make_cards(
    *, units: Sequence[DissectedUnit], campaign: Campaign | None, mode: str = AutomaticLabel.Mode.PAPER
) -> list[UnitCard]:
    """Two queries for all cards. `units` come with their unit, layer and network."""
    ids = [one.unit_id for one in units]
    labels = {
        label.unit_id: label
        for label in UnitLabel.objects.filter(campaign=campaign, unit__in=ids).select_related("comparison")
    }
    broden = {
        (label.dissection_id, label.unit_id): label
        for label in AutomaticLabel.objects.filter(
            unit__in=ids, dissection__in={one.dissection_id for one in units}, mode=mode, is_best=True
        )
    }
    return [
        UnitCard(
            dissected=one,
            label=labels.get(one.unit_id),
            comparison=getattr(labels.get(one.unit_id), "comparison", None),
            broden=broden.get((one.dissection_id, one.unit_id)),
        )
        for one in units
    ]
