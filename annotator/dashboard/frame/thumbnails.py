"""The first crops of units as narrow pictures for tables: people look before they read."""

from collections.abc import Iterable

from django.urls import reverse

from annotator.crowd.models import HITUnit
from annotator.labels.models import UnitLabel

N_CROPS = 4


def add_thumbnails(labels: Iterable[UnitLabel]) -> list[tuple[UnitLabel, str]]:
    """Each label with the address of its picture, of the crops that its campaign showed; "" without crops."""
    labels = list(labels)
    asked = HITUnit.objects.filter(
        hit__campaign__in={label.campaign_id for label in labels}, unit__in=[label.unit_id for label in labels]
    ).exclude(dissected_unit=None)
    shown = asked.order_by("id").values_list("unit_id", "dissected_unit__dissection_id", "dissected_unit__strip")
    found = {unit: reverse("wall", args=[dissection, sheet, N_CROPS, 1]) for unit, dissection, sheet in shown}
    return [(label, found.get(label.unit_id, "")) for label in labels]
