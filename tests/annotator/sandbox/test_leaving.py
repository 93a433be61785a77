"""Who leaves: nobody and nothing stops them, they hold no HIT afterwards, and their payout address is kept exactly as
long as somebody may have to pay them."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from annotator.sandbox.acts import accounts, auditing, membership, working
from annotator.sandbox.models import Assignment, Person
from annotator.sandbox.rules.refusals import Refused
from tests.annotator.sandbox.conftest import NewHit, NewPerson
from tests.conformance.documents import FORM, UPLOAD_FORM

pytestmark = pytest.mark.django_db


def leave(browser: Client, person: Person) -> int:
    return browser.post("/worker/account/leave", {"worker_id": person.mturk_id}).status_code


def test_no_name_that_somebody_chose_stops_another_from_leaving(
    new_person: NewPerson, visit: Any, stranger: Client
) -> None:
    ada, fields = new_person(), {"country": "US", "of_age": "1"}
    stranger.post("/worker/sign-up", {**fields, "name": f"left-{ada.mturk_id}"})
    assert leave(visit(ada), ada) == 200
    ada.refresh_from_db()
    assert ada.left_at is not None
    assert ada.mturk_id in ada.name
    assert stranger.post("/worker/sign-up", {**fields, "name": ada.name}).context["problem"].startswith("Choose a name")


def test_a_held_hit_whose_time_is_over_stops_nobody_from_leaving(
    new_person: NewPerson, new_hit: NewHit, visit: Any, accept: Any, move_clock: Callable[[float], None]
) -> None:
    ada = new_person()
    browser = visit(ada)
    late = accept(browser, new_hit())
    held = accept(browser, new_hit(AssignmentDurationInSeconds=3000))
    move_clock(601)
    refused = browser.post("/worker/account/leave", {"worker_id": "another"})
    assert (refused.status_code, b'id="leave-form"' in refused.content) == (400, True)
    left = browser.post("/worker/account/leave", {"worker_id": ada.mturk_id})
    assert (left.status_code, b"You have left" in left.content, b"not possible" in left.content) == (200, True, False)
    assert dict(ada.assignments.values_list("mturk_id", "state")) == {
        late.mturk_id: "Abandoned", held.mturk_id: "Returned",
    }  # fmt: skip
    assert auditing.audit().findings == []


def test_what_is_due_has_happened_before_anybody_reads_what_is_owed(
    mturk: Any, new_person: NewPerson, new_hit: NewHit, visit: Any, accept: Any, move_clock: Callable[[float], None],
    capsys: Any,
) -> None:  # fmt: skip
    ada = new_person()
    browser = visit(ada)
    browser.post("/mturk/externalSubmit", {"assignmentId": accept(browser, new_hit()).mturk_id})
    move_clock(3601)
    call_command("sandbox_earnings")
    assert "owed $0.50" in capsys.readouterr().out
    browser.post("/mturk/externalSubmit", {"assignmentId": accept(browser, new_hit()).mturk_id})
    move_clock(3601)
    assert browser.get("/worker/account").context["earned"].owed_usd == 1
    browser.post("/mturk/externalSubmit", {"assignmentId": accept(browser, new_hit()).mturk_id})
    move_clock(3601)
    assert browser.get("/worker/account/data").json()["owed_usd"] == "1.50"


@pytest.mark.parametrize("end", [membership.leave, lambda person, now: membership.pause(person, reason="", now=now)])
def test_who_left_or_was_paused_meanwhile_gets_no_hit(new_person: NewPerson, new_hit: NewHit, end: Any) -> None:
    """The request has read the person before."""
    hit, ada, now = new_hit(), new_person(), timezone.now()
    end(new_person(), now=now)
    with pytest.raises(Refused, match="paused"):
        working.accept(ada, hit_id=hit.pk, now=now)
    with pytest.raises(Refused, match="paused"):
        working.accept_any(ada, group_id=hit.hit_type.group_id, now=now)
    assert not Assignment.objects.exists()


def test_what_somebody_sent_before_they_left_is_not_kept_after_it(new_person: NewPerson, visit: Any) -> None:
    """As above: of the account's form, and of a new key."""
    ada, key = new_person(), Person.objects.get().key_sha256
    membership.leave(new_person(), now=timezone.now())
    membership.keep_account(ada, contact="ada@example.org", wants_mail=True, payout_address="x")
    accounts.renew_key(ada)
    left = Person.objects.get()
    assert (left.contact, left.wants_mail, left.sealed_payout_address) == ("", False, "")
    assert left.key_sha256 not in (key, ada.key_sha256)


