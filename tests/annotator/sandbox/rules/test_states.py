"""The written tables of states: whole, and held to by the code that changes a state."""

import datetime as dt
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from annotator.sandbox.acts import working
from annotator.sandbox.models import HIT, Assignment, Person
from annotator.sandbox.rules import states
from annotator.sandbox.rules.states import AssignmentState, HITStatus
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE


def test_every_status_that_counts_can_lead_to_is_in_the_table() -> None:
    """By brute force: wherever a HIT stands, what its counts say next is a written transition or no change."""
    starts = set(HITStatus) - {HITStatus.DISPOSED}
    for before, n_available, n_accepted, is_expired in product(starts, (0, 1), (0, 1), (False, True)):
        after = states.next_hit_status(before, n_available=n_available, n_accepted=n_accepted, is_expired=is_expired)
        # Nothing is in progress on a HIT that is being reviewed, and accepting needs an assignable one.
        is_possible = not (before in (HITStatus.REVIEWABLE, HITStatus.REVIEWING) and n_accepted)
        if is_possible:
            states.check_hit_move(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [(HITStatus.ASSIGNABLE, HITStatus.REVIEWING), (HITStatus.ASSIGNABLE, HITStatus.DISPOSED),
     (HITStatus.DISPOSED, HITStatus.ASSIGNABLE), (HITStatus.UNASSIGNABLE, HITStatus.REVIEWING)],
)  # fmt: skip
def test_what_is_not_written_does_not_happen(before: HITStatus, after: HITStatus) -> None:
    with pytest.raises(states.NoSuchTransition):
        states.check_hit_move(before, after)


@pytest.mark.parametrize(
    ("before", "n_available", "n_accepted", "is_expired", "after"),
    [
        (HITStatus.DISPOSED, 1, 0, False, HITStatus.DISPOSED),
        (HITStatus.REVIEWING, 0, 0, False, HITStatus.REVIEWING),
        (HITStatus.REVIEWING, 1, 0, False, HITStatus.ASSIGNABLE),
        (HITStatus.REVIEWABLE, 1, 0, True, HITStatus.REVIEWABLE),
        (HITStatus.ASSIGNABLE, 1, 1, True, HITStatus.UNASSIGNABLE),
        (HITStatus.ASSIGNABLE, 1, 0, True, HITStatus.REVIEWABLE),
        (HITStatus.UNASSIGNABLE, 0, 0, False, HITStatus.REVIEWABLE),
        (HITStatus.UNASSIGNABLE, 1, 1, False, HITStatus.ASSIGNABLE),
    ],
)
def test_what_the_counts_of_a_hit_make_of_it(
    before: HITStatus, n_available: int, n_accepted: int, is_expired: bool, after: HITStatus
) -> None:
    counts = {"n_available": n_available, "n_accepted": n_accepted, "is_expired": is_expired}
    assert states.next_hit_status(before, **counts) is after


def test_an_assignment_ends_once(mturk: Any, new_person: Callable[..., Person], now: dt.datetime) -> None:
    mturk.create_hit(**HIT_TYPE, LifetimeInSeconds=3600, Question=EXTERNAL_QUESTION)
    assignment = working.accept(new_person(), hit_id=HIT.objects.get().pk, now=now)
    working.submit(assignment.mturk_id, answer="", now=now)
    stale = Assignment.objects.select_related("hit__hit_type", "hit__requester").get()
    with pytest.raises(states.NoSuchTransition, match="Abandoned from Submitted"):
        working.abandon(stale, now=now)
    ended = (AssignmentState.APPROVED, AssignmentState.RETURNED, AssignmentState.ABANDONED)
    assert not [pair for pair in states.ASSIGNMENT_TRANSITIONS if pair[0] in ended]
