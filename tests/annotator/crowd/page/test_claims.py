"""Somebody who has seen the address of a frame puts other ids into it: it gains them nothing."""

import os
import random
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotator.crowd.campaigns.collecting import HAND_OVER, collect_campaign, find_unsubmitted
from annotator.crowd.judging.approving import approve_assignments, pay_top_ups
from annotator.crowd.judging.attention import find_attention
from annotator.crowd.judging.compensating import CannotCompensate, compensate
from annotator.crowd.marketplaces.marketplace import Published
from annotator.crowd.marketplaces.mturk.visits import sign_visit
from annotator.crowd.models import ANSWERED, HIT, Assignment, Campaign, Worker
from annotator.crowd.page import limits, starting, tokens
from annotator.sandbox.acts import working
from annotator.sandbox.models import Assignment as SandboxAssignment
from annotator.sandbox.models import BonusPayment, Person
from annotator.sandbox.worker import hits
from tests.annotator.crowd.fixtures import Visitor, let_pass, read_config
from tests.annotator.crowd.making import make_campaign

pytestmark = pytest.mark.django_db(transaction=True)
N_FORGED = int(os.environ.get("UNITSCOPE_FORGED_VISITS", "24"))
SECRET_OF_ANOTHER = "the-browser-of-somebody-else"


def new_id() -> str:
    return str(uuid.uuid4())


def forge(visitor: Visitor, **changes: Any) -> Visitor:
    """The same ids from another browser, without a proof."""
    return replace(visitor, **{"is_signed": False, "secret": secrets.token_hex(16)} | changes)


def test_a_forged_visit_reads_no_draft(visit: Callable[..., Visitor]) -> None:
    person = visit()
    token = person.start()["work_token"]
    person.post("draft", {"work_token": token, "revision": 0, "draft": {"description": "lamp", "marked": [3]}})
    forged = forge(person).start()
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
        seen = [forge(one, **changes) for one in (person, stranger)]
        pages = [one.open() for one in seen]
        assert [page.status_code for page in pages] == [200, 200]
        assert all("I agree, start" in page.content.decode() for page in pages)
        assert [one.start(consent=False)["state"] for one in seen] == ["consent", "consent"]
        assert [one.start()["state"] for one in seen] == ["working", "working"]


def test_a_forged_visit_locks_nobody_out(visit: Callable[..., Visitor], campaign: Campaign) -> None:
    Campaign.objects.update(max_hits_per_worker=1)
    person = visit()
    for number, hit in enumerate(campaign.hits.all()):
        forged = forge(person, hit=hit, assignment_id=f"INVENTED{number}")
        assert forged.submit(forged.start()["work_token"], client_id=new_id()).status_code == 200
    same = forge(person)  # even with the very ids that the person is about to use
    assert same.submit(same.start()["work_token"], client_id=new_id()).status_code == 200
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
        forged = forge(person, **changes)
        stored = forged.submit(forged.start()["work_token"], client_id=new_id())
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
    person = forge(
        market.accept(hit, "ada"),
    )
    thief = replace(person, secret="a-third-browser-of-a-thief")
    thief.submit(thief.start()["work_token"], description="forged", client_id=new_id())
    stored = person.submit(person.start()["work_token"], description="lamp", client_id=new_id()).json()
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
        visitor = forge(market.accept(first, "ada"), secret=f"a-browser-for-{one.name}")
        token = visitor.start()["work_token"]
        visitor.hand_over(visitor.submit(token, client_id=new_id()).json())
        collect_campaign(market.open_session(one))
    assert list(Assignment.objects.order_by("id").values_list("is_left_out", flat=True)) == [False, True]
    assert "already answered about this unit" in Assignment.objects.latest("id").left_out_reason
    assert approve_assignments(market.open_session(other)) == 1


def answer_in_tabs(market: Any, hits: list[HIT], **changes: Any) -> list[dict[str, Any]]:
    """One person opens all pages first, then answers them in turn; the JSON of each submission."""
    tabs = [replace(market.accept(hit, "ada"), **changes) for hit in hits]
    opened = [(tab, tab.start()["work_token"]) for tab in tabs]
    stored = [tab.submit(token, client_id=new_id()).json() for tab, token in opened]
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
    claimed.submit(claimed.start()["work_token"], client_id=new_id())
    confirmed = replace(claimed, is_signed=True)
    token = confirmed.config()["token"]
    own.submit(own.start()["work_token"], client_id=new_id())
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