@pytest.fixture
def leaver(new_person: NewPerson, new_hit: NewHit, visit: Any, accept: Any) -> Person:
    """Left, with a payout address and two answers that nobody has judged."""
    ada = new_person()
    browser = visit(ada)
    browser.post("/worker/account", {"payout_address": "pay-ada"})
    for _ in range(2):
        browser.post("/mturk/externalSubmit", {"assignmentId": accept(browser, new_hit()).mturk_id})
    assert leave(browser, ada) == 200
    return ada


def record_what_is_owed(folder: Path) -> int:
    """How many payments were made."""
    file = folder / "payments.csv"
    call_command("sandbox_earnings", "--payments", "--csv", str(file))
    call_command("sandbox_paid", str(file))
    return len(list(csv.DictReader(file.read_text().splitlines())))


@pytest.mark.parametrize(
    "order", ["approve, pay, approve, pay", "approve, pay, reject", "approve, reject, pay", "reject, reject"]
)
def test_the_payout_address_of_who_left_stays_while_work_waits_or_money_is_owed_and_no_longer(
    mturk: Any, leaver: Person, tmp_path: Path, order: str
) -> None:
    waiting = list(leaver.assignments.order_by("id").values_list("mturk_id", flat=True))
    for act in order.split(", "):
        leaver.refresh_from_db()
        assert leaver.sealed_payout_address, f"before: {act}"
        if act == "pay":
            assert record_what_is_owed(tmp_path) == 1
        elif act == "approve":
            mturk.approve_assignment(AssignmentId=waiting.pop())
        else:
            mturk.reject_assignment(AssignmentId=waiting.pop(), RequesterFeedback="No words.")
    leaver.refresh_from_db()
    assert not leaver.sealed_payout_address


def test_a_requester_is_told_that_who_left_reads_no_message(mturk: Any, leaver: Person) -> None:
    mturk.approve_assignment(AssignmentId=leaver.assignments.order_by("id")[0].mturk_id)
    said = mturk.notify_workers(Subject="S", MessageText="T", WorkerIds=[leaver.mturk_id])
    assert [one["WorkerId"] for one in said["NotifyWorkersFailureStatuses"]] == [leaver.mturk_id]
    assert not leaver.messages.exists()


def test_what_is_taken_along_tells_of_tests_of_files_and_of_what_was_revoked(
    mturk: Any, new_person: NewPerson, new_hit: NewHit, visit: Any, accept: Any
) -> None:
    ada = new_person()
    browser, fields = visit(ada), {"Description": "D", "QualificationTypeStatus": "Active"}
    cats, dogs = (
        mturk.create_qualification_type(Name=name, **fields, **more)["QualificationType"]["QualificationTypeId"]
        for name, more in (("Cats", {"Test": FORM, "TestDurationInSeconds": 60}), ("Dogs", {"AutoGranted": True}))
    )
    browser.post(browser.post(f"/worker/qualifications/{cats}/request").url, {"answer:animal": "cat"})
    browser.post(f"/worker/qualifications/{dogs}/request")
    mturk.disassociate_qualification_from_worker(WorkerId=ada.mturk_id, QualificationTypeId=dogs, Reason="No dogs.")
    held = accept(browser, new_hit(UPLOAD_FORM))
    photograph = SimpleUploadedFile("cat.jpg", b"x")
    browser.post(f"/worker/assignments/{held.mturk_id}/submit", {"answer:photo": photograph})
    taken = browser.get("/worker/account/data").json()
    told = {one["type__name"]: (one["state"], "cat" in one["answer"]) for one in taken["qualification_requests"]}
    assert told == {"Cats": ("pending", True), "Dogs": ("granted", False)}
    assert [(one["is_revoked"], one["reason"]) for one in taken["qualifications"]] == [(True, "No dogs.")]
    assert [one["name"] for one in taken["files"]] == ["cat.jpg"]
