"""Quotes a campaign: what it will cost with fees, and how long it takes."""

from datetime import datetime
from decimal import Decimal

from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.marketplaces.prices import CENT, Quote, compute_hit_cost, make_quote
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign
from annotator.refusals import Refusal


class CannotQuote(Refusal):
    """The campaign was published, so that its price is fixed."""


def quote_campaign(*, campaign: Campaign, now: datetime) -> Quote:
    """Computes the price and keeps it on the campaign. Assignments that are added later cost extra."""
    if campaign.state not in (Campaign.State.DRAFT, Campaign.State.QUOTED):
        raise CannotQuote(f"The campaign {campaign} is {campaign.state}: it was quoted before.")
    quote = make_quote(
        n_hits=campaign.hits.count(),
        n_assignments=campaign.n_assignments,
        reward_usd=campaign.reward_usd,
        seconds_per_assignment=load_template(campaign.hit_types.get().template).expected_seconds,
        fees=open_marketplace(campaign.marketplace).facts.fees,
    )
    campaign.quote = quote.as_json()
    campaign.state = Campaign.State.QUOTED
    campaign.quoted_at = now
    campaign.save(update_fields=["quote", "state", "quoted_at"])
    return quote


def compute_max_cost(*, n_hits: int, n_assignments: int, reward_usd: Decimal, marketplace: str) -> Decimal:
    """What a campaign of this size can cost at most, rounded up to whole cents."""
    fees = open_marketplace(marketplace).facts.fees
    cost = n_hits * compute_hit_cost(reward_usd=reward_usd, n_assignments=n_assignments, fees=fees)
    return cost.quantize(CENT, "ROUND_UP")
