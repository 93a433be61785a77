"""Paying, rejecting with a second person, compensating and erasing, against the real sandbox."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from annotator.crowd import pseudonyms
from annotator.crowd.campaigns import collecting
from annotator.crowd.judging import approving, attention, compensating, rejecting
from annotator.crowd.judging.settling import settle_by_hand
from annotator.crowd.models import HIT, Assignment, Campaign, OutwardAct, Rejection, Worker
from annotator.crowd.outbox.session import Session
from annotator.sandbox.models import HIT as SandboxHIT
from annotator.sandbox.models import Assignment as SandboxAssignment
from annotator.sandbox.models import BonusPayment, Person
from annotator.sandbox.rules.refusals import Refused

pytestmark = pytest.mark.django_db(transaction=True)
REASON = "The same stock phrase stands on each of twenty HITs."


@pytest.fixture
def session(market: Any, campaign: Campaign) -> Session:
    return market.open_session(campaign)  # type: ignore[no-any-return]


@pytest.fixture
def answer(market: Any, campaign: Campaign, hit: HIT) -> Assignment:
    """One collected answer, marked nowhere, after 15 minutes of active time."""
    market.publish(campaign)
    market.work(hit, "ada", marked=[], active_seconds=900.0)
    collecting.collect_campaign(market.open_session(campaign))
    return Assignment.objects.get()


def propose(answer: Assignment, market: Any, **changes: Any) -> Rejection:
    values = {"reason": REASON, "evidence": {"n": 20}, "proposed_by": "ada", "now": market.clock()} | changes
    return rejecting.propose_rejection(assignment=answer, **values)


def test_a_rejection_takes_a_reason_evidence_and_a_second_person(
    market: Any, session: Session, answer: Assignment
) -> None:
    for changes in ({"reason": "bad"}, {"evidence": {}}):
        with pytest.raises(approving.CannotReview):
            propose(answer, market, **changes)
    rejection = propose(answer, market)
    with pytest.raises(approving.CannotReview, match="second person"):
        rejecting.confirm_rejection(session, rejection=rejection, confirmed_by="ada")
    assert SandboxAssignment.objects.get().state == "Submitted"
    rejecting.confirm_rejection(session, rejection=rejection, confirmed_by="bob")
    answer.refresh_from_db()
    assert (answer.state, SandboxAssignment.objects.get().state) == ("rejected", "Rejected")


def test_a_rejection_that_comes_too_late_stays_a_proposal(market: Any, session: Session, answer: Assignment) -> None:
    rejection = propose(answer, market)
    confirm = partial(rejecting.confirm_rejection, session, rejection=rejection, confirmed_by="bob")
    SandboxAssignment.objects.update(state="Approved")  # the marketplace, by itself
    confirm()
    settle_by_hand(session, act_id=OutwardAct.objects.get(verb="reject").pk, outcome="given-up")
    rejection.refresh_from_db()
    assert (rejection.confirmed_at, rejection.confirmed_by) == (None, "")
    SandboxAssignment.objects.update(state="Submitted")
    seen = Assignment.objects.get()
    assert approving.approve_assignments(session) == 1
    with pytest.raises(approving.CannotReview, match="is approved"):
        confirm()  # the row that it holds says submitted
    OutwardAct.objects.filter(verb="approve").update(state="unknown")
    Assignment.objects.update(state="submitted")
    with pytest.raises(approving.CannotReview, match="decided to approve"):
        confirm()
    assert not Rejection.objects.exclude(confirmed_at=None).exists()
    OutwardAct.objects.filter(verb="reject").update(state="unknown")
    with pytest.raises(approving.CannotReview, match=r"decided to reject .* not settled yet"):
        approving.approve_assignment(session, seen)
    assert approving.approve_waiting(session, chosen=[seen.pk])[1] == 1


def give_up(session: Session, verb: str) -> None:
    """As if nobody knew what became of it."""
    OutwardAct.objects.filter(verb=verb).update(state="needs_human")
    settle_by_hand(session, act_id=OutwardAct.objects.get(verb=verb).pk, outcome="given-up")


def test_a_rejection_that_was_given_up_is_proposed_anew(market: Any, session: Session, answer: Assignment) -> None:
    rejection = propose(answer, market)
    SandboxAssignment.objects.update(state="Approved")  # the marketplace, by itself
    rejecting.confirm_rejection(session, rejection=rejection, confirmed_by="bob")
    give_up(session, "reject")
    SandboxAssignment.objects.update(state="Submitted")
    with pytest.raises(approving.CannotReview, match="propose anew"):
        rejecting.confirm_rejection(session, rejection=rejection, confirmed_by="bob")
    assert Rejection.objects.get().confirmed_at is None
    rejecting.withdraw_proposal(rejection=rejection)
    rejecting.confirm_rejection(session, rejection=propose(answer, market), confirmed_by="bob")
    answer.refresh_from_db()
    assert (answer.state, SandboxAssignment.objects.get().state) == ("rejected", "Rejected")


def test_a_rejection_that_was_refused_before_refusals_were_recorded_is_a_proposal_again(
    market: Any, session: Session, answer: Assignment
) -> None:
    rejection = propose(answer, market)
    rejecting.confirm_rejection(session, rejection=rejection, confirmed_by="bob")
    take_back = import_module("annotator.crowd.migrations.0019_refused_reviews").take_back
    Assignment.objects.update(state="submitted")
    take_back(apps, None)
    assert Rejection.objects.get().confirmed_by == "bob", "it was made"
    OutwardAct.objects.filter(verb="reject").update(state="failed")  # as an earlier release left it
    take_back(apps, None)
    rejection.refresh_from_db()
    assert (rejection.confirmed_by, rejection.confirmed_at) == ("", None)
    rejecting.withdraw_proposal(rejection=rejection)


def test_a_rejection_that_was_given_up_and_made_all_the_same_is_overturned(
    market: Any, session: Session, answer: Assignment
) -> None:
    rejection = propose(answer, market)
    rejecting.confirm_rejection(session, rejection=rejection, confirmed_by="bob")
    Assignment.objects.update(state="submitted")
    give_up(session, "reject")
    collecting.collect_campaign(session)
    needs = attention.find_attention(campaign=session.campaign, now=market.clock())
    assert "rejection" not in {need.kind for need in needs}
    with pytest.raises(approving.CannotReview, match="can be overturned"):
        rejecting.withdraw_proposal(rejection=rejection)
    overturn = partial(
        rejecting.overturn_rejection, session, rejection=rejection, overturned_by="cyd", feedback="Ours."
    )
    overturn()
    answer.refresh_from_db()
    assert (answer.state, SandboxAssignment.objects.get().state) == ("approved", "Approved")
    give_up(session, "overturn")
    Assignment.objects.update(state="rejected")
    with pytest.raises(approving.CannotReview, match="marketplace's own page"):
        overturn()
    assert Rejection.objects.get().overturned_by == ""


def test_a_rejection_is_overturned_within_30_days_and_not_after(
    market: Any, session: Session, answer: Assignment
) -> None:
    rejection = propose(answer, market)
    rejecting.confirm_rejection(session, rejection=rejection, confirmed_by="bob")
    rejection.refresh_from_db()
    rejection.assignment.refresh_from_db()
    late = replace(session, clock=lambda: market.clock() + timedelta(days=31))
    with pytest.raises(approving.CannotReview, match="30 days"):
        rejecting.overturn_rejection(late, rejection=rejection, overturned_by="cyd", feedback="Our mistake.")
    rejecting.overturn_rejection(session, rejection=rejection, overturned_by="cyd", feedback="Our mistake.")
    answer.refresh_from_db()
    assert (answer.state, SandboxAssignment.objects.get().state) == ("approved", "Approved")


def test_pay_is_topped_up_to_the_floor_once(
    market: Any, session: Session, campaign: Campaign, answer: Assignment
) -> None:
    approving.approve_assignments(session)
    for _ in range(2):
        approving.pay_top_ups(session)
    assert BonusPayment.objects.get().amount_usd == Decimal("2.50")
    campaign.refresh_from_db()
    assert campaign.committed_usd == Decimal("7.20") + Decimal("3.00")


def test_a_bonus_that_was_paid_at_another_amount_is_not_paid_again(
    market: Any, session: Session, answer: Assignment
) -> None:
    """It was refused since its token was known, and was listed late; then it was decided anew."""
    approving.approve_assignments(session)
    approving.pay_top_ups(session)
    acts, long_ago = OutwardAct.objects.filter(verb="pay_bonus"), market.clock() - timedelta(days=3)
    request = acts.get().request | {"BonusAmount": "2.00", "UniqueRequestToken": "another, as if it had expired"}
    acts.update(state="unknown", request=request, sent_at=long_ago)
    session.settle()
    assert (acts.get().state, acts.get().problem) == (
        "needs_human", "The marketplace shows that $2.50 was paid, not $2.00."
    )  # fmt: skip
    assert BonusPayment.objects.get().amount_usd == Decimal("2.50")


def test_a_bonus_over_the_cap_is_not_paid(session: Session, campaign: Campaign, answer: Assignment) -> None:
    approving.approve_assignments(session)
    Campaign.objects.update(budget_cap_usd=Decimal("10.19"))
    done = approving.pay_top_ups(session)
    assert (done.n_paid, done.n_unaffordable, done.unaffordable_usd) == (0, 1, Decimal("3.00"))
    assert not BonusPayment.objects.exists()


def test_an_answer_that_is_not_counted_is_paid_all_the_same(session: Session, answer: Assignment) -> None:
    approving.leave_out(assignment=answer, reason="About another picture.", decided_by="eve")
    answer.refresh_from_db()
    assert (answer.is_left_out, answer.count_decided_by) == (True, "eve")
    approving.approve_assignments(session)
    assert SandboxAssignment.objects.get().state == "Approved"


def test_work_that_could_not_be_submitted_is_paid_through_a_hit_for_this_worker_alone(
    market: Any, session: Session, campaign: Campaign, hit: HIT
) -> None:
    market.publish(campaign)
    visitor = market.accept(hit, "ada")
    visitor.submit(visitor.start()["work_token"])
    stored = Assignment.objects.get()
    later, before = market.clock() + timedelta(hours=1), Campaign.objects.get().committed_usd
    assert [need.kind for need in attention.find_attention(campaign=campaign, now=later)] == ["unsubmitted"]
    compensation = compensating.compensate(session, assignment=stored, decided_by="bob")
    assert compensating.compensate(session, assignment=stored, decided_by="bob").hit_id == compensation.hit_id
    assert Campaign.objects.get().committed_usd == before + Decimal("0.60"), "one reward of $0.50, and its fee"
    assert SandboxHIT.objects.count() == campaign.hits.count() + 1
    there = SandboxHIT.objects.get(mturk_id=compensation.hit_id)
    market.enroll("bob")
    with pytest.raises(Refused):
        market.take(there, "bob")
    paid = market.take(there, "ada")
    fields = {"assignmentId": paid.mturk_id, "receipt": "x"}
    visitor.hand_over({"fields": fields, "submit_to": f"{visitor.submit_to}/mturk/externalSubmit"})
    assert compensating.approve_compensations(session) == 1
    assert compensating.approve_compensations(session) == 0
    assert not attention.find_attention(campaign=campaign, now=later)


def test_work_that_was_submitted_and_not_yet_collected_is_not_compensated(
    market: Any, session: Session, campaign: Campaign, hit: HIT
) -> None:
    market.publish(campaign)
    market.work(hit, "ada")
    with pytest.raises(compensating.CannotCompensate, match="was submitted"):
        compensating.compensate(session, assignment=Assignment.objects.get(state="stored"), decided_by="bob")
    assert SandboxHIT.objects.count() == campaign.hits.count()


def test_an_erased_workers_answers_stay_nameless(
    market: Any, session: Session, campaign: Campaign, answer: Assignment
) -> None:
    worker_id = Person.objects.get().mturk_id
    pseudonym = Worker.objects.get().pseudonym
    with pytest.raises(pseudonyms.CannotErase, match="not settled"):
        pseudonyms.erase_worker(marketplace="own", worker_id=worker_id)
    approving.approve_assignments(session)
    assert pseudonyms.erase_worker(marketplace="own", worker_id=worker_id) == 1
    worker = Worker.objects.get()
    assert worker.external_id is None
    assert worker.pseudonym != pseudonym
    with pytest.raises(pseudonyms.CannotErase, match="no worker"):
        pseudonyms.erase_worker(marketplace="own", worker_id=worker_id)


def test_collecting_again_does_not_bring_an_erased_person_back(
    market: Any, session: Session, campaign: Campaign, answer: Assignment
) -> None:
    approving.approve_assignments(session)
    pseudonyms.erase_worker(marketplace="own", worker_id=Person.objects.get().mturk_id)
    collecting.collect_campaign(market.open_session(campaign))
    assert Worker.objects.get().external_id is None
    assert Assignment.objects.get() == answer


def test_what_needs_a_person_is_said(market: Any, campaign: Campaign, answer: Assignment) -> None:
    propose(answer, market)
    Campaign.objects.update(problem="The marketplace own does not answer.")
    campaign.refresh_from_db()
    soon = market.clock() + timedelta(days=2, hours=12)
    kinds = [need.kind for need in attention.find_attention(campaign=campaign, now=soon)]
    assert kinds == ["rejection", "auto-approval", "problem"]
