"""A database of before, with acts in the words of MTurk: nobody is paid twice after it is brought up to date."""

import hashlib
import json
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.utils import timezone

from annotator.crowd.judging.approving import pay_top_ups
from annotator.crowd.marketplaces.guard import Permit
from annotator.crowd.marketplaces.mturk.adapter import open_mturk
from annotator.crowd.models import Assignment, Campaign, OutwardAct
from annotator.crowd.outbox.session import Session
from tests import test_legacy

# As they were when real money could be spent: a campaign at MTurk, and a bonus due for each piece of work.
PREPARE = """
UPDATE crowd_campaign SET marketplace = 'mturk', hourly_floor_usd = 12, budget_cap_usd = 100000, state = 'collecting';
UPDATE crowd_assignment SET active_seconds = 900;
INSERT INTO crowd_outwardact (campaign_id, operation, purpose, key, assignment_id, hit_id, request, expected, cost_usd,
    state, attempts, problem, created_at)
SELECT campaign_id, 'ApproveAssignment', 'overturn', 'an overturned rejection', a.id, hit_id, '{}', '{}', 0, 'done', 1,
    '', now() FROM crowd_assignment a JOIN crowd_hit h ON h.id = hit_id ORDER BY a.id LIMIT 1;
"""
INSERT_BONUS = """
INSERT INTO crowd_outwardact (campaign_id, operation, purpose, key, assignment_id, hit_id, request, expected, cost_usd,
    state, attempts, problem, created_at)
SELECT campaign_id, 'SendBonus', '', %(key)s, %(pk)s, %(hit)s, %(request)s, '{}', 2.88, %(state)s, 1, '', now()
FROM crowd_hit WHERE id = %(hit)s
"""


class Wire:
    """Keeps what is sent, and answers that it was done."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.sent.append((operation, request))
        return {}


def write_old_acts(address: str) -> None:
    """A bonus for each approved answer, all done but the last, which is pending."""
    opened = psycopg2.connect(address)
    with opened, opened.cursor() as cursor:
        cursor.execute(PREPARE)
        cursor.execute("SELECT id, mturk_id, hit_id FROM crowd_assignment WHERE state = 'approved' ORDER BY id")
        rows = cursor.fetchall()
        assert rows
        for pk, mturk_id, hit in rows:
            key = hashlib.sha256(f"SendBonus\x1f{mturk_id}\x1f{pk}".encode()).hexdigest()
            request = {"AssignmentId": mturk_id, "BonusAmount": "2.40", "Reason": "R", "UniqueRequestToken": key}
            state = "pending" if pk == rows[-1][0] else "done"
            values = {"key": key, "pk": pk, "hit": hit, "request": json.dumps(request), "state": state}
            cursor.execute(INSERT_BONUS, values)
    opened.close()


def test_old_acts_are_told_in_our_verbs_and_nobody_is_paid_twice(
    django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.REAL_MONEY_ALLOWED = True
    monkeypatch.setattr(test_legacy, "DATABASE", f"{test_legacy.DATABASE}_acts")
    with test_legacy.legacy_database() as address, django_db_blocker.unblock():
        write_old_acts(address)
        test_legacy.migrate(address, tmp_path)
        with test_legacy.connected_to(test_legacy.DATABASE):
            check_migrated()


def check_migrated() -> None:
    campaign = Campaign.objects.get(is_imported=False)
    assert campaign.real_money_confirmed_by == "migration"
    verbs = set(OutwardAct.objects.values_list("verb", "purpose"))
    assert verbs == {("register", ""), ("publish", ""), ("approve", ""), ("overturn", ""), ("pay_bonus", "")}

    marketplace, wire = open_mturk("mturk"), Wire()
    marketplace.__dict__["client"] = wire
    session = Session(campaign=campaign, marketplace=marketplace, clock=timezone.now, pause=lambda seconds: None)
    with session.hold():
        assert session.settle() == 1, "the pending act, as the minute's task performs it, without a permit"
    ((operation, request),) = wire.sent
    pending = OutwardAct.objects.filter(verb="pay_bonus").latest("id")
    assert pending.assignment is not None
    assert pending.assignment.worker is not None
    assert operation == "SendBonus"
    assert request == {**pending.request, "WorkerId": pending.assignment.worker.external_id}

    permitted = Session(
        campaign=campaign, marketplace=marketplace, clock=timezone.now, pause=lambda seconds: None,
        permit=Permit(campaign=campaign.name, given_by="pia"),
    )  # fmt: skip
    n_acts = OutwardAct.objects.count()
    pay_top_ups(permitted)
    assert OutwardAct.objects.count() == n_acts
    assert len(wire.sent) == 1
    assert Assignment.objects.filter(state="approved", outward_acts__verb="pay_bonus").count() == len(
        Assignment.objects.filter(state="approved")
    )
