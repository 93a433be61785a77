"""Real money is spent with a permit only: each act that costs something, at a marketplace that counts as real."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from annotator.crowd import tasks
from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.campaigns.extending import extend_hits
from annotator.crowd.campaigns.publishing import publish_campaign, withdraw_campaign
from annotator.crowd.judging.approving import approve_assignments, pay_top_ups
from annotator.crowd.judging.compensating import CannotCompensate, compensate
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.guard import Permit
from annotator.crowd.marketplaces.mturk.adapter import MTurkMarketplace
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused, RealMoneyRefused
from annotator.crowd.models import HIT, Assignment, Campaign, Compensation, OutwardAct
from annotator.crowd.outbox.session import Session

pytestmark = pytest.mark.django_db(transaction=True)
PERMIT = Permit(campaign="try", given_by="pia")


@pytest.fixture
def session(market: Any, campaign: Campaign, settings: Any) -> Session:
    """The sandbox, counted as real money."""
    settings.REAL_MONEY_ALLOWED = True
    place = market.marketplace.place
    market.marketplace.place = replace(place, facts=replace(place.facts, is_real_money=True))
    return market.open_session(campaign)  # type: ignore[no-any-return]


def test_publishing_takes_a_permit_for_this_campaign_and_the_setting(session: Session, settings: Any) -> None:
    for permit in (None, replace(PERMIT, campaign="another")):
        with pytest.raises(RealMoneyRefused, match="real money"):
            publish_campaign(replace(session, permit=permit))
    settings.REAL_MONEY_ALLOWED = False
    with pytest.raises(RealMoneyRefused, match="REAL_MONEY_ALLOWED"):
        publish_campaign(replace(session, permit=PERMIT))
    assert not OutwardAct.objects.exists()
    settings.REAL_MONEY_ALLOWED = True
    publish_campaign(replace(session, permit=PERMIT))
    session.campaign.refresh_from_db()
    assert session.campaign.state == "published"
    assert session.campaign.real_money_confirmed_by == "pia"
    assert session.campaign.real_money_confirmed_at is not None


@pytest.fixture
def worked(session: Session, market: Any, hit: HIT) -> HIT:
    """One approved answer that is due a bonus, and one stored answer that was never submitted."""
    publish_campaign(replace(session, permit=PERMIT))
    market.work(hit, "ada", active_seconds=900.0)
    lost = market.accept(hit, "bob")
    lost.submit(lost.start()["work_token"])
    collect_campaign(session)
    approve_assignments(session)
    return hit


def spend_on_more(session: Session, hit: HIT) -> None:
    extend_hits(session, n_more={hit.pk: 1})


def spend_on_bonuses(session: Session, hit: HIT) -> None:
    pay_top_ups(session)


def spend_on_lost_work(session: Session, hit: HIT) -> None:
    compensate(session, assignment=Assignment.objects.get(state="stored"), decided_by="bob")


@pytest.mark.parametrize("spend", [spend_on_more, spend_on_bonuses, spend_on_lost_work])
def test_whatever_costs_takes_a_permit_after_the_publication_too(
    session: Session, worked: HIT, spend: Callable[[Session, HIT], None]
) -> None:
    before = OutwardAct.objects.filter(cost_usd__gt=0).count()
    with pytest.raises(RealMoneyRefused):
        spend(session, worked)
    assert OutwardAct.objects.filter(cost_usd__gt=0).count() == before
    spend(replace(session, permit=PERMIT), worked)
    assert OutwardAct.objects.filter(cost_usd__gt=0, state="done").count() == before + 1


def test_a_qualification_that_was_refused_is_asked_for_again(
    session: Session, worked: HIT, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise MarketplaceRefused("The credentials have expired.", code="AccessDenied")

    may_spend = replace(session, permit=PERMIT)
    with monkeypatch.context() as patch:
        patch.setattr(MTurkMarketplace, "_qualify", refuse)
        with pytest.raises(CannotCompensate, match="expired"):
            spend_on_lost_work(may_spend, worked)
    assert OutwardAct.objects.get(verb="qualify").state == "failed"
    spend_on_lost_work(may_spend, worked)
    assert OutwardAct.objects.get(verb="qualify").state == "done"
    assert Compensation.objects.get().hit_id


def test_acts_written_under_a_permit_are_performed_later_without_one(
    session: Session, worked: HIT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "open_session", lambda campaign: session)
    OutwardAct.objects.filter(hit=worked, cost_usd__gt=0).update(state="unknown")
    tasks.go_on()
    assert OutwardAct.objects.get(hit=worked, cost_usd__gt=0).state == "done"


def test_a_cost_without_any_confirmation_waits_and_does_not_hold_up_the_withdrawal(
    session: Session, worked: HIT
) -> None:
    """What is owed to people waits; what would ask more of them is given up."""
    OutwardAct.objects.filter(hit=worked, cost_usd__gt=0).update(state="pending", purpose="compensation")
    Campaign.objects.update(real_money_confirmed_at=None)
    with pytest.raises(RealMoneyRefused, match="wait for a confirmation"):
        withdraw_campaign(session)
    assert set(Campaign.objects.get().hits.values_list("state", flat=True)) == {"canceled"}
    assert OutwardAct.objects.get(hit=worked, cost_usd__gt=0).state == "pending"


def test_taking_the_setting_back_stops_what_was_confirmed_before(session: Session, worked: HIT, settings: Any) -> None:
    OutwardAct.objects.filter(hit=worked, cost_usd__gt=0).update(state="pending")
    settings.REAL_MONEY_ALLOWED = False
    for one in (session, replace(session, permit=PERMIT), replace(session, permit=replace(PERMIT, campaign="other"))):
        with pytest.raises(RealMoneyRefused, match="REAL_MONEY_ALLOWED"), one.hold():
            one.settle()
    assert OutwardAct.objects.get(hit=worked, cost_usd__gt=0).state == "pending"
    for verb in (Verb.PUBLISH, Verb.EXTEND, Verb.PAY_BONUS):
        with pytest.raises(RealMoneyRefused, match="REAL_MONEY_ALLOWED"):
            session.marketplace.send(verb, {}, worker_id="AWORKER1")
