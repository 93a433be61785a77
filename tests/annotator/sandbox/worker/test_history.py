"""What it brought: earnings, messages, qualifications; and what is not there."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotator.sandbox.models import HIT, Message, Requester
from annotator.sandbox.worker import history
from tests.annotator.sandbox.conftest import Accept, NewPerson, Visit
from tests.conformance.documents import FORM


def test_earnings_are_what_was_paid(
    accept: Accept,
    visit: Visit,
    new_person: NewPerson,
    new_hit: Callable[..., HIT],
    mturk: Any,
    move_clock: Callable[[float], None],
) -> None:
    person = new_person()
    browser = visit(person)
    for _ in range(2):
        assignment = accept(browser, new_hit())
        browser.post("/mturk/externalSubmit", {"assignmentId": assignment.mturk_id})
    mturk.send_bonus(AssignmentId=assignment.mturk_id, WorkerId=person.mturk_id, BonusAmount="1", Reason="Thanks!")
    page = browser.get("/worker/history")
    assert (page.context["earned"].earned_usd, page.context["waiting"]) == (1, 1)
    assert "Thanks!" in page.content.decode()
    move_clock(3601)
    assert browser.get("/worker/history").context["earned"].earned_usd == 2


def test_a_person_and_a_requester_write_to_each_other(
    visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], mturk: Any
) -> None:
    person = new_person()
    browser, requester = visit(person), new_hit().requester
    address = f"/worker/requesters/{requester.mturk_id}/write"
    assert browser.post(address, {"subject": "Unclear", "text": ""}).status_code == 400
    assert browser.post(address, {"subject": "Unclear", "text": "What is a unit?"}).status_code == 302
    assert Message.objects.get().is_from_person
    assert "What is a unit?" in browser.get("/worker/messages").content.decode()


@pytest.mark.parametrize("page", ["history", "assignments/{}/"])
def test_who_was_rejected_can_write_about_that_hit(
    page: str, accept: Accept, visit: Visit, new_person: NewPerson, new_hit: Callable[..., HIT], mturk: Any
) -> None:
    browser = visit(new_person())
    assignment = accept(browser, new_hit())
    browser.post("/mturk/externalSubmit", {"assignmentId": assignment.mturk_id})
    mturk.reject_assignment(AssignmentId=assignment.mturk_id, RequesterFeedback="Nothing was marked.")
    shown = browser.get(f"/worker/{page.format(assignment.mturk_id)}").content.decode()
    link = re.search(r'href="(/worker/requesters/[^"]+)"', shown)
    assert "Nothing was marked." in shown
    assert ('data-label="Reward">–<' in shown) == (page == "history"), "no reward was paid"
    assert link
    assert f'value="HIT {assignment.hit.mturk_id}"' in browser.get(link[1]).content.decode()


def test_a_message_that_was_not_shown_was_not_read(
    visit: Visit, new_person: NewPerson, requester: Requester, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, now = new_person(), timezone.now()
    browser = visit(person)
    for text in ("the first", "the second"):
        Message.objects.create(requester=requester, person=person, subject="S", text=text, sent_at=now)
    monkeypatch.setattr(history, "MAX_SHOWN", 1)
    assert "the second" in browser.get("/worker/messages").content.decode()
    assert list(Message.objects.filter(read_at=None).values_list("text", flat=True)) == ["the first"]


def test_what_is_not_there_is_said_in_words(visit: Visit, new_person: NewPerson) -> None:
    browser = visit(new_person())
    for path in ("hits/NONE/", "groups/NONE/", "assignments/NONE/", "requesters/NONE/write", "tests/NONE/"):
        page = browser.get(f"/worker/{path}")
        assert page.status_code == 404
        assert 'id="problem"' in page.content.decode()


NUL = "%00"
ODD_ADDRESSES = (
    f"hits/{NUL}/", f"groups/{NUL}/next", f"groups/A/next?after={NUL}", f"?words={NUL}&least_reward={NUL}&sort={NUL}",
    f"sign-up?invitation={NUL}", f"files/{NUL}", f"qualifications?words={NUL}", f"sign-in?next={NUL}",
    "hits/a%27%20or/", "sign-in?next=//evil.example", "?least_reward=1e999999", "?least_reward=NaN",
    f"assignments/{'A' * 65}/",
)  # fmt: skip


@pytest.mark.parametrize("path", ODD_ADDRESSES)
def test_odd_addresses_are_answered_without_an_error(visit: Visit, new_person: NewPerson, path: str) -> None:
    page = visit(new_person()).get(f"/worker/{path}")
    assert page.status_code in (200, 302, 403, 404)
    assert "//evil.example" not in page.content.decode()


def test_odd_forms_are_refused_in_words(visit: Visit, new_person: NewPerson, stranger: Client) -> None:
    browser = visit(new_person())
    assert stranger.post("/worker/sign-up", {"name": "\x00", "country": "\x00", "of_age": "1"}).status_code == 400
    assert stranger.post("/worker/sign-in", {"key": "\x00", "next": "https://evil.example"}).status_code == 400
    assert browser.post("/mturk/externalSubmit", {"assignmentId": "\x00", "\x00": "\x00"}).status_code == 409


def test_a_visitor_at_the_root_is_shown_to_the_worker_site(stranger: Client) -> None:
    assert stranger.get("/").url == "/worker/"


def test_after_120_days_a_hit_is_deleted_by_itself(
    new_hit: Callable[..., HIT], mturk: Any, move_clock: Callable[[float], None]
) -> None:
    hit = new_hit()
    move_clock(3600 + 119 * 86_400)
    assert mturk.get_hit(HITId=hit.mturk_id)["HIT"]["HITStatus"] == "Reviewable"
    move_clock(2 * 86_400)
    assert mturk.get_hit(HITId=hit.mturk_id)["HIT"]["HITStatus"] == "Disposed"


def test_a_retry_of_a_qualification_waits_its_delay(
    visit: Visit, new_person: NewPerson, mturk: Any, move_clock: Callable[[float], None], now: dt.datetime
) -> None:
    made = mturk.create_qualification_type(
        Name="Cats", Description="Knows cats.", QualificationTypeStatus="Active", Test=FORM, TestDurationInSeconds=60,
        RetryDelayInSeconds=1000,
    )["QualificationType"]["QualificationTypeId"]  # fmt: skip
    browser = visit(new_person())
    assert "/worker/tests/" in browser.post(f"/worker/qualifications/{made}/request").url
    move_clock(61)
    assert browser.post(f"/worker/qualifications/{made}/request").status_code == 409
    move_clock(1000)
    address = browser.post(f"/worker/qualifications/{made}/request").url
    assert browser.post(address, {"answer:animal": "cat"}).status_code == 200
    [asked] = mturk.list_qualification_requests(QualificationTypeId=made)["QualificationRequests"]
    assert "<SelectionIdentifier>cat</SelectionIdentifier>" in asked["Answer"]