@pytest.mark.parametrize("name", ["assignmentId", "workerId", "hitId", "visitProof"])
def test_a_proof_is_bound_to_every_id_and_to_its_time(market: Any, campaign: Campaign, hit: HIT, name: str) -> None:
    market.publish(campaign)
    person = market.accept(hit, "ada")
    query = person.query()
    marketplace, now = market.marketplace, market.clock()
    here = Published(hit_id=hit.external_id)
    assert marketplace.read_visit(query, cookies={}, expected=here, now=now).is_confirmed
    assert not marketplace.read_visit(query, cookies={}, expected=here, now=now + timedelta(days=1)).is_confirmed
    changed = query | {name: query[name][:-1] + ("1" if query[name][-1] != "1" else "2")}
    there = Published(hit_id=changed["hitId"])
    assert not marketplace.read_visit(changed, cookies={}, expected=there, now=now).is_confirmed
    longer = query["visitProof"].split(".")
    forged = query | {"visitProof": f"{int(longer[0]) + 9}.{longer[1]}"}
    assert not marketplace.read_visit(forged, cookies={}, expected=here, now=now).is_confirmed


def test_the_sandbox_signs_as_the_page_reads(market: Any, campaign: Campaign, hit: HIT) -> None:
    market.publish(campaign)
    person = market.accept(hit, "ada")
    there = SandboxAssignment.objects.get()
    proof = hits.sign_visit(there.hit, there)
    expires = int(proof.split(".")[0])
    ids = {"assignment_id": person.assignment_id, "worker_id": person.worker_id, "hit_id": hit.external_id}
    assert proof == sign_visit(secret=market.account.secret_access_key, expires=expires, **ids)
    assert expires > time.time()


def test_no_secret_no_proof_and_no_other_account_confirms(visit: Callable[..., Visitor], settings: Any) -> None:
    person = visit()
    proof = person.sign()
    for keys in (("", ""), ("A key", "the secret of another account")):
        settings.MARKETPLACE_CREDENTIALS = {**settings.MARKETPLACE_CREDENTIALS, "own": keys}
        config = read_config(person.open(visitProof=proof))
        person.post("start", {"token": config["token"], "consent": True, "secret": person.secret})
        assert set(Assignment.objects.values_list("state", flat=True)) == {"claimed"}


def test_many_forged_visits_gain_nothing_make_few_rows_and_stop_nobody(campaign: Campaign, hit: HIT) -> None:
    """From many addresses, with invented ids and with a real person's, on one HIT, while that person works on it."""
    person = Visitor(hit)
    token = person.start()["work_token"]
    person.post("draft", {"work_token": token, "revision": 0, "draft": {"description": "lamp", "marked": [3]}})
    draw, codes = random.Random(11), Counter[int]()
    for number in range(N_FORGED):
        ids = {"assignment_id": draw.choice([person.assignment_id, f"I{number}"])}
        ids |= {"worker_id": draw.choice([person.worker_id, f"AW{number}"])}
        codes.update(attack(Visitor(hit, **ids), address=f"10.0.{draw.randrange(8)}.{draw.randrange(8)}"))
    assert set(codes) <= {200, 429}, codes
    claims = Assignment.objects.exclude(visit_key="")
    assert 0 < claims.count() <= limits.PER_HIT["start"][0]
    assert Worker.objects.count() == 1
    work = person.start(consent=False)
    assert (work["draft"]["description"], work["draft"]["marked"], work["revision"]) == ("lamp", [3], 1)
    assert person.submit(work["work_token"]).json()["state"] == "stored"
    assert Assignment.objects.filter(state__in=ANSWERED).count() == 1
    newcomer = Visitor(hit, assignment_id="ASSIGNMENT2", worker_id="AWORKER2")
    assert newcomer.submit(newcomer.start()["work_token"], client_id=new_id()).json()["state"] == "stored"


def attack(visitor: Visitor, *, address: str) -> list[int]:
    """Opens, starts and submits without a proof, as far as the page lets it. The status of each request."""
    forged = forge(visitor)
    forged.client = Client(REMOTE_ADDR=address)
    page = forged.open()
    codes = [page.status_code]
    if page.status_code == 200:
        body = {"token": read_config(page)["token"], "consent": True, "secret": forged.secret}
        started = forged.post("start", body)
        codes.append(started.status_code)
        if started.status_code == 200:
            assert started.json()["draft"].get("description", "") == ""
            codes.append(forged.submit(started.json()["work_token"], client_id=new_id()).status_code)
    return codes


