"""Work at links whose place is over is paid once, by a bonus; what was handed over is collected instead."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import F
from django.utils import timezone

from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.campaigns.extending import extend_hits
from annotator.crowd.campaigns.publishing import withdraw_campaign
from annotator.crowd.judging.approving import CannotReview, approve_assignment, approve_assignments, pay_top_ups
from annotator.crowd.judging.compensating import CannotCompensate, compensate
from annotator.crowd.linked import Link, LinkedHIT, LinkedWork
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.links.adapter import Links
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused
from annotator.crowd.models import Assignment, Campaign, OutwardAct, Worker
from annotator.crowd.outbox.session import open_session
from annotator.crowd.pseudonyms import erase_worker
from tests.annotator.crowd.marketplaces.at_links import Guest, campaign, hand_out

__all__ = ["campaign"]
pytestmark = pytest.mark.django_db


def test_more_answers_more_time_bonuses_and_an_erased_person(campaign: Campaign) -> None:
    (address,) = hand_out(campaign, "Ada")
    ada = Guest(address)
    ada.work(ada.start())
    session = open_session(campaign)
    collect_campaign(session)
    extend_hits(session, n_more={Assignment.objects.get().hit_id: 1})
    assert LinkedHIT.objects.filter(n_places=2).count() == 1
    approve_assignments(session)
    earlier = {name: F(name) - timedelta(seconds=900) for name in ("started_at", "accepted_at")}
    Assignment.objects.update(active_seconds=900.0, **earlier)
    assert pay_top_ups(session).n_paid == 1
    withdraw_campaign(session)
    assert not LinkedHIT.objects.filter(is_stopped=False).exists()
    assert not OutwardAct.objects.exclude(state="done").exists()
    worker_id = Worker.objects.get().external_id
    assert worker_id is not None
    assert erase_worker(marketplace="links", worker_id=worker_id) == 1
    assert not Link.objects.exists()
    assert collect_campaign(session).n_new == 0
    assert Worker.objects.get().external_id is None
    with pytest.raises(CommandError, match="has no link 1"):
        call_command("links", "reopen", campaign.name, 1)


def check_held(campaign: Campaign, stored: Assignment) -> None:
    with pytest.raises(CannotCompensate, match="can still be submitted at the marketplace or was submitted"):
        compensate(open_session(campaign), assignment=stored, decided_by="bob")
    request = {"assignment_id": stored.external_id, "amount_usd": "0.50"}
    with pytest.raises(MarketplaceRefused, match="still to be submitted or reviewed"):
        Links().send(Verb.PAY_BONUS, request, worker_id=None)


@pytest.mark.parametrize("end", ["taken", "withdrawn"])
def test_stored_work_whose_place_is_over_is_paid_once_by_a_bonus(campaign: Campaign, end: str) -> None:
    first = campaign.hits.earliest("id")
    LinkedHIT.objects.exclude(external_id=first.external_id).update(is_stopped=True)
    ada, bob = (Guest(address) for address in hand_out(campaign, "", ""))
    ada.work(ada.start(), hands_over=False)
    stored, session = Assignment.objects.get(), open_session(campaign)
    worker_id = stored.worker.external_id if stored.worker else None
    assert worker_id is not None
    check_held(campaign, stored)  # in time
    LinkedWork.objects.update(deadline=timezone.now())
    check_held(campaign, stored)  # late, and the place is free
    if end == "taken":
        bob.work(bob.start())
    else:
        withdraw_campaign(session)
    Assignment.objects.filter(pk=stored.pk).update(state="submitted")
    with pytest.raises(CannotCompensate, match="is submitted"):  # the row that we hold says stored
        compensate(session, assignment=stored, decided_by="bob")
    Assignment.objects.filter(pk=stored.pk).update(state="stored")
    for _ in range(2):
        compensate(session, assignment=stored, decided_by="bob")
    paid = OutwardAct.objects.get(verb="pay_bonus")
    assert (paid.state, LinkedWork.objects.get(external_id=stored.external_id).bonus_usd) == ("done", Decimal("0.50"))
    LinkedHIT.objects.update(n_places=2)  # a place is free again, and the page is still open
    assert (ada.send().status_code, collect_campaign(session).n_new) == (409, int(end == "taken"))

    Assignment.objects.filter(pk=stored.pk).update(state="submitted")
    assert approve_assignments(session) == int(end == "taken")
    with pytest.raises(CannotReview, match="pay it twice"):
        approve_assignment(session, stored)
    Assignment.objects.filter(pk=stored.pk).update(state="stored")
    assert erase_worker(marketplace="links", worker_id=worker_id) == 1


def test_work_that_was_handed_over_is_collected_and_not_compensated(campaign: Campaign) -> None:
    (address,) = hand_out(campaign, "")
    ada = Guest(address)
    ada.work(ada.start(), hands_over=False)
    ada.handed_over["fields"] |= {"ex\0tra": "a\0b"}  # no database takes it
    assert ada.send().status_code == 302
    assert LinkedWork.objects.get().fields["ex tra"] == "a b"
    check_held(campaign, Assignment.objects.get(state="stored"))
    session = open_session(campaign)
    assert (collect_campaign(session).n_new, approve_assignments(session)) == (1, 1)
    assert not OutwardAct.objects.filter(verb="pay_bonus").exists()
