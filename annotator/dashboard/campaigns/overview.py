"""The numbers of the home page: campaigns with progress, cost and pay per hour, and what needs a person."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count

from annotator.crowd.models import Campaign, OutwardAct
from annotator.dashboard.campaigns.counts import CampaignCounts, read_campaign_counts


@dataclass(frozen=True)
class CampaignOverview:
    campaign: Campaign
    counts: CampaignCounts
    n_stuck: int

    @property
    def cost_usd(self) -> Decimal:
        """US dollars of the cap that outward acts have spent or reserved."""
        return self.campaign.committed_usd

    @property
    def share_answered(self) -> float:
        return min(1.0, self.counts.n_answers / self.counts.n_wanted) if self.counts.n_wanted else 0.0

    @property
    def share_spent(self) -> float:
        cap = self.campaign.budget_cap_usd
        return min(1.0, float(self.cost_usd / cap)) if cap else 0.0

    @property
    def pay_per_hour(self) -> float | None:
        """Reward for measured active time; None before anybody has worked."""
        earned = float(self.campaign.reward_usd) * self.counts.n_answers
        return earned / (self.counts.active_seconds / 3600) if self.counts.active_seconds else None

    @property
    def is_all_simulated(self) -> bool:
        return 0 < self.counts.n_answers == self.counts.n_simulated


def summarize_campaigns(campaigns: list[Campaign]) -> list[CampaignOverview]:
    """At most four queries, however many campaigns."""
    ids = [campaign.pk for campaign in campaigns]
    counts = read_campaign_counts(ids)
    stuck = OutwardAct.objects.filter(campaign__in=ids, state=OutwardAct.State.NEEDS_HUMAN).order_by()
    n_stuck = dict(stuck.values_list("campaign").annotate(n=Count("id")))
    return [CampaignOverview(one, counts[one.pk], n_stuck.get(one.pk, 0)) for one in campaigns]
