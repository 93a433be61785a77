"""Collecting and approving against the real sandbox: each answer once, each person paid once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction

from annotator.crowd.campaigns import collecting
from annotator.crowd.judging import approving, attention
from annotator.crowd.models import Answer, Assignment, Campaign, OutwardAct, Worker
from annotator.sandbox.models import Assignment as SandboxAssignment
from tests.databases import wait_for_lock

pytestmark = pytest.mark.django_db(transaction=True)


def collect(market: Any, campaign: Campaign) -> collecting.Collected:
    return collecting.collect_campaign(market.open_session(campaign))


def approve(market: Any, campaign: Campaign) -> Any:
    return approving.approve_assignments(market.open_session(campaign))


def test_from_accepting_to_paid(market: Any, campaign: Campaign) -> None:
    market.publish(campaign)
    for hit in campaign.hits.all():
        for name in ("ada", "bob", "simulated-cyd"):
            market.work(hit, name, description=f"lamp {name}")
    collected = collect(market, campaign)
    assert (collected.n_new, collected.n_listed, collected.n_asked, collected.n_unreadable) == (12, 12, 12, 0)
    assert collected.is_complete
    campaign.refresh_from_db()
    assert campaign.state == "complete"
    assert approve(market, campaign) == 12
    assert set(Assignment.objects.values_list("state", flat=True)) == {"approved"}
    assert set(SandboxAssignment.objects.values_list("state", flat=True)) == {"Approved"}
    assert Worker.objects.filter(is_simulated=True).count() == 1


def test_collecting_and_approving_again_change_nothing(market: Any, campaign: Campaign, hit: Any) -> None:
    market.publish(campaign)
    market.work(hit, "ada")
    assert collect(market, campaign).n_new == 1
    approve(market, campaign)
    assert collect(market, campaign).n_new == 0
    assert approve(market, campaign) == 0
    assert Assignment.objects.get().state == "approved"
    assert OutwardAct.objects.filter(verb="approve").count() == 1


def test_an_answer_that_only_the_marketplace_holds_is_read_from_there(
    market: Any, campaign: Campaign, hit: Any
) -> None:
    market.publish(campaign)
    visitor = market.accept(hit, "ada")
    fields = {
        "assignmentId": visitor.assignment_id, "description": "wheel", "category": "object part", "marked": "0 7",
        "active_seconds": "30.0",
    }  # fmt: skip
    visitor.hand_over({"fields": fields, "submit_to": f"{visitor.submit_to}/mturk/externalSubmit"})
    assert collect(market, campaign).n_new == 1
    row = Answer.objects.get()
    assert row.assignment.is_from_marketplace
    assert (row.description, row.category, row.assignment.state) == ("wheel", "object part", "submitted")
    assert len(row.marked_ranks) == 2
    assert row.precision is not None
    needs = attention.find_attention(campaign=campaign, now=market.clock())
    assert [need.kind for need in needs] == ["unstored"]
    approve(market, campaign)
    assert not attention.find_attention(campaign=campaign, now=market.clock())


def test_an_unreadable_answer_is_kept_counted_and_still_paid(market: Any, campaign: Campaign, hit: Any) -> None:
    market.publish(campaign)
    visitor = market.accept(hit, "ada")
    fields = {"assignmentId": visitor.assignment_id, "something": "else"}
    visitor.hand_over({"fields": fields, "submit_to": f"{visitor.submit_to}/mturk/externalSubmit"})
    assert collect(market, campaign).n_unreadable == 1
    row = Assignment.objects.get()
    assert row.answers.get().says is None
    assert row.raw_answer is not None
    assert "something" in row.raw_answer["marketplace_xml"]
    assert approve(market, campaign) == 1


def test_work_that_never_reached_the_marketplace_is_found(market: Any, campaign: Campaign, hit: Any) -> None:
    market.publish(campaign)
    visitor = market.accept(hit, "ada")
    visitor.submit(visitor.start()["work_token"])
    collect(market, campaign)
    later = market.clock() + collecting.HAND_OVER * 2
    assert collecting.find_unsubmitted(campaign=campaign, now=later).count() == 1
    assert not collecting.find_unsubmitted(campaign=campaign, now=market.clock()).exists()


def test_work_that_was_never_submitted_is_asked_about_until_its_time_is_over(
    market: Any, campaign: Campaign, hit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.publish(campaign)
    visitor = market.accept(hit, "ada")
    visitor.submit(visitor.start()["work_token"])
    asked: list[str] = []
    monkeypatch.setattr(type(market.marketplace), "was_returned", lambda self, one: bool(asked.append(one)))
    begin = market.clock()
    for hours in (0, 0.5, 2, 3, 100):
        market.clock = lambda passed=timedelta(hours=hours): begin + passed
        collect(market, campaign)
    assert asked == [visitor.assignment_id] * 3, "twice within the hour that the HIT gives, and once after it"
    assert collecting.find_unsubmitted(campaign=campaign, now=market.clock()).count() == 1, "still to be paid"


def test_two_who_collect_and_one_who_is_erased_wait_for_the_person_first(
    market: Any, campaign: Campaign, hit: Any
) -> None:
    """Who holds a person may change their answers: nobody who waits for the person holds one of these."""
    market.publish(campaign)
    market.work(hit, "ada")
    person = market.accept(campaign.hits.order_by("id")[1], "ada")
    token = person.start()["work_token"]
    acts = [lambda: collect(market, campaign), lambda: person.submit(token)]
    for act in acts:
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                worker = Worker.objects.select_for_update().get()
                waiting = pool.submit(closing(act))
                wait_for_lock(waiting)
                worker.assignments.update(claimed_by="")
            waiting.result()
    assert set(Assignment.objects.values_list("state", flat=True)) == {"submitted", "stored"}


def closing(act: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        try:
            act()
        finally:
            connections.close_all()

    return run


def test_the_marketplaces_id_of_a_person_is_in_one_table(market: Any, campaign: Campaign, hit: Any) -> None:
    market.publish(campaign)
    visitor = market.work(hit, "ada")
    collect(market, campaign)
    approve(market, campaign)
    rows = [*Assignment.objects.values(), *OutwardAct.objects.values(), *Campaign.objects.values()]
    assert visitor.worker_id not in str(rows)
    assert Worker.objects.get().external_id == visitor.worker_id
