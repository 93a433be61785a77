"""The colored word in every page's header: the most consequential marketplace that a campaign is under way on."""

from django.http import HttpRequest

from annotator.crowd.marketplaces.table import list_facts
from annotator.crowd.models import Campaign

UNDER_WAY = (Campaign.State.QUOTED, Campaign.State.PUBLISHED, Campaign.State.COLLECTING)
_COLORS = {"good": "success", "warn": "warning", "bad": "danger"}


def label_marketplace(request: HttpRequest) -> list[str] | None:
    """One query. Without running campaigns it is our own marketplace. Empty if the person is signed out."""
    if not request.user.is_authenticated:
        return None
    campaigns = Campaign.objects.filter(state__in=UNDER_WAY, is_imported=False)
    used = set(campaigns.values_list("marketplace", flat=True).order_by().distinct())
    own, *others = list_facts()
    shown = next((facts for facts in reversed(others) if facts.name in used), own)
    return [shown.label, _COLORS[shown.tone]]
