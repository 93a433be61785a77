"""The books: fees by a table, a ledger that nobody can rewrite, an audit that finds what does not agree."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from annotator.sandbox import ledger
from annotator.sandbox.acts import auditing, settling, working
from annotator.sandbox.models import HIT, LedgerEntry, Person, Requester
from annotator.sandbox.rules.fees import fee_usd
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION, HIT_TYPE


@pytest.mark.parametrize(
    ("amount", "size", "fee"),
    [
        ("0.50", 1, "0.10"), ("0.50", 9, "0.10"), ("0.50", 10, "0.20"), ("0.01", 1, "0.01"), ("0.00", 1, "0.01"),
        ("0.12", 3, "0.02"), ("0.13", 3, "0.03"), ("100.00", 10, "40.00"), ("0.02", 10, "0.01"),
    ],
)  # fmt: skip
def test_fees(amount: str, size: int, fee: str) -> None:
    assert fee_usd(amount_usd=Decimal(amount), max_assignments=size) == Decimal(fee)


@pytest.fixture
def paid(mturk: Any, new_person: Callable[..., Person], now: dt.datetime) -> str:
    """An approved assignment with a bonus."""
    hit = mturk.create_hit(**HIT_TYPE, LifetimeInSeconds=3600, Question=EXTERNAL_QUESTION, MaxAssignments=2)["HIT"]
    assignment = working.accept(new_person(), hit_id=HIT.objects.get(mturk_id=hit["HITId"]).pk, now=now)
    working.submit(assignment.mturk_id, answer="", now=now)
    mturk.approve_assignment(AssignmentId=assignment.mturk_id)
    mturk.send_bonus(
        AssignmentId=assignment.mturk_id, WorkerId=new_person().mturk_id, BonusAmount="2", Reason="Well done."
    )
    return assignment.mturk_id


def test_the_audit_agrees_with_the_books(paid: str) -> None:
    audit = auditing.audit()
    assert audit.findings == []
    assert (audit.deposited_usd, audit.earned_usd, audit.fees_usd) == (1000, Decimal("2.50"), Decimal("0.50"))


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda: Requester.objects.update(available_usd=1), "available"),
        (lambda: Requester.objects.update(held_usd=0), "on hold"),
        (lambda: HIT.objects.update(n_approved=0), "n_approved"),
        (lambda: HIT.objects.update(status="Reviewable"), "by its counts"),
        (lambda: HIT.objects.update(held_usd=0), "its open work"),
        (lambda: HIT.objects.get().assignments.update(state="Rejected"), "was paid"),
        (lambda: Requester.objects.get().bonuses.all().delete(), "differ by"),
    ],
)
def test_the_audit_finds_what_does_not_agree(paid: str, change: Callable[[], object], finding: str) -> None:
    change()
    assert any(finding in sentence for sentence in auditing.audit().findings)


def test_a_hit_holds_what_it_may_still_cost_and_no_more(
    mturk: Any, new_person: Callable[..., Person], now: dt.datetime
) -> None:
    """Two assignments of $0.50 and a fee of $0.10; one is accepted just before the HIT expires, and abandoned."""
    Requester.objects.update(available_usd=Decimal("1.20"))  # exactly enough
    mturk.create_hit(**HIT_TYPE, LifetimeInSeconds=3600, Question=EXTERNAL_QUESTION, MaxAssignments=2)
    working.accept(new_person(), hit_id=HIT.objects.get().pk, now=now + dt.timedelta(seconds=3500))
    for seconds, held in ((3590, "1.20"), (3610, "0.60"), (4200, "0.00")):
        settling.settle_due(now=now + dt.timedelta(seconds=seconds))
        lab = Requester.objects.get()
        assert (lab.held_usd, lab.available_usd) == (Decimal(held), Decimal("1.20") - Decimal(held)), seconds
        assert HIT.objects.get().held_usd == Decimal(held)


def test_a_ledger_without_its_last_rows_is_found_out(paid: str) -> None:
    """A hold and its release cancel each other: no balance misses them."""
    about = ledger.About(requester=Requester.objects.get())
    now = LedgerEntry.objects.latest("id").at
    for source, target, reason in (("available", "held", "hold"), ("held", "available", "release")):
        ledger.move(
            Decimal(3), source=LedgerEntry.Account(source), target=LedgerEntry.Account(target),
            reason=LedgerEntry.Reason(reason), about=about, now=now,
        )  # fmt: skip
    assert auditing.audit().findings == []
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # who may do this passes every trigger
        cursor.execute("DELETE FROM sandbox_ledgerentry WHERE id > %s", [LedgerEntry.objects.latest("id").pk - 2])
        cursor.execute("SET session_replication_role = DEFAULT")
    (finding,) = auditing.audit().findings
    assert "entries were removed or added" in finding


@pytest.mark.parametrize("statement", ["UPDATE {} SET amount_usd = 1", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_ledger_cannot_be_rewritten(paid: str, statement: str) -> None:
    n_entries = LedgerEntry.objects.count()
    connection.check_constraints()  # TRUNCATE refuses a table that waits for checks
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(LedgerEntry._meta.db_table))
    assert LedgerEntry.objects.count() == n_entries > 0


def test_the_database_refuses_a_second_reward_and_a_move_of_nothing(paid: str) -> None:
    reward = LedgerEntry.objects.get(reason="reward")
    for change in ({}, {"reason": "hold", "amount_usd": 0}, {"reason": "hold", "target": reward.source}):
        fields = {**reward.__dict__, **change}
        fields = {name: value for name, value in fields.items() if name not in ("_state", "id")}
        with pytest.raises(IntegrityError), transaction.atomic():
            LedgerEntry.objects.create(**fields)


@pytest.mark.django_db(transaction=True)
def test_the_audit_command_says_so_and_exits(paid: str, capsys: Any) -> None:
    call_command("sandbox_audit")
    assert "0 differences" in capsys.readouterr().out
    Requester.objects.update(available_usd=1)
    with pytest.raises(SystemExit):
        call_command("sandbox_audit")
    assert "the ledger says" in capsys.readouterr().out


def test_an_account_is_made_once(db: None, capsys: Any) -> None:
    call_command("sandbox_account", "lab")
    first = capsys.readouterr().out
    call_command("sandbox_account", "lab")
    assert capsys.readouterr().out == first
    assert LedgerEntry.objects.count() == 1
