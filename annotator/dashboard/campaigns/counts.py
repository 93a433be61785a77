"""Campaigns with progress, cost and pay per hour; their answers are counted only as often as counting is cheap."""

import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, F, Q, Sum

from annotator.comparison.models import UnitComparison
from annotator.comparison.relations import SAME_THING
from annotator.crowd.campaigns.openness import Openness, find_openness
from annotator.crowd.models import ANSWERED, HIT, Assignment, Campaign, OutwardAct
from workers.valkey import ValkeyAway, asking

# Counting a million answers takes a second. A count that took t seconds is shown for 20 t, so that counting takes at
# most a twentieth of one process however often pages ask; what takes under 50 ms is never kept.
KEPT_TIMES, NEVER_KEPT_SECONDS = 20, 0.05
COUNTS, OPENNESS = "campaign-counts", "campaign-openness"


@dataclass(frozen=True)
class CampaignCounts:
    n_hits: int = 0
    n_published: int = 0
    n_wanted: int = 0
    n_answers: int = 0
    n_submitted: int = 0
    n_simulated: int = 0
    active_seconds: float = 0.0
    simulated_seconds: float = 0.0
    n_compared: int = 0
    n_agree: int = 0


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
        """Reward for measured active time; None before anybody has worked. Of people's, if any person has worked."""
        counts, is_all = self.counts, self.is_all_simulated
        n_answers = counts.n_answers if is_all else counts.n_answers - counts.n_simulated
        seconds = counts.active_seconds if is_all else counts.active_seconds - counts.simulated_seconds
        return float(self.campaign.reward_usd) * n_answers / (seconds / 3600) if seconds > 0 else None

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


def read_campaign_counts(campaign_ids: Iterable[int]) -> dict[int, CampaignCounts]:
    """Three queries for the campaigns whose counts are not kept; a broker that does not answer keeps nothing."""
    wanted = list(campaign_ids)
    kept = {one: CampaignCounts(**counts) for one, counts in _read_kept(COUNTS, wanted).items()}
    missing = [one for one in wanted if one not in kept]
    if not missing:
        return kept
    began = time.perf_counter()
    counted = count_campaigns(missing)
    fields = {one: asdict(counts) for one, counts in counted.items()}
    _keep(COUNTS, fields, seconds=time.perf_counter() - began)
    return kept | counted


def read_openness(campaign: Campaign, *, now: datetime) -> Openness:
    """One query, unless it is kept."""
    if kept := _read_kept(OPENNESS, [campaign.pk]).get(campaign.pk):
        ends_at = datetime.fromisoformat(kept["ends_at"]) if kept["ends_at"] else None
        return Openness(**kept | {"ends_at": ends_at})
    began = time.perf_counter()
    found = find_openness(campaign, now=now)
    fields = asdict(found) | {"ends_at": found.ends_at.isoformat() if found.ends_at else None}
    _keep(OPENNESS, {campaign.pk: fields}, seconds=time.perf_counter() - began)
    return found


def count_campaigns(campaign_ids: Iterable[int]) -> dict[int, CampaignCounts]:
    ids = list(campaign_ids)
    found: dict[int, dict[str, Any]] = {one: {} for one in ids}
    for row in [*_count_hits(ids), *_count_answers(ids), *_count_comparisons(ids)]:
        found[row["of"]] |= {name: value for name, value in row.items() if name != "of"}
    return {one: CampaignCounts(**counts) for one, counts in found.items()}


def _count_hits(ids: list[int]) -> Iterable[Mapping[str, Any]]:
    hits = HIT.objects.filter(campaign__in=ids).order_by().values(of=F("campaign"))
    is_published = ~Q(state=HIT.State.COMPOSED)
    return hits.annotate(
        n_hits=Count("id"),
        n_published=Count("id", filter=is_published),
        n_wanted=Sum(F("n_assignments") - F("n_released")),
    )


def _count_answers(ids: list[int]) -> Iterable[Mapping[str, Any]]:
    answers = Assignment.objects.filter(hit__campaign__in=ids, state__in=ANSWERED).order_by()
    return answers.values(of=F("hit__campaign")).annotate(
        n_answers=Count("id"),
        n_submitted=Count("id", filter=Q(state=Assignment.State.SUBMITTED)),
        n_simulated=Count("id", filter=Q(worker__is_simulated=True)),
        # Before the sum that takes the field's name: an aggregate of an aggregate is refused.
        simulated_seconds=Sum("active_seconds", filter=Q(worker__is_simulated=True), default=0.0),
        active_seconds=Sum("active_seconds"),
    )


def _count_comparisons(ids: list[int]) -> Iterable[Mapping[str, Any]]:
    compared = UnitComparison.objects.filter(unit_label__campaign__in=ids).order_by()
    return compared.values(of=F("unit_label__campaign")).annotate(
        n_compared=Count("id"), n_agree=Count("id", filter=Q(relation__in=SAME_THING))
    )


def _read_kept(kind: str, campaign_ids: list[int]) -> dict[int, dict[str, Any]]:
    if not campaign_ids:
        return {}
    keys = {f"{kind}:{one}": one for one in campaign_ids}
    try:
        with asking(settings.REDIS_URL):
            return {keys[key]: fields for key, fields in cache.get_many(keys).items()}
    except ValkeyAway:
        return {}


def _keep(kind: str, found: Mapping[int, dict[str, Any]], *, seconds: float) -> None:
    if seconds < NEVER_KEPT_SECONDS:
        return
    # If Valkey is unreachable, the next page counts again.
    with contextlib.suppress(ValkeyAway), asking(settings.REDIS_URL):
        rows = {f"{kind}:{one}": fields for one, fields in found.items()}
        cache.set_many(rows, timeout=seconds * KEPT_TIMES)
