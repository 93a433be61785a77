"""The colored word in every page's header: the most consequential marketplace that a campaign is under way on."""

from django.http import HttpRequest

from annotator.crowd.models import Campaign

UNDER_WAY = (Campaign.State.QUOTED, Campaign.State.PUBLISHED, Campaign.State.COLLECTING)
# From the most consequential to the least.
LABELS = {
    "mturk": ["MTurk: real money", "danger"],
    "mturk-sandbox": ["MTurk sandbox", "warning"],
    "own": ["Own marketplace", "success"],
}


def label_marketplace(request: HttpRequest) -> list[str] | None:
    """One query. Our own marketplace stands where nothing is under way; nothing is said to who is signed out."""
    if not request.user.is_authenticated:
        return None
    campaigns = Campaign.objects.filter(state__in=UNDER_WAY, is_imported=False)
    used = set(campaigns.values_list("marketplace", flat=True).order_by().distinct())
    return next((label for name, label in LABELS.items() if name in used), LABELS["own"])
