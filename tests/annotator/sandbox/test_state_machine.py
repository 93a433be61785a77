"""Requesters, people, time and faults in any order: the sandbox agrees with the plain oracle after every step."""

import datetime as dt
import json
import os
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from django.db import connection, transaction
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from annotator.sandbox import accounts, auditing, settling, switchboard, working
from annotator.sandbox.api import protocol, wire
from annotator.sandbox.models import HIT, Assignment, Person, Requester
from annotator.sandbox.refusals import Code, Refused
from tests.annotator.sandbox import oracle, serving
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DEPOSIT = Decimal("40.00")
PEOPLE = ("simulated-ada", "simulated-bo", "simulated-cy")
TOKENS = ("", "one", "two")
DAY = 86_400
TOKEN_LIFE = DAY
FRAME = Client(headers={"Host": "127.0.0.1:8001"})


class Story(RuleBasedStateMachine):
    """One requester, three people, a clock that only the story moves."""

    @initialize()
    def open_marketplace(self) -> None:
        self.plain = oracle.Marketplace(deposit=DEPOSIT)
        self.tokens: dict[str, tuple[float, str]] = {}
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.patch = mock.patch.object(switchboard.Switchboard, "now", side_effect=lambda: self.at(self.plain.now))
        self.patch.start()
        account = accounts.open_account("lab", balance_usd=DEPOSIT, now=START)
        self.lab = account
        # The same keys in every story: making a client takes longer than telling a story.
        account.access_key_id, account.secret_access_key = "SANDBOXSTORY", "story"
        account.save(update_fields=["access_key_id", "secret_access_key"])
        self.mturk = serving.connect_here(key="SANDBOXSTORY", secret="story")
        self.people = {
            name: accounts.sign_up(name=name, country="US", invitation=None, now=START)[0] for name in PEOPLE
        }

    def teardown(self) -> None:
        if not hasattr(self, "undo"):
            return
        try:
            assert auditing.audit().findings == []
            balance = self.mturk.get_account_balance()
            assert Decimal(balance["AvailableBalance"]) == self.plain.available()
        finally:
            self.patch.stop()
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    def at(self, seconds: float) -> dt.datetime:
        return START + dt.timedelta(seconds=seconds)

    def call(self, operation: str, **values: Any) -> str:
        """The error code, or nothing when it went well. Behind the signature, which has tests of its own."""
        try:
            self.perform(operation, **values)
        except Refused as refused:
            return refused.code.value
        return ""

    def perform(self, operation: str, **values: Any) -> Any:
        return protocol.perform(
            operation, json.dumps(values).encode(), requester=self.lab, request_id="r", board=switchboard.read()
        )

    def pick(self, index: int) -> tuple[str, oracle.Hit]:
        name = list(self.plain.hits)[index % len(self.plain.hits)]
        return name, self.plain.hits[name]

    def pick_work(self, index: int, *states: str) -> tuple[str, oracle.Hit, oracle.Work] | None:
        found = [(name, hit, one) for name, hit in self.plain.hits.items() for one in hit.in_state(*states)]
        return found[index % len(found)] if found else None

    def assignment_id(self, hit_id: str, work: oracle.Work) -> str:
        rows = Assignment.objects.filter(hit__mturk_id=hit_id, person=self.people[work.person])
        return str(rows.order_by("-id").values_list("mturk_id", flat=True)[0])

    # The requester

    @rule(
        cents=st.integers(0, 120), size=st.sampled_from([1, 1, 2, 3, 9, 10]), life=st.sampled_from([30, 600, 90_000]),
        duration=st.sampled_from([30, 700]), delay=st.sampled_from([0, 300, 200_000]), token=st.sampled_from(TOKENS),
        is_lost=st.booleans(), after=st.sampled_from([0, 0, TOKEN_LIFE - 1, TOKEN_LIFE]),
    )  # fmt: skip
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

    @precondition(lambda self: self.plain.hits)
    @rule(index=st.integers(0, 9), more=st.integers(1, 3))
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

    @precondition(lambda self: self.plain.hits)
    @rule(index=st.integers(0, 9), seconds=st.sampled_from([-1000, 0, 50, 5000]))
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
            hit.expires_at = moved.expires_at
            self._settle(hit)

    def _settle(self, hit: oracle.Hit) -> None:
        if hit.status(self.plain.now) in ("Assignable", "Unassignable"):
            hit.is_reviewing = False

    @precondition(lambda self: self.plain.hits)
    @rule(index=st.integers(0, 9), revert=st.booleans())
    def mark(self, index: int, revert: bool) -> None:
        name, hit = self.pick(index)
        is_right = hit.status(self.plain.now) == ("Reviewing" if revert else "Reviewable")
        found = self.call("UpdateHITReviewStatus", HITId=name, Revert=revert)
        assert found == ("" if is_right else "InvalidHITState")
        hit.is_reviewing = hit.is_reviewing if found else not revert

    @precondition(lambda self: self.plain.hits)
    @rule(index=st.integers(0, 9))
    def delete(self, index: int) -> None:
        name, hit = self.pick(index)
        is_right = hit.status(self.plain.now) in ("Reviewable", "Reviewing") and not hit.in_state("Submitted")
        found = self.call("DeleteHIT", HITId=name)
        assert found == ("" if is_right else "InvalidHITState")
        hit.is_deleted = hit.is_deleted or is_right

    @rule(index=st.integers(0, 9), override=st.booleans(), after=st.sampled_from([0, 0, 30 * DAY, 30 * DAY + 1]))
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

    @rule(index=st.integers(0, 9))
    def reject(self, index: int) -> None:
        if not (found := self.pick_work(index, "Submitted", "Approved", "Rejected")):
            return
        name, _, work = found
        done = self.call("RejectAssignment", AssignmentId=self.assignment_id(name, work), RequesterFeedback="No.")
        assert done == ("" if work.state == "Submitted" else "InvalidAssignmentState")
        work.state = work.state if done else "Rejected"

    @rule(index=st.integers(0, 9), cents=st.integers(1, 900))
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

    @precondition(lambda self: self.plain.hits)
    @rule(index=st.integers(0, 9), name=st.sampled_from(PEOPLE))
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

    @rule(index=st.integers(0, 9), after=st.sampled_from([0, 0, 29, 30, 700]))
    def submit(self, index: int, after: int) -> None:
        """Through the door that a HIT's page uses; what is no longer in progress is refused there."""
        self.plain.pass_time(after)
        if not (found := self.pick_work(index, "Accepted", "Submitted", "Returned", "Abandoned")):
            return
        name, hit, work = found
        is_latest = work is [one for one in hit.work if one.person == work.person][-1]
        if not is_latest:
            return
        fields = {"assignmentId": self.assignment_id(name, work), "description": "stripes"}
        response = FRAME.post("/mturk/externalSubmit", fields)
        assert response.status_code == (200 if work.state == "Accepted" else 409)
        if work.state == "Accepted":
            work.state, work.submitted_at = "Submitted", self.plain.now
            work.approve_at = self.plain.now + hit.delay
            self.plain.pass_time(0)

    @rule(index=st.integers(0, 9))
    def give_back(self, index: int) -> None:
        if not (found := self.pick_work(index, "Accepted")):
            return
        name, _, work = found
        settling.settle_due(now=self.at(self.plain.now))
        working.give_back(self.assignment_id(name, work), person=self.people[work.person], now=self.at(self.plain.now))
        work.state = "Returned"

    # Time and faults

    @rule(seconds=st.sampled_from([1, 29, 31, 400, 1000, 100_000, 40 * DAY]))
    def wait(self, seconds: int) -> None:
        self.plain.pass_time(seconds)

    @precondition(lambda self: self.plain.hits)
    @rule(switch=st.sampled_from(["throttle_rate", "fault_rate"]), index=st.integers(0, 9))
    def fail(self, switch: str, index: int) -> None:
        """A throttled or failed call changes nothing."""
        name, _ = self.pick(index)
        switchboard.turn(**{switch: 1.0})
        with pytest.raises(ClientError, match=r"Throttling|ServiceFault|temporarily"):
            self.mturk.create_additional_assignments_for_hit(HITId=name, NumberOfAdditionalAssignments=1)
        switchboard.turn(**{switch: 0.0})

    @invariant()
    def the_sandbox_agrees_with_the_oracle(self) -> None:
        if not hasattr(self, "mturk"):
            return
        settling.settle_due(now=self.at(self.plain.now))
        rows = HIT.objects.exclude(status="Disposed").select_related("hit_type")
        listed = {hit.mturk_id: wire.hit_members(hit) for hit in rows}
        alive = {name: hit for name, hit in self.plain.hits.items() if not hit.is_deleted}
        assert set(listed) == set(alive)
        for name, hit in alive.items():
            shown, done = listed[name], len(hit.in_state("Approved", "Rejected"))
            available = hit.n_open() if self.plain.now < hit.expires_at else 0
            wanted = (hit.status(self.plain.now), len(hit.in_state("Accepted")), available, done)
            assert wanted == tuple(
                shown[key] for key in ("HITStatus", "NumberOfAssignmentsPending", "NumberOfAssignmentsAvailable",
                                       "NumberOfAssignmentsCompleted")
            )  # fmt: skip
        lab = Requester.objects.get()
        assert (lab.available_usd, lab.held_usd) == (self.plain.available(), self.plain.held())


def run_stories(*, n: int, n_steps: int) -> None:
    """Called with reduced counts by the test, with the full ones by the drill."""
    chosen = settings(
        max_examples=n, stateful_step_count=n_steps, deadline=None, database=None, print_blob=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Story, settings=chosen)


def test_any_order_of_acts_keeps_the_rules(db: None) -> None:
    """100 stories here; `make drill` runs 2,000 longer ones."""
    assert connection.in_atomic_block
    run_stories(n=int(os.environ.get("SANDBOX_STORIES", "100")), n_steps=int(os.environ.get("SANDBOX_STEPS", "10")))
