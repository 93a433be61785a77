"""Requesters, people, time and faults in any order: the sandbox agrees with the plain oracle after every step."""

import os
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from annotator.sandbox import switchboard
from annotator.sandbox.acts import settling, working
from annotator.sandbox.models import HIT, Person
from annotator.sandbox.rules.refusals import Code, Refused
from tests.annotator.sandbox import oracle, serving
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE
from tests.annotator.sandbox.openings import NEW_HIT, OPENINGS
from tests.annotator.sandbox.stage import DAY, FRAME, PEOPLE, TOKEN_LIFE, TOKENS, Stage

# What may happen, with what; the number is how often beside the others.
ACTS: dict[str, tuple[int, dict[str, st.SearchStrategy[Any]]]] = {
    "create": (
        2,
        {
            "cents": st.integers(0, 120),
            "size": st.sampled_from([1, 1, 2, 3, 9, 10]),
            "life": st.sampled_from([30, 600, 90_000]),
            "duration": st.sampled_from([30, 700]),
            "delay": st.sampled_from([0, 300, 200_000]),
            "token": st.sampled_from(TOKENS),
            "is_lost": st.booleans(),
            "after": st.sampled_from([0, 0, TOKEN_LIFE - 1, TOKEN_LIFE]),
        },
    ),
    "extend": (2, {"index": st.integers(0, 9), "more": st.integers(1, 3)}),
    "move_expiration": (2, {"index": st.integers(0, 9), "seconds": st.sampled_from([-1000, 0, 50, 5000])}),
    "mark": (1, {"index": st.integers(0, 9), "revert": st.booleans()}),
    "delete": (1, {"index": st.integers(0, 9)}),
    "approve": (
        5,
        {"index": st.integers(0, 9), "override": st.booleans(), "after": st.sampled_from([0, 0, 0, 30 * DAY + 1])},
    ),
    "reject": (4, {"index": st.integers(0, 9)}),
    "grant_bonus": (2, {"index": st.integers(0, 9), "cents": st.integers(1, 900)}),
    "accept": (6, {"index": st.integers(0, 9), "name": st.sampled_from(PEOPLE)}),
    "submit": (6, {"index": st.integers(0, 9), "after": st.sampled_from([0, 0, 29, 30, 700])}),
    "give_back": (1, {"index": st.integers(0, 9)}),
    "wait": (2, {"seconds": st.sampled_from([1, 29, 31, 400, 1000, 100_000, 40 * DAY])}),
    "fail": (1, {"switch": st.sampled_from(["throttle_rate", "fault_rate"]), "index": st.integers(0, 9)}),
}
WEIGHTED = [name for name, (weight, _) in ACTS.items() for _ in range(weight)]
ANY_ACT = st.sampled_from(WEIGHTED).flatmap(lambda name: st.tuples(st.just(name), st.fixed_dictionaries(ACTS[name][1])))


