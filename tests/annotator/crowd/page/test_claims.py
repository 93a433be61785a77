"""Somebody who has seen the address of a frame puts other ids into it: it gains them nothing."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from annotator.crowd.campaigns.collecting import HAND_OVER, collect_campaign, find_unsubmitted
from annotator.crowd.judging.approving import approve_assignments
from annotator.crowd.judging.attention import find_attention
from annotator.crowd.judging.compensating import CannotCompensate, compensate
from annotator.crowd.models import ANSWERED, HIT, Assignment, Campaign, Worker
from annotator.crowd.page import starting, tokens
from annotator.sandbox.acts import working
from tests.annotator.crowd.fixtures import Visitor
from tests.annotator.crowd.making import make_campaign

pytestmark = pytest.mark.django_db(transaction=True)
SECRET_OF_ANOTHER = "the-browser-of-somebody-else"


def test_a_forged_visit_reads_no_draft(visit: Callable[..., Visitor]) -> None:
    person = visit()
    token = person.start()["work_token"]
    person.post("draft", {"work_token": token, "revision": 0, "draft": {"description": "lamp", "marked": [3]}})
    forged = person.forge().start()
    assert forged["state"] == "working"
    assert forged["draft"].get("description", "") == ""
    assert forged["revision"] == 0
    again = person.start(consent=False)
    assert (again["draft"]["description"], again["revision"]) == ("lamp", 1)


def test_a_forged_visit_does_not_learn_that_somebody_took_part(
    visit: Callable[..., Visitor], campaign: Campaign
) -> None:
    person = visit()
    person.submit(person.start()["work_token"])
    stranger = visit(worker_id="ANOBODY")
    elsewhere = {"hit": campaign.hits.latest("id"), "assignment_id": "INVENTED"}
    for changes in ({}, {"assignment_id": "INVENTED"}, elsewhere):
        seen = [one.forge(**changes) for one in (person, stranger)]
        pages = [one.open() for one in seen]
        assert [page.status_code for page in pages] == [200, 200]
        assert all("I agree, start" in page.content.decode() for page in pages)
        assert [one.start(consent=False)["state"] for one in seen] == ["consent", "consent"]
        assert [one.start()["state"] for one in seen] == ["working", "working"]


def test_a_forged_visit_locks_nobody_out(visit: Callable[..., Visitor], campaign: Campaign) -> None:
    Campaign.objects.update(max_hits_per_worker=1)
    person = visit()
    for number, hit in enumerate(campaign.hits.all()):
        forged = person.forge(hit=hit, assignment_id=f"INVENTED{number}")
        assert forged.submit(forged.start()["work_token"]).status_code == 200
    same = person.forge()  # even with the very ids that the person is about to use
    assert same.submit(same.start()["work_token"]).status_code == 200
    work = person.start()
    assert (work["state"], work["revision"]) == ("working", 0)
    assert person.submit(work["work_token"]).json()["state"] == "stored"
    assert Assignment.objects.get(state="stored").worker is not None


def test_a_forged_answer_is_not_counted_nor_proposed_for_pay(
    market: Any, campaign: Campaign, hit: HIT, client: Any
) -> None:
    market.publish(campaign)
    person = market.work(hit, "ada")
    for changes in ({"worker_id": "AINVENTED"}, {"assignment_id": "INVENTED"}, {}):
        forged = person.forge(**changes)
        stored = forged.submit(forged.start()["work_token"])
        assert stored.json()["state"] == "stored"
    session = market.open_session(campaign)
    collect_campaign(session)
    assert Assignment.objects.filter(state__in=ANSWERED).count() == 1
    later = market.clock() + HAND_OVER * 3
    assert not find_unsubmitted(campaign=campaign, now=later).exists()
    assert [need.kind for need in find_attention(campaign=campaign, now=later)] == ["unproved"]
    assert approve_assignments(session) == 1
    assert Worker.objects.count() == 1, "nobody is made of an invented id"


def test_what_the_marketplace_lists_is_confirmed_by_its_receipt(market: Any, campaign: Campaign, hit: HIT) -> None:
    """At Amazon every visit is claimed; the list of submissions says later whose it was."""
    market.publish(campaign)
    person = market.accept(hit, "ada").forge()
    thief = person.forge()
    thief.submit(thief.start()["work_token"], description="forged")
    stored = person.submit(person.start()["work_token"], description="lamp").json()
    person.hand_over(stored)
    assert not Assignment.objects.filter(state__in=ANSWERED).exists()
    assert collect_campaign(market.open_session(campaign)).n_new == 1
    row = Assignment.objects.get(state="submitted")
    assert (row.answers.get().description, row.is_from_marketplace) == ("lamp", False)
    assert row.worker is not None
    assert row.worker.external_id == person.worker_id
    assert person.start(consent=False)["state"] == "stored", "the same browser sees its receipt"
    assert collect_campaign(market.open_session(campaign)).n_new == 0


def test_who_answers_a_unit_twice_at_amazon_is_paid_and_counted_once(
    market: Any, dissection: Any, campaign: Campaign, hit: HIT
) -> None:
    other = make_campaign(dissection, name="other")
    for one in (campaign, other):
        market.publish(one)
        first = one.hits.earliest("id")
        visitor = market.accept(first, "ada").forge()
        token = visitor.start()["work_token"]
        visitor.hand_over(visitor.submit(token).json())
        collect_campaign(market.open_session(one))
    assert list(Assignment.objects.order_by("id").values_list("is_left_out", flat=True)) == [False, True]
    assert "already answered about this unit" in Assignment.objects.latest("id").left_out_reason
    assert approve_assignments(market.open_session(other)) == 1


def answer_in_tabs(market: Any, hits: list[HIT], **changes: Any) -> list[dict[str, Any]]:
    """One person opens all pages first, then answers them in turn; the JSON of each submission."""
    tabs = [replace(market.accept(hit, "ada"), **changes) for hit in hits]
    opened = [(tab, tab.start()["work_token"]) for tab in tabs]
    stored = [tab.submit(token).json() for tab, token in opened]
    for tab, answer in zip(tabs, stored, strict=True):
        tab.hand_over(answer)
    return stored


def test_pages_of_one_unit_that_were_opened_before_either_was_answered_count_once(
    market: Any, dissection: Any, campaign: Campaign
) -> None:
    other = make_campaign(dissection, name="other")
    for one in (campaign, other):
        market.publish(one)
    first, second = answer_in_tabs(market, [campaign.hits.earliest("id"), other.hits.earliest("id")])
    assert (first["state"], first["note"]) == ("stored", "")
    assert "not counted" in second["note"]
    assert second["state"] == "stored"
    for one in (other, campaign):
        collect_campaign(market.open_session(one))
    rows = Assignment.objects.order_by("id")
    assert list(rows.values_list("state", "is_left_out")) == [("submitted", False), ("submitted", True)]
    assert approve_assignments(market.open_session(other)) == 1, "it is paid"


@pytest.mark.parametrize("is_signed", [True, False])
def test_pages_that_were_opened_first_do_not_pass_the_share_of_one_person(
    market: Any, campaign: Campaign, is_signed: bool
) -> None:
    market.publish(campaign)
    Campaign.objects.update(max_hits_per_worker=2)
    answer_in_tabs(market, list(campaign.hits.order_by("id")), is_signed=is_signed)
    collect_campaign(market.open_session(campaign))
    n_all = campaign.hits.count()
    assert n_all > 2
    rows = Assignment.objects.order_by("id")
    assert list(rows.values_list("is_left_out", flat=True)) == [False] * 2 + [True] * (n_all - 2)


def test_a_claim_that_is_confirmed_at_the_page_is_held_to_the_share_too(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    Campaign.objects.update(max_hits_per_worker=1)
    own, claimed = (market.accept(hit, "ada") for hit in campaign.hits.order_by("id")[:2])
    claimed = replace(claimed, is_signed=False)
    claimed.submit(claimed.start()["work_token"])
    confirmed = replace(claimed, is_signed=True)
    token = confirmed.config()["token"]
    own.submit(own.start()["work_token"])
    confirmed.post("start", {"token": token, "consent": True, "secret": confirmed.secret})
    rows = Assignment.objects.filter(worker__isnull=False).order_by("stored_at")
    assert list(rows.values_list("state", "is_left_out")) == [("stored", True), ("stored", False)]


def test_work_on_a_returned_hit_is_never_paid(market: Any, campaign: Campaign, hit: HIT) -> None:
    market.publish(campaign)
    person = market.accept(hit, "ada")
    config = person.config()
    working.give_back(person.assignment_id, person=market.enroll("ada"), now=market.clock())
    body = {"token": config["token"], "consent": True, "secret": person.secret}
    work = person.post("start", body).json()
    assert person.submit(work["work_token"]).json()["state"] == "stored"
    session, later = market.open_session(campaign), market.clock() + HAND_OVER * 3
    with pytest.raises(CannotCompensate, match="returned"):
        compensate(session, assignment=Assignment.objects.get(), decided_by="bob")
    collect_campaign(session)
    assert not find_unsubmitted(campaign=campaign, now=later).exists()
    assert [need.kind for need in find_attention(campaign=campaign, now=later)] == ["unproved"]
    row = Assignment.objects.get()
    assert (row.state, row.worker) == ("kept", None)


def test_work_that_is_held_or_ran_out_is_still_proposed(market: Any, campaign: Campaign, hit: HIT) -> None:
    market.publish(campaign)
    person = market.accept(hit, "ada")
    person.submit(person.start()["work_token"])
    collect_campaign(market.open_session(campaign))
    assert find_unsubmitted(campaign=campaign, now=market.clock() + HAND_OVER * 3).count() == 1


def test_the_marketplaces_word_at_the_opening_is_good_for_a_short_time(
    visit: Callable[..., Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, claimed = visit(), visit(is_signed=False)
    bodies = [{"token": one.config()["token"], "consent": True, "secret": one.secret} for one in (person, claimed)]
    opened = time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: opened + tokens.CONFIRMED_SECONDS + 2)
    refused = person.post("start", bodies[0])
    assert (refused.status_code, "reload" in refused.json()["error"]) == (410, True)
    assert claimed.post("start", bodies[1]).status_code == 200
    assert set(Assignment.objects.values_list("state", flat=True)) == {"claimed"}


def test_the_same_browser_goes_on_with_its_claim_and_is_told_before_consent(
    visit: Callable[..., Visitor], campaign: Campaign
) -> None:
    person = visit(is_signed=False)
    token = person.start()["work_token"]
    person.post("draft", {"work_token": token, "revision": 0, "draft": {"description": "lamp"}})
    assert person.start(consent=False)["draft"]["description"] == "lamp"
    assert person.submit(token).json()["state"] == "stored"
    second = replace(person, assignment_id="ASSIGNMENT2")
    refused = second.post("start", {"token": second.config()["token"], "consent": False, "secret": person.secret})
    assert refused.status_code == 403
    assert "You have already worked on this unit" in refused.json()["error"]


def test_a_claim_becomes_the_persons_own_when_the_marketplace_confirms_it(visit: Callable[..., Visitor]) -> None:
    claimed = visit(is_signed=False)
    token = claimed.start()["work_token"]
    claimed.post("draft", {"work_token": token, "revision": 0, "draft": {"description": "lamp"}})
    assert replace(claimed, is_signed=True, secret=SECRET_OF_ANOTHER).start()["draft"].get("description", "") == ""
    Assignment.objects.filter(state="started").delete()
    assert replace(claimed, is_signed=True).start(consent=False)["draft"]["description"] == "lamp"
    assert Assignment.objects.get().state == "started"


def test_claims_that_nobody_goes_on_with_are_forgotten(visit: Callable[..., Visitor]) -> None:
    claimed = visit(is_signed=False)
    claimed.start()
    now = timezone.now()
    assert starting.drop_stale_claims(now=now) == 0
    assert starting.drop_stale_claims(now=now + starting.CLAIM_LIFE * 2) == 1
    assert not Assignment.objects.exists()
