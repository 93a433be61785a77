"""The units of a campaign that has no labels yet: which ones, and why they were chosen."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.urls import reverse

from annotator.crowd.campaigns.unit_choice import NAMED, RANDOM, TOP_IMPORTANCE, TOP_IOU
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign, HITUnit
from annotator.dashboard.frame.paging import read_page
from annotator.dashboard.frame.thumbnails import N_CROPS
from annotator.units.best_labels import is_best
from annotator.units.models import AutomaticLabel

PAGE_SIZE = 50
WHY = {
    TOP_IOU: "among those of highest IoU in its layer",
    TOP_IMPORTANCE: "among those of highest importance in its layer",
    RANDOM: "drawn at random from the rest of its layer",
    NAMED: "named by a person",
}


@dataclass(frozen=True)
class ChosenRow:
    """`label` and `iou`: what labeled pixels say of the unit, in the dissection whose crops are shown."""

    row: HITUnit
    why: str
    strip: str
    label: str = ""
    iou: float | None = None


@dataclass(frozen=True)
class ChosenPage:
    rows: list[ChosenRow]
    page: "Page[Any]"


def list_chosen(campaign: Campaign, *, number: str | None) -> ChosenPage:
    """One page of them, in the order of the HITs. Two queries."""
    asked = HITUnit.objects.filter(hit__campaign=campaign).select_related("unit__layer__network", "dissected_unit")
    page = read_page(asked.order_by("hit_id", "position"), number=number, size=PAGE_SIZE)
    labels = AutomaticLabel.objects.filter(is_best(), unit__in=[row.unit_id for row in page])
    best = {(one.unit_id, one.dissection_id): one for one in labels.only("unit", "dissection", "label", "iou")}
    return ChosenPage([_describe(row, best) for row in page], page)


def _describe(row: HITUnit, best: dict[tuple[int, Any], AutomaticLabel]) -> ChosenRow:
    why, shown = WHY.get(row.chosen_because, row.chosen_because or "not recorded"), row.dissected_unit
    if shown is None:
        return ChosenRow(row, why, "")
    strip = reverse("wall", args=[shown.dissection_id, shown.strip, N_CROPS, 1]) if shown.strip else ""
    label = best.get((row.unit_id, shown.dissection_id))
    return ChosenRow(row, why, strip, label.label, label.iou) if label else ChosenRow(row, why, strip)


def find_worker_site(campaign: Campaign) -> str:
    """Where people find its HITs; empty if that is no page, or nothing is published."""
    if campaign.is_imported or campaign.published_at is None:
        return ""
    address = open_marketplace(campaign.marketplace).facts.worker_url
    return address if address.startswith(("http://", "https://")) else ""
