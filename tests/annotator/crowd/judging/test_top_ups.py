"""Bonuses that bring the hourly pay up to what was promised: which seconds count, and what a short cap pays."""

from datetime import timedelta
from typing import Any

import pytest

from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.judging.approving import approve_assignments, pay_top_ups
from annotator.crowd.models import HIT, Assignment, Campaign
from annotator.sandbox.models import BonusPayment, Person
from tests.annotator.crowd.fixtures import let_pass

pytestmark = pytest.mark.django_db(transaction=True)


def test_seconds_that_only_the_browser_claims_are_not_paid(market: Any, campaign: Campaign, hit: HIT) -> None:
    market.publish(campaign)
    liar = market.accept(hit, "liar")
    liar.hand_over(liar.submit(liar.start()["work_token"], active_seconds=3600.0).json())
    market.work(hit, "ada", active_seconds=600.0)
    session = market.open_session(campaign)
    collect_campaign(session)
    approve_assignments(session)
    assert Assignment.objects.earliest("active_seconds").active_seconds < 60
    assert pay_top_ups(session).n_paid == 1
    assert BonusPayment.objects.get().assignment.person == Person.objects.get(name="ada")


def test_the_marketplaces_clock_bounds_what_ours_does_not(market: Any, campaign: Campaign, hit: HIT) -> None:
    """A page whose start lies long before the acceptance: a claim, or our clock was wrong."""
    market.publish(campaign)
    visitor = market.accept(hit, "ada")
    token = visitor.start()["work_token"]
    Assignment.objects.update(started_at=market.clock() - timedelta(hours=1))
    visitor.hand_over(visitor.submit(token, active_seconds=3600.0).json())
    session = market.open_session(campaign)
    collect_campaign(session)
    approve_assignments(session)
    assert pay_top_ups(session).n_paid == 0


def test_a_short_cap_pays_the_smaller_bonuses_and_says_what_is_left(market: Any, campaign: Campaign, hit: HIT) -> None:
    market.publish(campaign)
    for name, seconds in (("slow", 1500.0), ("ada", 300.0), ("bob", 360.0)):
        market.work(hit, name, active_seconds=seconds)
    session = market.open_session(campaign)
    collect_campaign(session)
    approve_assignments(session)
    campaign.refresh_from_db()
    Campaign.objects.update(budget_cap_usd=campaign.committed_usd + 2)
    done = pay_top_ups(session)
    assert (done.n_paid, done.n_unaffordable) == (2, 1)
    paid = BonusPayment.objects.values_list("assignment__person__name", flat=True)
    assert sorted(paid) == ["ada", "bob"]
    Campaign.objects.update(budget_cap_usd=campaign.committed_usd + 100)
    assert pay_top_ups(session).n_paid == 1


def test_two_hits_open_at_once_are_one_persons_time(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    visitors = [market.accept(hit, "ada") for hit in campaign.hits.all()]
    tokens = [visitor.start()["work_token"] for visitor in visitors]
    for visitor, token in zip(visitors, tokens, strict=True):
        let_pass(visitor, seconds=900.0)
        visitor.hand_over(visitor.submit(token, active_seconds=900.0).json())
    session = market.open_session(campaign)
    collect_campaign(session)
    approve_assignments(session)
    pay_top_ups(session)
    total = sum(BonusPayment.objects.values_list("amount_usd", flat=True))
    assert total <= 3 - 4 * campaign.reward_usd + 1, "900 seconds at $12 an hour, not four times that"
