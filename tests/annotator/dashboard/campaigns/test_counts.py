"""Counts are right, and what took long to count is kept for a while that grows with it."""

import pytest
from django.core.cache import cache

from annotator.crowd.models import HIT, Assignment
from annotator.dashboard.campaigns import counts
from annotator.dashboard.campaigns.counts import (
    CampaignCounts,
    read_campaign_counts,
    read_openness,
    summarize_campaigns,
)
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import World


def test_the_counts_equal_a_slow_count(world: World) -> None:
    Assignment.objects.filter(pk=Assignment.objects.earliest("pk").pk).update(state="started")
    rows = [row for row in Assignment.objects.select_related("worker") if row.state != "started"]
    assert read_campaign_counts([world.campaign.pk, 10**9]) == {
        world.campaign.pk: CampaignCounts(
            n_hits=6,
            n_published=0,
            n_wanted=18,
            n_answers=len(rows),
            n_submitted=sum(row.state == "submitted" for row in rows),
            n_simulated=sum(row.worker is not None and row.worker.is_simulated for row in rows),
            active_seconds=sum(row.active_seconds for row in rows),
            simulated_seconds=sum(row.active_seconds for row in rows if row.worker and row.worker.is_simulated),
            n_compared=5,
            n_agree=3,
        ),
        10**9: CampaignCounts(),
    }


def test_what_is_quick_to_count_is_never_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "NEVER_KEPT_SECONDS", 1000)
    before = read_campaign_counts([world.campaign.pk])[world.campaign.pk].n_answers
    Assignment.objects.latest("pk").delete()
    assert read_campaign_counts([world.campaign.pk])[world.campaign.pk].n_answers == before - 1


def test_what_is_slow_to_count_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "NEVER_KEPT_SECONDS", 0)
    monkeypatch.setattr(counts, "KEPT_TIMES", 100_000)
    HIT.objects.update(state="published", expires_at=NOW)
    before = read_campaign_counts([world.campaign.pk])[world.campaign.pk].n_answers
    openness = read_openness(world.campaign, now=NOW)
    assert (openness.n_expired, openness.n_missing, openness.ends_at) == (6, 3, NOW)
    Assignment.objects.latest("pk").delete()
    assert read_campaign_counts([world.campaign.pk])[world.campaign.pk].n_answers == before
    assert read_openness(world.campaign, now=NOW) == openness
    monkeypatch.setattr(counts, "NEVER_KEPT_SECONDS", 1000)
    cache.delete(f"{counts.OPENNESS}:{world.campaign.pk}")
    assert read_openness(world.campaign, now=NOW).n_missing == openness.n_missing + 1


def test_nothing_is_kept_while_valkey_is_unreachable(
    world: World, monkeypatch: pytest.MonkeyPatch, without_valkey: str
) -> None:
    monkeypatch.setattr(counts, "NEVER_KEPT_SECONDS", 0)
    before = read_campaign_counts([world.campaign.pk])[world.campaign.pk].n_answers
    Assignment.objects.latest("pk").delete()
    assert read_campaign_counts([world.campaign.pk])[world.campaign.pk].n_answers == before - 1


def test_a_campaigns_pay_is_for_measured_time(world: World) -> None:
    (one,) = summarize_campaigns([world.campaign])
    assert (one.counts.n_answers, one.counts.n_wanted, one.counts.n_submitted) == (15, 18, 10)
    assert one.pay_per_hour == pytest.approx(0.50 * 15 / (15 * 60 / 3600))
    assert one.share_spent == pytest.approx(0.042)
    assert not one.is_all_simulated
