"""What every story of the state machine stands on: a marketplace, the oracle beside it, and the comparison."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any
from unittest import mock

from django.db import transaction
from django.test import Client
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)

from annotator.sandbox import switchboard
from annotator.sandbox.acts import accounts, auditing, settling
from annotator.sandbox.api import protocol, wire
from annotator.sandbox.models import HIT, Assignment, Requester
from annotator.sandbox.rules.refusals import Refused
from tests.annotator.sandbox import oracle, serving

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DEPOSIT = Decimal("40.00")
PEOPLE = ("simulated-ada", "simulated-bo", "simulated-cy")
TOKENS = ("", "one", "two")
DAY = 86_400
TOKEN_LIFE = DAY
FRAME = Client(headers={"Host": "127.0.0.1:8001"})


class Stage(RuleBasedStateMachine):
    """One requester, three people, a clock that only the story moves."""

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
