"""What keeps a step of a campaign or dissection waiting: "" if it makes sense now, a sentence why not, or None if the
subject has no use for it and its page does not name it. Also which states the pages themselves ask for."""

from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import ANSWERED, HIT, Assignment, Campaign
from annotator.units.models import GIVEN_UP, Dissection

UNPUBLISHED = "The campaign is not published yet."
CLOSED = "The campaign is closed."
ALL_IN = "All answers are in."


def is_ready(campaign: Campaign) -> bool:
    """True if it is quoted and not wholly published."""
    return campaign.state in (Campaign.State.QUOTED, Campaign.State.PUBLISHED) and not campaign.published_at


def is_draft(campaign: Campaign) -> bool:
    """True if nothing of it was published."""
    return campaign.state in (Campaign.State.DRAFT, Campaign.State.QUOTED) and not campaign.is_imported


def unless_going(campaign: Campaign) -> str | None:
    """Of a step for HITs that are or were at a marketplace."""
    if campaign.is_imported:
        return None
    if campaign.published_at is None:
        return UNPUBLISHED
    return CLOSED if campaign.state == Campaign.State.CLOSED else ""


def unless_open(campaign: Campaign) -> str | None:
    """Of a step for HITs that lack answers."""
    waits = unless_going(campaign)
    return ALL_IN if waits == "" and campaign.state == Campaign.State.COMPLETE else waits


def unless_submitted(campaign: Campaign) -> str | None:
    """Of a step that takes answers in and approves them."""
    waits = unless_open(campaign)
    if waits != ALL_IN or _has(campaign, Assignment.State.SUBMITTED):
        return "" if waits == ALL_IN else waits
    return "All answers are in and decided on."


def unless_answered(campaign: Campaign) -> str | None:
    """Of a step that reads the answers, imported ones too."""
    waits = "" if campaign.is_imported else unless_going(campaign)
    return "Nobody has answered yet." if waits == "" and not _has(campaign, *ANSWERED) else waits


def unless_approved(campaign: Campaign) -> str | None:
    """Of a step that adds to the pay of approved work."""
    waits = unless_going(campaign)
    return "No answer is approved yet." if waits == "" and not _has(campaign, Assignment.State.APPROVED) else waits


def unless_labeled(campaign: Campaign) -> str | None:
    """Of a step that reads the labels."""
    waits = unless_answered(campaign)
    return "The units are not labeled yet." if waits == "" and not campaign.unit_labels.exists() else waits


def unless_finished(campaign: Campaign) -> str | None:
    """Of a step that asks more about HITs that have all their answers."""
    waits = unless_going(campaign)
    if waits == "" and not campaign.hits.filter(state=HIT.State.COMPLETE).exists():
        return "No HIT has all its answers yet."
    return waits


def unless_adaptive(campaign: Campaign) -> str | None:
    """Of a step that asks more where people disagree."""
    waits = unless_answered(campaign)
    if waits is not None and not campaign.max_assignments:
        return None if campaign.is_imported else "The campaign states no larger number of answers per unit."
    return None if campaign.is_imported else waits


def unless_unclosed(campaign: Campaign) -> str | None:
    """Of a step for a campaign that may spend, now or later."""
    if campaign.is_imported:
        return None
    return CLOSED if campaign.state == Campaign.State.CLOSED else ""


def unless_draft(campaign: Campaign) -> str | None:
    """Of a step for a campaign of which nothing was published."""
    if campaign.is_imported:
        return None
    return "" if is_draft(campaign) else "HITs of it were published."


def unless_playing(campaign: Campaign) -> str | None:
    """Of a step for a campaign that is or was at a marketplace of play money."""
    if campaign.is_imported or open_marketplace(campaign.marketplace).facts.is_real_money:
        return None
    return "" if campaign.published_at is not None else UNPUBLISHED


def unless_unfinished(dissection: Dissection) -> str | None:
    """Of a step that ends a dissection; its page does not name it afterwards."""
    is_over = dissection.state in (*GIVEN_UP, Dissection.State.DONE)
    return None if is_over else ""


def unless_given_up(dissection: Dissection) -> str | None:
    """Of a step that tries a dissection again."""
    return "" if dissection.state in GIVEN_UP else None


def unless_running(dissection: Dissection) -> str | None:
    """Of a step for a dissection that no GPU process works on."""
    return "" if unless_unfinished(dissection) is None else None


def _has(campaign: Campaign, *states: str) -> bool:
    return Assignment.objects.filter(hit__campaign=campaign, state__in=states).exists()
