"""The form of a new campaign, filled in like an existing one: its terms, its dissections, its way to choose units."""

from collections import Counter
from typing import Any

from annotator.crowd.campaigns.unit_choice import NAMED, RANDOM, TOP_IMPORTANCE, TOP_IOU
from annotator.crowd.models import Campaign, HITUnit
from annotator.dashboard.campaigns.editing import read_terms
from annotator.names import MAX_LENGTH


def fill_in_like(campaign: Campaign) -> dict[str, Any]:
    """By field of the form. The new campaign draws its units again; with the same seed it draws the same ones."""
    asked = HITUnit.objects.filter(hit__campaign=campaign).select_related("unit__layer", "dissected_unit")
    rows = {row.unit_id: row for row in asked.order_by("-hit_id", "-position")}.values()
    counts = Counter(row.chosen_because for row in rows)
    named = [f"{row.unit.layer.path}:{row.unit.index}" for row in rows if row.chosen_because == NAMED]
    template = campaign.hit_types.values_list("template", flat=True).first()
    return read_terms(campaign) | {
        "name": find_free_name(campaign.name),
        "dissection": list({str(row.dissected_unit.dissection_id) for row in rows if row.dissected_unit}),
        "top_iou": counts[TOP_IOU],
        "top_importance": counts[TOP_IMPORTANCE],
        "random": counts[RANDOM],
        "units": " ".join(reversed(named)),
        "seed": campaign.seed,
        "template": template,
        "graded": any(row.facts.get("is_graded") for row in rows),
    }


def find_free_name(name: str) -> str:
    """The name with the first number behind it that no campaign has."""
    taken = set(Campaign.objects.filter(name__startswith=name[: MAX_LENGTH - 5]).values_list("name", flat=True))
    return next(new for number in range(2, 10_000) if (new := f"{name[: MAX_LENGTH - 5]}-{number}") not in taken)
