"""Qualifications: what was revoked stays revoked, and a test counts once."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from annotator.sandbox.acts import granting
from annotator.sandbox.models import Qualification, QualificationRequest, QualificationType
from annotator.sandbox.questions.answers import Answer
from annotator.sandbox.rules.refusals import Refused
from tests.annotator.sandbox.conftest import NewPerson, Visit
from tests.conformance.documents import ANSWER_KEY, FORM

pytestmark = pytest.mark.django_db


def make_type(mturk: Any, **fields: Any) -> QualificationType:
    made = mturk.create_qualification_type(
        Name="Cats", Description="Who knows cats.", QualificationTypeStatus="Active", **fields
    )
    return QualificationType.objects.get(mturk_id=made["QualificationType"]["QualificationTypeId"])


def test_one_that_was_granted_at_once_and_revoked_does_not_come_back_by_a_click(
    mturk: Any, new_person: NewPerson, visit: Visit
) -> None:
    kind, person = make_type(mturk, AutoGranted=True), new_person()
    browser, ask = visit(person), "/worker/qualifications/{}/request"
    assert browser.post(ask.format(kind.mturk_id)).status_code == 302
    assert Qualification.objects.get().is_revoked is False
    mturk.disassociate_qualification_from_worker(WorkerId=person.mturk_id, QualificationTypeId=kind.mturk_id)
    assert kind.mturk_id not in browser.get("/worker/qualifications").content.decode(), "it is not offered either"
    assert browser.post(ask.format(kind.mturk_id)).status_code == 409
    assert Qualification.objects.get().is_revoked is True
    assert mturk.list_qualification_requests()["QualificationRequests"] == []


def test_nor_does_one_that_was_granted_without_a_request(mturk: Any, new_person: NewPerson, visit: Visit) -> None:
    """As those are that were granted at once before requests were kept."""
    kind, person = make_type(mturk, AutoGranted=True), new_person()
    granting.grant(kind, person, value=1, now=timezone.now())
    mturk.disassociate_qualification_from_worker(WorkerId=person.mturk_id, QualificationTypeId=kind.mturk_id)
    browser = visit(person)
    assert kind.mturk_id not in browser.get("/worker/qualifications").content.decode()
    assert browser.post(f"/worker/qualifications/{kind.mturk_id}/request").status_code == 409
    assert Qualification.objects.get().is_revoked is True


def test_one_with_a_delay_comes_back_after_it(
    mturk: Any, new_person: NewPerson, visit: Visit, move_clock: Callable[[float], None]
) -> None:
    kind, person = make_type(mturk, AutoGranted=True, RetryDelayInSeconds=60), new_person()
    browser, ask = visit(person), f"/worker/qualifications/{kind.mturk_id}/request"
    browser.post(ask)
    mturk.disassociate_qualification_from_worker(WorkerId=person.mturk_id, QualificationTypeId=kind.mturk_id)
    assert kind.mturk_id in browser.get("/worker/qualifications").content.decode()
    assert browser.post(ask).status_code == 409
    move_clock(61)
    assert browser.post(ask).status_code == 302
    assert Qualification.objects.get().is_revoked is False


def test_of_two_that_submit_a_test_at_once_the_first_counts(mturk: Any, new_person: NewPerson) -> None:
    """Both requests have read the test while it was open."""
    kind = make_type(mturk, Test=FORM, AnswerKey=ANSWER_KEY, TestDurationInSeconds=600)
    now = timezone.now()
    granting.start_request(kind, new_person(), now=now)
    first, second = (QualificationRequest.objects.select_related("type", "person").get() for _ in range(2))
    value = granting.submit_test(first, [Answer("animal", selections=("dog",))], now=now)
    with pytest.raises(Refused, match="over"):
        granting.submit_test(second, [Answer("animal", selections=("cat",))], now=now)
    assert Qualification.objects.get().value == value


def test_a_test_that_was_closed_meanwhile_grants_nothing(mturk: Any, new_person: NewPerson) -> None:
    """As above: its type was deleted."""
    kind = make_type(mturk, Test=FORM, AnswerKey=ANSWER_KEY, TestDurationInSeconds=600)
    now = timezone.now()
    granting.start_request(kind, new_person(), now=now)
    asked = QualificationRequest.objects.select_related("type", "person").get()
    granting.delete_type(kind, now=now)
    with pytest.raises(Refused, match="over"):
        granting.submit_test(asked, [Answer("animal", selections=("cat",))], now=now)
    assert not Qualification.objects.exists()


def test_one_that_was_deleted_meanwhile_is_not_requested(mturk: Any, new_person: NewPerson) -> None:
    """The request has read the type before."""
    kind, now = make_type(mturk, AutoGranted=True), timezone.now()
    mturk.delete_qualification_type(QualificationTypeId=kind.mturk_id)
    with pytest.raises(Refused, match="cannot be requested"):
        granting.start_request(kind, new_person(), now=now)
    assert not Qualification.objects.exists()


def test_who_has_begun_a_test_keeps_the_time_that_was_promised(
    mturk: Any, new_person: NewPerson, visit: Visit, move_clock: Callable[[float], None]
) -> None:
    kind = make_type(mturk, Test=FORM, TestDurationInSeconds=600)
    browser = visit(new_person())
    address = browser.post(f"/worker/qualifications/{kind.mturk_id}/request").url
    mturk.update_qualification_type(QualificationTypeId=kind.mturk_id, Test=FORM, TestDurationInSeconds=10)
    move_clock(500)
    assert 0 < browser.get(address).context["n_seconds_left"] <= 100
    assert browser.post(address, {"answer:animal": "cat"}).status_code == 200


@pytest.mark.parametrize("may_again", [False, True])
def test_the_page_of_a_test_whose_time_is_over_says_so(
    mturk: Any, new_person: NewPerson, visit: Visit, move_clock: Callable[[float], None], may_again: bool
) -> None:
    """The page with the form loads itself again at the end: it would do so for ever."""
    again = {"RetryDelayInSeconds": 600} if may_again else {}
    kind = make_type(mturk, Test=FORM, TestDurationInSeconds=60, **again)
    browser = visit(new_person())
    address = browser.post(f"/worker/qualifications/{kind.mturk_id}/request").url
    move_clock(61)
    for page in (browser.get(address), browser.post(address, {"answer:animal": "cat"})):
        assert (page.status_code, "time-left" in page.content.decode()) == (409, False)
        assert ("again from" if may_again else "once only") in page.content.decode()
    listed = browser.get("/worker/qualifications").context
    assert (list(listed["asked"]), list(listed["offered"])) == ([], [kind] if may_again else [])


def test_of_a_test_that_was_begun_before_ends_were_kept_the_end_is_computed(mturk: Any, new_person: NewPerson) -> None:
    kind, now = make_type(mturk, Test=FORM, TestDurationInSeconds=600), timezone.now()
    granting.start_request(kind, new_person(), now=now)
    ends_at = QualificationRequest.objects.get().ends_at
    QualificationRequest.objects.update(ends_at=None)
    with connection.cursor() as cursor:
        cursor.execute(import_module("annotator.sandbox.migrations.0009_end_of_tests").FILL)
    assert QualificationRequest.objects.get().ends_at == ends_at