def test_what_many_addresses_forge_is_bounded_by_the_database_without_valkey(
    hit: HIT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_count", lambda name, seconds: 0)
    monkeypatch.setitem(limits.PER_HIT, "start", (5, 3600))
    forged_at(hit, n=9)
    assert Assignment.objects.count() == 5


def test_a_few_addresses_do_not_shut_a_hit(hit: HIT, monkeypatch: pytest.MonkeyPatch) -> None:
    """They submit rubbish, start as often as they may, and open the page as often as they may; all limits are a third
    of what they are.
    """
    for limit in (limits.PER_ADDRESS, limits.PER_HIT, limits.PER_ADDRESS_AND_HIT):
        for act, (times, seconds) in limit.items():
            monkeypatch.setitem(limit, act, (times // 3, seconds))
    for name in ("SUBMITS_PER_ADDRESS", "SUBMITS_PER_ROW"):
        times, seconds = getattr(limits, name)
        monkeypatch.setattr(limits, name, (times // 3, seconds))
    for number in range(6):
        junk = forge(Visitor(hit, assignment_id=f"JUNK{number}", worker_id="AJUNK"))
        junk.client = Client(REMOTE_ADDR=f"10.9.{number}.1")
        token = junk.start()["work_token"]
        body = {"work_token": token, "client_id": new_id()}
        assert {junk.post("submit", body).status_code for _ in range(12)} <= {422, 429}
        for again in range(7):
            one = replace(junk, assignment_id=f"J{number}x{again}")
            one.client = junk.client
            one.start()
    person = forge(Visitor(hit))
    person.client = Client(REMOTE_ADDR="192.0.2.7")
    assert person.submit(person.start()["work_token"], client_id=new_id()).json()["state"] == "stored"


def test_the_wait_that_is_told_is_the_true_one(hit: HIT) -> None:
    now = timezone.now().replace(minute=20, second=0)
    for _ in range(limits.PER_ADDRESS_AND_HIT["start"][0]):
        limits.check_limits("start", hit=hit, network="192.0.2.7", now=now)
    with pytest.raises(limits.TooMany, match=r"You can go on in (\d+) (minute|second)s?\.") as caught:
        limits.check_limits("start", hit=hit, network="192.0.2.7", now=now)
    n, unit = str(caught.value).split()[-2:]
    wait = timedelta(seconds=int(n) * (60 if unit.startswith("minute") else 1))
    limits.check_limits("start", hit=hit, network="192.0.2.7", now=now + wait)
    with pytest.raises(limits.TooMany):
        limits.check_limits("start", hit=hit, network="192.0.2.7", now=now + wait / 2)


def forged_at(hit: HIT, *, n: int) -> list[int]:
    """The status of each forged start."""
    codes = []
    for number in range(n):
        one = Visitor(hit, assignment_id=f"I{number}", worker_id=f"AW{number}", is_signed=False, secret=f"{number:032}")
        page = one.open()
        if page.status_code != 200:
            codes.append(page.status_code)
            continue
        token = one.config()["token"]
        codes.append(one.post("start", {"token": token, "consent": True, "secret": one.secret}).status_code)
    return codes


def test_claims_that_nobody_goes_on_with_are_forgotten(visit: Callable[..., Visitor]) -> None:
    claimed = visit(is_signed=False)
    claimed.start()
    now = timezone.now()
    assert starting.drop_stale_claims(now=now) == 0
    assert starting.drop_stale_claims(now=now + starting.CLAIM_LIFE * 2) == 1
    assert not Assignment.objects.exists()


def test_seconds_that_only_the_browser_claims_are_not_paid(market: Any, campaign: Campaign, hit: HIT) -> None:
    market.publish(campaign)
    liar = market.accept(hit, "liar")
    liar.hand_over(liar.submit(liar.start()["work_token"], active_seconds=3600.0, client_id=new_id()).json())
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
        visitor.hand_over(visitor.submit(token, active_seconds=900.0, client_id=new_id()).json())
    session = market.open_session(campaign)
    collect_campaign(session)
    approve_assignments(session)
    pay_top_ups(session)
    total = sum(BonusPayment.objects.values_list("amount_usd", flat=True))
    assert total <= 3 - 4 * campaign.reward_usd + 1, "900 seconds at $12 an hour, not four times that"
