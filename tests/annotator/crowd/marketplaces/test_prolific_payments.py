"""No bonus at Prolific is paid twice: a payment whose answer was lost waits for a person, who settles it."""

from datetime import timedelta
from typing import Any

import pytest

from annotator.accounts.models import Role
from annotator.crowd.campaigns.collecting import find_unsubmitted
from annotator.crowd.campaigns.publishing import publish_campaign
from annotator.crowd.judging.approving import CannotReview, approve_assignments, pay_top_ups
from annotator.crowd.judging.attention import find_attention
from annotator.crowd.judging.compensating import CannotCompensate, compensate
from annotator.crowd.judging.settling import settle_by_hand
from annotator.crowd.marketplaces.outcomes import MarketplaceSilent
from annotator.crowd.models import Assignment, Campaign, OutwardAct
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.crowd.pseudonyms import erase_worker
from annotator.work.models import Job
from tests.annotator.crowd.marketplaces.at_prolific import Participant, books, campaign, meet_people, sit
from tests.annotator.crowd.phases import publish
from tests.annotator.dashboard.making import sign_in
from tools import prolific_stub
from tools.prolific_stub import Books

__all__ = ["books", "campaign"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lost_answer_to_a_payment_is_settled_by_a_person(
    books: Books, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(sit(campaign))
    meet_people(books, campaign)
    approve_assignments(sit(campaign))
    books.lose.append("pay/$")
    books.throttle.append("pay/$")  # it takes nothing, says so, and is asked again
    with pytest.raises(MarketplaceSilent):
        pay_top_ups(sit(campaign), with_slow=True)
    for _ in range(3):
        pay_top_ups(sit(campaign), with_slow=True)
    act = OutwardAct.objects.get(verb="pay_bonus")
    assert act.state == "needs_human"
    assert len(books.paid) == 1, "it was paid, and nobody was told"
    assert "$2.10" in act.problem
    settle_by_hand(sit(campaign), act_id=act.pk, outcome="done")
    act.refresh_from_db()
    assert act.state == "done"
    assert len(books.paid) == 1
    with pytest.raises(CannotReview, match="does not wait for a person"):
        settle_by_hand(sit(campaign), act_id=act.pk, outcome="not-done")


def test_a_payment_that_was_not_done_is_sent_once_more_or_given_up(books: Books, campaign: Campaign) -> None:
    publish(sit(campaign))
    meet_people(books, campaign)
    approve_assignments(sit(campaign))
    books.throttle += ["pay/$"] * 4
    pay_top_ups(sit(campaign), with_slow=True)
    act = OutwardAct.objects.get(verb="pay_bonus")
    books.throttle += ["pay/$"] * 4
    for n_paid, state in ((0, "needs_human"), (1, "done")):
        assert settle_by_hand(sit(campaign), act_id=act.pk, outcome="not-done").state == state
        assert len(books.paid) == n_paid
    committed = Campaign.objects.get(pk=campaign.pk).committed_usd
    OutwardAct.objects.filter(pk=act.pk).update(state="needs_human")
    settle_by_hand(sit(campaign), act_id=act.pk, outcome="given-up")
    act.refresh_from_db()
    assert act.state == "failed"
    assert Campaign.objects.get(pk=campaign.pk).committed_usd == committed - act.cost_usd


def test_stored_work_whose_place_is_over_is_paid_once_by_a_bonus(
    books: Books, campaign: Campaign, settings: Any
) -> None:
    publish_campaign(sit(campaign))
    ada = Participant(books, 1)
    ada.work(campaign.hits.earliest("id").external_id, comes_back=False)
    stored, place = Assignment.objects.get(), books.submissions[ada.assignment_id]
    for status, problem in (("ACTIVE", "can still be submitted"), ("RETURNED", "was returned")):
        place["status"] = status
        with pytest.raises(CannotCompensate, match=problem):
            compensate(sit(campaign), assignment=stored, decided_by="bob")
    place["status"] = "TIMED-OUT"
    books.submissions.clear()
    with pytest.raises(CannotCompensate, match="Prolific 404: Not found"):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    books.submissions[ada.assignment_id] = place
    settings.PROLIFIC_TOKEN = "another"
    with pytest.raises(CannotCompensate, match="Invalid token"):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    settings.PROLIFIC_TOKEN = prolific_stub.TOKEN
    books.lose.append("pay/$")
    with pytest.raises(MarketplaceSilent):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    for _ in range(2):
        with pytest.raises(CannotCompensate, match="never sent again by itself"):
            compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert books.paid == [(stored.external_id, 90)]
    settle_by_hand(sit(campaign), act_id=OutwardAct.objects.get(verb="pay_bonus").pk, outcome="done")
    compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert len(books.paid) == 1
    OutwardAct.objects.filter(verb="pay_bonus").update(state="needs_human")
    settle_by_hand(sit(campaign), act_id=OutwardAct.objects.get(verb="pay_bonus").pk, outcome="given-up")
    with pytest.raises(CannotCompensate, match="Given up by a person"):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert len(books.paid) == 1, "it may have been paid, so it is never sent again"


def test_a_refused_compensation_is_a_need_until_it_is_paid(books: Books, campaign: Campaign) -> None:
    publish_campaign(sit(campaign))
    ada = Participant(books, 1)
    ada.work(campaign.hits.earliest("id").external_id, comes_back=False)
    books.submissions[ada.assignment_id]["status"] = "TIMED-OUT"
    stored, later = Assignment.objects.get(), sit(campaign).clock() + timedelta(hours=1)
    before, cap = Campaign.objects.get().committed_usd, campaign.budget_cap_usd

    def find_needs() -> list[str]:
        return [need.kind for need in find_attention(campaign=campaign, now=later)]

    Campaign.objects.update(budget_cap_usd=before)
    with pytest.raises(BudgetExceeded):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert find_needs() == ["unsubmitted"]
    Campaign.objects.update(budget_cap_usd=cap)
    books.balance_cents = 0
    for _ in range(2):
        with pytest.raises(CannotCompensate, match="enough balance"):
            compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert find_needs() == ["failed", "unsubmitted"]
    assert (Campaign.objects.get().committed_usd, books.paid) == (before, [])
    Campaign.objects.update(budget_cap_usd=before)
    with pytest.raises(BudgetExceeded):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert OutwardAct.objects.get(verb="pay_bonus").state == "failed"
    Campaign.objects.update(budget_cap_usd=cap)
    books.balance_cents = 1000
    for _ in range(2):
        compensate(sit(campaign), assignment=stored, decided_by="bob")
    assert books.paid == [(stored.external_id, 90)]
    paid = OutwardAct.objects.get(verb="pay_bonus")
    assert (paid.state, Campaign.objects.get().committed_usd) == ("done", before + paid.cost_usd)
    assert (find_needs(), list(find_unsubmitted(campaign=campaign, now=later))) == ([], [])
    assert erase_worker(marketplace="prolific", worker_id=ada.id) == 1


def test_a_refused_top_up_is_paid_at_the_next_run(books: Books, campaign: Campaign) -> None:
    publish(sit(campaign))
    meet_people(books, campaign)
    approve_assignments(sit(campaign))
    books.balance_cents = 0
    assert pay_top_ups(sit(campaign), with_slow=True).n_paid == 0
    assert OutwardAct.objects.get(verb="pay_bonus").state == "failed"
    books.balance_cents = 1000
    assert [pay_top_ups(sit(campaign), with_slow=True).n_paid for _ in range(2)] == [1, 0]
    assert len(books.paid) == 1


def test_the_campaigns_page_offers_to_settle_what_only_a_person_can_know(
    books: Books, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.app.app.send_task", lambda *args, **options: None)
    publish(sit(campaign))
    meet_people(books, campaign)
    approve_assignments(sit(campaign))
    books.lose.append("pay/$")
    with pytest.raises(MarketplaceSilent):
        pay_top_ups(sit(campaign), with_slow=True)
    pay_top_ups(sit(campaign), with_slow=True)
    act = campaign.outward_acts.get(state="needs_human")
    address = f"/campaigns/{campaign.name}/attention"
    assert 'value="given-up"' not in sign_in(Role.VIEWER).get(address).content.decode()
    payer = sign_in(Role.PAYER)
    assert f'name="act" value="{act.pk}"' in payer.get(address).content.decode()
    sent = {"act": act.pk, "outcome": "done", "real_money": "on", "typed_name": campaign.name}
    assert payer.post(f"/campaigns/{campaign.name}/work/settle-payment/", sent).status_code == 302
    assert Job.objects.get(step="settle-payment").options == {"act": act.pk, "outcome": "done"}
