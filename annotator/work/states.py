"""Which states of a campaign its steps belong to."""

from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign


def is_going(campaign: Campaign) -> bool:
    """True if its HITs are or were at a marketplace and it is not closed."""
    is_open = campaign.published_at is not None and campaign.state != Campaign.State.CLOSED
    return is_open and not campaign.is_imported


def is_unclosed(campaign: Campaign) -> bool:
    """True if it may spend, now or later."""
    return campaign.state != Campaign.State.CLOSED and not campaign.is_imported


def is_ready(campaign: Campaign) -> bool:
    """True if it is quoted and not wholly published."""
    return campaign.state in (Campaign.State.QUOTED, Campaign.State.PUBLISHED) and not campaign.published_at


def is_draft(campaign: Campaign) -> bool:
    """True if nothing of it was published."""
    return campaign.state in (Campaign.State.DRAFT, Campaign.State.QUOTED) and not campaign.is_imported


def is_playing(campaign: Campaign) -> bool:
    """True if it is or was at a marketplace of play money."""
    if campaign.published_at is None or campaign.is_imported:
        return False
    return not open_marketplace(campaign.marketplace).facts.is_real_money


def has_answers(campaign: Campaign) -> bool:
    """True if answers were imported, or may have come in."""
    return campaign.is_imported or is_going(campaign)
