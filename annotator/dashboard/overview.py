"""The numbers of the home page: campaigns with progress, cost and pay per hour, and what waits for a person."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum

from annotator.crowd.models import HIT, Assignment, Campaign, OutwardAct

ANSWERED = (
    Assignment.State.STORED,
    Assignment.State.SUBMITTED,
    Assignment.State.APPROVED,
    Assignment.State.REJECTED,
)


@dataclass(frozen=True)
class CampaignOverview:
    campaign: Campaign
    n_hits: int
    n_published: int
    n_wanted: int
    n_answers: int
    n_to_approve: int
    n_simulated: int
    n_stuck: int
    active_hours: float

    @property
    def cost_usd(self) -> Decimal:
        """What outward acts have reserved of the cap: spent, or certain to be."""
        return self.campaign.committed_usd

    @property
    def share_answered(self) -> float:
        return min(1.0, self.n_answers / self.n_wanted) if self.n_wanted else 0.0

    @property
    def share_spent(self) -> float:
        cap = self.campaign.budget_cap_usd
        return min(1.0, float(self.cost_usd / cap)) if cap else 0.0

    @property
    def pay_per_hour(self) -> float | None:
        """Reward for measured active time; None before anybody has worked."""
        earned = float(self.campaign.reward_usd) * self.n_answers
        return earned / self.active_hours if self.active_hours > 0 else None

    @property
    def is_all_simulated(self) -> bool:
        return self.n_answers > 0 and self.n_simulated == self.n_answers


def summarize_campaigns(campaigns: list[Campaign]) -> list[CampaignOverview]:
    """Three queries, however many campaigns."""
    ids = [campaign.pk for campaign in campaigns]
    hits = _by_campaign(
        HIT.objects.filter(campaign__in=ids)
        .values("campaign")
        .annotate(
            n=Count("id"), published=Count("id", filter=~Q(state=HIT.State.COMPOSED)), wanted=Sum("n_assignments")
        )
    )
    answers = _by_campaign(
        Assignment.objects.filter(hit__campaign__in=ids, state__in=ANSWERED)
        .values("hit__campaign")
        .annotate(
            n=Count("id"),
            submitted=Count("id", filter=Q(state=Assignment.State.SUBMITTED)),
            simulated=Count("id", filter=Q(worker__is_simulated=True)),
            seconds=Sum("active_seconds"),
        )
    )
    acts = _by_campaign(
        OutwardAct.objects.filter(campaign__in=ids, state=OutwardAct.State.NEEDS_HUMAN)
        .values("campaign")
        .annotate(stuck=Count("id"))
    )
    return [_overview(one, hits.get(one.pk, {}), answers.get(one.pk, {}), acts.get(one.pk, {})) for one in campaigns]


def _overview(campaign: Campaign, hits: dict, answers: dict, acts: dict) -> CampaignOverview:  # type: ignore[type-arg]
    return CampaignOverview(
        campaign=campaign,
        n_hits=hits.get("n", 0),
        n_published=hits.get("published", 0),
        n_wanted=hits.get("wanted") or 0,
        n_answers=answers.get("n", 0),
        n_to_approve=answers.get("submitted", 0),
        n_simulated=answers.get("simulated", 0),
        n_stuck=acts.get("stuck", 0),
        active_hours=(answers.get("seconds") or 0) / 3600,
    )


def _by_campaign(rows) -> dict:  # type: ignore[type-arg, no-untyped-def]
    return {next(iter(row.values())): row for row in rows}