class Story(Stage):
    """Everything that anybody may do, in any order."""

    @initialize(opening=st.sampled_from(list(OPENINGS)))
    def begin(self, opening: str) -> None:
        self.publish(opening)

    def publish(self, opening: str) -> None:
        """Two HITs to begin with, so that no story is about an empty marketplace."""
        self.open_marketplace()
        for size, delay in ((1, 200_000), (3, 40 * DAY)):
            self.create(**NEW_HIT | {"size": size, "delay": min(delay, 30 * DAY)})
        for name, given in OPENINGS[opening]:
            getattr(self, name)(**given)
            self.the_sandbox_agrees_with_the_oracle()

    @rule(act=ANY_ACT)
    def do(self, act: tuple[str, dict[str, Any]]) -> None:
        """One rule for all: Hypothesis leaves whole rules out of a story, and none of these can be missed."""
        name, given = act
        getattr(self, name)(**given)

    # The requester

    def create(
        self, *, cents: int, size: int, life: int, duration: int, delay: int, token: str, is_lost: bool, after: int
    ) -> None:
        self.plain.pass_time(after if token else 0)
        fields = {
            **HIT_TYPE, "Reward": f"{Decimal(cents) / 100:.2f}", "AssignmentDurationInSeconds": duration,
            "AutoApprovalDelayInSeconds": delay, "LifetimeInSeconds": life, "MaxAssignments": size,
            "Question": EXTERNAL_QUESTION, **({"UniqueRequestToken": token} if token else {}),
        }  # fmt: skip
        hit = oracle.Hit(Decimal(cents) / 100, size, self.plain.now + life, duration, delay)
        used_at, made = self.tokens.get(token, (-1e9, ""))
        if token and self.plain.now - used_at < TOKEN_LIFE:
            with pytest.raises(Refused, match=made) as refused:
                self.perform("CreateHIT", **fields)
            assert refused.value.code == Code.HIT_ALREADY_EXISTS
            return
        if hit.size * hit.price() > self.plain.available():
            assert self.call("CreateHIT", **fields) == "InsufficientFunds"
            return
        mturk_id = (
            self._create_and_lose(fields) if is_lost and token else self.perform("CreateHIT", **fields)["HIT"]["HITId"]
        )
        self.plain.hits[mturk_id] = hit
        if token:
            self.tokens[token] = (self.plain.now, mturk_id)

    def _create_and_lose(self, fields: dict[str, Any]) -> str:
        """The act is done but its answer never comes; the client finds the HIT through its token."""

        def lose(request: Any, **kwargs: Any) -> None:
            serving.answer_here(request)
            raise ConnectionClosedError(endpoint_url=request.url)

        self.mturk.meta.events.register_first("before-send.mturk", lose)
        try:
            with pytest.raises(ConnectionClosedError):
                self.mturk.create_hit(**fields)
        finally:
            self.mturk.meta.events.unregister("before-send.mturk", lose)
        with pytest.raises(ClientError) as refused:
            self.mturk.create_hit(**fields)
        made = str(HIT.objects.latest("id").mturk_id)
        assert made in str(refused.value)
        return made

    def extend(self, index: int, more: int) -> None:
        name, hit = self.pick(index)
        grown = oracle.Hit(hit.reward, hit.size + more, hit.expires_at, hit.duration, hit.delay, hit.work)
        cost = grown.held(self.plain.now) - hit.held(self.plain.now)
        if hit.is_deleted:
            wanted = "InvalidHITState"
        elif hit.size < 10 <= hit.size + more:
            wanted = "InvalidMaximumAssignmentsIncrease"
        else:
            wanted = "InsufficientFunds" if cost > self.plain.available() else ""
        found = self.call("CreateAdditionalAssignmentsForHIT", HITId=name, NumberOfAdditionalAssignments=more)
        assert found == wanted
        if not found:
            hit.size += more
            self._settle(hit)

    def move_expiration(self, index: int, seconds: int) -> None:
        name, hit = self.pick(index)
        moved = oracle.Hit(hit.reward, hit.size, self.plain.now + seconds, hit.duration, hit.delay, hit.work)
        cost = moved.held(self.plain.now) - hit.held(self.plain.now)
        wanted = "InvalidHITState" if hit.is_deleted else ""
        if not wanted and cost > self.plain.available():
            wanted = "InsufficientFunds"
        found = self.call("UpdateExpirationForHIT", HITId=name, ExpireAt=self.at(self.plain.now + seconds).timestamp())
        assert found == wanted
        if not found:
            was_over = self.plain.now >= hit.expires_at
            if seconds > 0:
                hit.ended_at = None
            elif hit.ended_at is None:
                hit.ended_at = hit.expires_at if was_over else self.plain.now
            hit.expires_at = moved.expires_at
            self._settle(hit)

    def _settle(self, hit: oracle.Hit) -> None:
        if hit.status(self.plain.now) in ("Assignable", "Unassignable"):
            hit.is_reviewing = False

    def mark(self, index: int, revert: bool) -> None:
        name, hit = self.pick(index)
        is_right = hit.status(self.plain.now) == ("Reviewing" if revert else "Reviewable")
        found = self.call("UpdateHITReviewStatus", HITId=name, Revert=revert)
        assert found == ("" if is_right else "InvalidHITState")
        hit.is_reviewing = hit.is_reviewing if found else not revert

    def delete(self, index: int) -> None:
        name, hit = self.pick(index)
        is_right = hit.status(self.plain.now) in ("Reviewable", "Reviewing") and not hit.in_state("Submitted")
        found = self.call("DeleteHIT", HITId=name)
        assert found == ("" if is_right else "InvalidHITState")
        hit.is_deleted = hit.is_deleted or is_right

    def approve(self, index: int, override: bool, after: int) -> None:
        self.plain.pass_time(after)
        if not (found := self.pick_work(index, "Submitted", "Approved", "Rejected")):
            return
        name, hit, work = found
        is_late = self.plain.now - work.submitted_at > 30 * DAY
        if work.state == "Rejected" and override:
            wanted = "InvalidHITState" if hit.is_deleted else "InvalidAssignmentState" if is_late else ""
            if not wanted and work.price > self.plain.available():
                wanted = "InsufficientFunds"
        else:
            wanted = "" if work.state == "Submitted" else "InvalidAssignmentState"
        done = self.call("ApproveAssignment", AssignmentId=self.assignment_id(name, work), OverrideRejection=override)
        assert done == wanted
        if not done:
            self.plain.approve(work)

    def reject(self, index: int) -> None:
        if not (found := self.pick_work(index, "Submitted", "Approved", "Rejected")):
            return
        name, _, work = found
        done = self.call("RejectAssignment", AssignmentId=self.assignment_id(name, work), RequesterFeedback="No.")
        assert done == ("" if work.state == "Submitted" else "InvalidAssignmentState")
        work.state = work.state if done else "Rejected"

    def grant_bonus(self, index: int, cents: int) -> None:
        if not (found := self.pick_work(index, "Submitted", "Approved", "Rejected")):
            return
        name, _, work = found
        amount = Decimal(cents) / 100
        cost = amount + oracle.fee(amount, 1)
        done = self.call(
            "SendBonus", AssignmentId=self.assignment_id(name, work), WorkerId=self.people[work.person].mturk_id,
            BonusAmount=str(amount), Reason="Well done.",
        )  # fmt: skip
        assert done == ("InsufficientFunds" if cost > self.plain.available() else "")
        self.plain.spent += 0 if done else cost

    # People

    def accept(self, index: int, name: str) -> None:
        hit_id, hit = self.pick(index)
        has = any(one.person == name for one in hit.in_state("Accepted", "Submitted", "Approved", "Rejected"))
        may = hit.status(self.plain.now) == "Assignable" and not has
        settling.settle_due(now=self.at(self.plain.now))
        try:
            working.accept(self.person(name), hit_id=HIT.objects.get(mturk_id=hit_id).pk, now=self.at(self.plain.now))
        except Refused:
            assert not may
            return
        assert may
        hit.work.append(oracle.Work(name, self.plain.now + hit.duration, hit.price()))

    def person(self, name: str) -> Person:
        return self.people[name]

    def submit(self, index: int, after: int) -> None:
        """Through the door that a HIT's page uses; what is no longer in progress is refused there, but not the same
        answer once more.
        """
        self.plain.pass_time(after)
        if not (found := self.pick_work(index, "Accepted", "Submitted", "Returned", "Abandoned")):
            return
        name, hit, work = found
        is_latest = work is [one for one in hit.work if one.person == work.person][-1]
        if not is_latest:
            return
        fields = {"assignmentId": self.assignment_id(name, work), "description": "stripes"}
        response = FRAME.post("/mturk/externalSubmit", fields)
        assert response.status_code == (200 if work.state in ("Accepted", "Submitted") else 409)
        if work.state != "Accepted":
            assert FRAME.post("/mturk/externalSubmit", fields | {"description": "dots"}).status_code == 409
        else:
            work.state, work.submitted_at = "Submitted", self.plain.now
            work.approve_at = self.plain.now + hit.delay
            self.plain.pass_time(0)

    def give_back(self, index: int) -> None:
        if not (found := self.pick_work(index, "Accepted")):
            return
        name, _, work = found
        settling.settle_due(now=self.at(self.plain.now))
        working.give_back(self.assignment_id(name, work), person=self.people[work.person], now=self.at(self.plain.now))
        work.state = "Returned"

    # Time and faults

    def wait(self, seconds: int) -> None:
        self.plain.pass_time(seconds)

    def fail(self, switch: str, index: int) -> None:
        """A throttled or failed call changes nothing."""
        name, _ = self.pick(index)
        switchboard.turn(**{switch: 1.0})
        with pytest.raises(ClientError, match=r"Throttling|ServiceFault|temporarily"):
            self.mturk.create_additional_assignments_for_hit(HITId=name, NumberOfAdditionalAssignments=1)
        switchboard.turn(**{switch: 0.0})


def run_stories(*, n: int, n_steps: int) -> None:
    """Called with reduced counts by the test, with the full ones by the drill."""
    chosen = settings(
        max_examples=n, stateful_step_count=n_steps, deadline=None, database=None, print_blob=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Story, settings=chosen)


@pytest.mark.parametrize("opening", OPENINGS)
def test_every_opening_keeps_the_rules(db: None, opening: str) -> None:
    """Hypothesis draws them beside much else and may leave one out."""
    story = Story()
    try:
        story.publish(opening)
    finally:
        story.teardown()


def test_any_order_of_acts_keeps_the_rules(db: None) -> None:
    """40 stories here; `make drill` runs 2,000 longer ones."""
    assert connection.in_atomic_block
    run_stories(n=int(os.environ.get("SANDBOX_STORIES", "40")), n_steps=int(os.environ.get("SANDBOX_STEPS", "8")))
