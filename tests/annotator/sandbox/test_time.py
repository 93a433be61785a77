"""Rules that hang on days: each just before and just after its moment."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from annotator.sandbox.acts import working
from annotator.sandbox.models import HIT, Person
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE

DAY = 86_400
NEW_HIT = {**HIT_TYPE, "LifetimeInSeconds": 3600, "Question": EXTERNAL_QUESTION}


@pytest.fixture
def submitted(mturk: Any, new_person: Callable[..., Person], now: dt.datetime) -> str:
    mturk.create_hit(**{**NEW_HIT, "AutoApprovalDelayInSeconds": 3 * DAY})
    assignment = working.accept(new_person(), hit_id=HIT.objects.get().pk, now=now)
    working.submit(assignment.mturk_id, answer="", now=now)
    return assignment.mturk_id


@pytest.mark.parametrize(("days", "is_possible"), [(29.9, True), (30.1, False)])
def test_a_rejection_is_turned_over_within_30_days(
    mturk: Any, submitted: str, move_clock: Callable[[float], None], days: float, is_possible: bool
) -> None:
    mturk.reject_assignment(AssignmentId=submitted, RequesterFeedback="Empty.")
    move_clock(days * DAY)
    if is_possible:
        mturk.approve_assignment(AssignmentId=submitted, OverrideRejection=True)
    else:
        with pytest.raises(ClientError, match="within 30 days"):
            mturk.approve_assignment(AssignmentId=submitted, OverrideRejection=True)


def test_a_token_lives_24_hours(mturk: Any, move_clock: Callable[[float], None]) -> None:
    mturk.create_hit(**NEW_HIT, UniqueRequestToken="once")
    move_clock(DAY - 60)
    with pytest.raises(ClientError, match=HIT.objects.get().mturk_id):
        mturk.create_hit(**NEW_HIT, UniqueRequestToken="once")
    move_clock(120)
    mturk.create_hit(**NEW_HIT, UniqueRequestToken="once")
    assert HIT.objects.count() == 2


@pytest.mark.parametrize(("days", "state"), [(2.9, "Submitted"), (3.1, "Approved")])
def test_what_nobody_judges_is_approved_after_its_delay(
    mturk: Any, submitted: str, move_clock: Callable[[float], None], days: float, state: str
) -> None:
    move_clock(days * DAY)
    assert mturk.get_assignment(AssignmentId=submitted)["Assignment"]["AssignmentStatus"] == state


@pytest.mark.parametrize(("days", "is_taken"), [(0.9, True), (1.1, False)])
def test_a_next_token_lives_a_day(mturk: Any, move_clock: Callable[[float], None], days: float, is_taken: bool) -> None:
    for _ in range(2):
        mturk.create_hit(**NEW_HIT)
    token = mturk.list_hits(MaxResults=1)["NextToken"]
    move_clock(days * DAY)
    if is_taken:
        assert len(mturk.list_hits(NextToken=token)["HITs"]) == 1
    else:
        with pytest.raises(ClientError, match="expired"):
            mturk.list_hits(NextToken=token)


def test_a_submission_at_the_deadline_is_too_late(
    mturk: Any, new_person: Callable[..., Person], now: dt.datetime
) -> None:
    """At the very moment, before anything has noticed that the time is over."""
    mturk.create_hit(**NEW_HIT)
    assignment = working.accept(new_person(), hit_id=HIT.objects.get().pk, now=now)
    with pytest.raises(working.Refused, match="time"):
        working.submit(assignment.mturk_id, answer="", now=assignment.deadline)
