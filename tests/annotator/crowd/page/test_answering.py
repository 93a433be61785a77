"""Submissions at once and out of order: one row, one receipt, nothing acknowledged and lost."""

import threading
import uuid
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from annotator.crowd.models import HIT, Assignment
from tests.annotator.crowd.fixtures import Visitor

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(calls: list[Any]) -> list[Any]:
    """All at once; what each answered."""
    answers: list[Any] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(number: int) -> None:
        gate.wait()
        try:
            answers[number] = calls[number]()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def again(visitor: Visitor) -> Visitor:
    """The same person in another browser: a client of its own for a thread of its own."""
    twin = Visitor(visitor.hit, assignment_id=visitor.assignment_id, worker_id=visitor.worker_id)
    twin.client = Client()
    return twin


@pytest.mark.parametrize("same_client_id", [True, False])
def test_a_submission_sent_three_times_at_once_is_one_row_and_one_receipt(hit: HIT, same_client_id: bool) -> None:
    people = [Visitor(hit, assignment_id=f"A{n}", worker_id=f"AW{n}") for n in range(4)]
    for visitor in people:
        token = visitor.start()["work_token"]
        one = str(uuid.uuid4())
        calls = [
            lambda v=twin, n=n, t=token, o=one: v.submit(
                t, client_id=o if same_client_id else str(uuid.uuid4()), description=f"words {n}"
            )
            for n, twin in enumerate(map(again, [visitor] * 3))
        ]
        answers = [response.json() for response in in_threads(calls)]
        assert {answer["state"] for answer in answers} == {"stored"}
        assert len({answer["receipt"] for answer in answers}) == 1
        assert len({answer["fields"]["description"] for answer in answers}) == 1
    assert Assignment.objects.filter(state="stored").count() == 4


def test_starting_three_times_at_once_is_one_row(hit: HIT) -> None:
    visitor = Visitor(hit)
    token = visitor.config()["token"]
    calls = [lambda v=twin: v.post("start", {"token": token, "consent": True}) for twin in map(again, [visitor] * 3)]
    assert {response.status_code for response in in_threads(calls)} == {200}
    assert Assignment.objects.count() == 1


def test_drafts_of_two_tabs_at_once_never_overwrite_one_another_unseen(hit: HIT) -> None:
    visitor = Visitor(hit)
    token = visitor.start()["work_token"]
    calls = [
        lambda v=twin, n=n: v.post("draft", {"work_token": token, "revision": 0, "draft": {"description": f"tab {n}"}})
        for n, twin in enumerate(map(again, [visitor] * 3))
    ]
    codes = sorted(response.status_code for response in in_threads(calls))
    assert codes == [200, 409, 409]
    assert Assignment.objects.get().draft_revision == 1
