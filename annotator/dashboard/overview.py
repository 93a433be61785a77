"""The numbers of the home page: campaigns with progress, cost and pay per hour, and what waits for a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from annotator.crowd.models import HIT, Campaign, OutwardAct
from annotator.dashboard.answer_counts import AnswerCounts, read_answer_counts


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
    """At most three queries, however many campaigns."""
    ids = [campaign.pk for campaign in campaigns]
    hits = _by_campaign(
        HIT.objects.filter(campaign__in=ids)
        .values("campaign")
        .annotate(
            n=Count("id"), published=Count("id", filter=~Q(state=HIT.State.COMPOSED)), wanted=Sum("n_assignments")
        )
    )
    answers = read_answer_counts(ids)
    acts = _by_campaign(
        OutwardAct.objects.filter(campaign__in=ids, state=OutwardAct.State.NEEDS_HUMAN)
        .values("campaign")
        .annotate(stuck=Count("id"))
    )
    return [_overview(one, hits.get(one.pk, {}), answers[one.pk], acts.get(one.pk, {})) for one in campaigns]


def _overview(
    campaign: Campaign, hits: dict[str, Any], answers: AnswerCounts, acts: dict[str, Any]
) -> CampaignOverview:
    return CampaignOverview(
        campaign=campaign,
        n_hits=hits.get("n", 0),
        n_published=hits.get("published", 0),
        n_wanted=hits.get("wanted") or 0,
        n_answers=answers.n_answers,
        n_to_approve=answers.n_submitted,
        n_simulated=answers.n_simulated,
        n_stuck=acts.get("stuck", 0),
        active_hours=answers.active_seconds / 3600,
    )


def _by_campaign(rows: Iterable[Any]) -> dict[int, dict[str, Any]]:
    return {next(iter(row.values())): row for row in rows}
