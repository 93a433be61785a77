"""Asks at the terminal for the permit to spend real money."""

from annotator.crowd.marketplaces.guard import Permit, give_permit
from annotator.crowd.marketplaces.marketplace import open_marketplace
from annotator.crowd.models import Campaign

REAL_MONEY_HELP = "Needed for mturk, besides REAL_MONEY_ALLOWED and the name typed"


def ask_permit(campaign: Campaign, *, has_flag: bool) -> Permit | None:
    """None for play money. Raises RealMoneyRefused if one of the three confirmations is missing."""
    marketplace, typed = open_marketplace(campaign.marketplace), ""
    if marketplace.is_real_money and has_flag:
        typed = input(f"This spends real money. Type the campaign's name ({campaign.name}): ")
    return give_permit(
        marketplace=marketplace, campaign_name=campaign.name, has_flag=has_flag, typed_name=typed, by="command"
    )
