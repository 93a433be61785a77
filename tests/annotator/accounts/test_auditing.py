"""The audit log's chain shows every change, and the database refuses to make one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pgtrigger
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from annotator.accounts.auditing import FIRST_LINK, AuditLogBroken, verify_audit_log, write_audit_entry
from annotator.accounts.models import AuditEnd, AuditEntry
from workers.engine.plurals import say_count

NOW = datetime(2026, 5, 4, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def tampering(db: None) -> Iterator[None]:
    """Switches the trigger off, so that a test can change the log."""
    with pgtrigger.ignore("accounts.AuditEntry:append_only"):
        yield


@pytest.fixture
def five_entries(db: None) -> list[AuditEntry]:
    person = User.objects.create_user("rosa")
    return [
        write_audit_entry(
            actor=person if i % 2 else None,
            action="rename",
            subject=f"unit net/conv5/{i}",
            details={"from": "lamp", "to": "Lampe ü", "share": 0.1},
            now=NOW + timedelta(seconds=i),
        )
        for i in range(5)
    ]


def test_an_empty_log_fits_together(db: None) -> None:
    assert verify_audit_log().n_entries == 0
    assert verify_audit_log().last_sha256 == FIRST_LINK


def test_an_untouched_log_fits_together(five_entries: list[AuditEntry]) -> None:
    verified = verify_audit_log()
    assert verified.n_entries == 5
    assert verified.last_sha256 == five_entries[-1].sha256


def test_who_acted_stands_in_the_entry(five_entries: list[AuditEntry]) -> None:
    assert [entry.actor_name for entry in five_entries[:2]] == ["command", "rosa"]


@pytest.mark.parametrize(
    "change",
    [
        {"details": {"from": "lamp", "to": "tree"}},
        {"actor_name": "somebody"},
        {"action": "accept"},
        {"subject": "unit net/conv5/9"},
        {"at": NOW},
        {"actor": None},
    ],
)
def test_any_changed_field_is_found(five_entries: list[AuditEntry], tampering: None, change: dict[str, object]) -> None:
    AuditEntry.objects.filter(pk=five_entries[3].pk).update(**change)
    with pytest.raises(AuditLogBroken, match=f"Entry {five_entries[3].pk} .* was changed"):
        verify_audit_log()


def test_a_removed_entry_is_found(five_entries: list[AuditEntry], tampering: None) -> None:
    AuditEntry.objects.filter(pk=five_entries[2].pk).delete()
    with pytest.raises(AuditLogBroken, match=f"Before entry {five_entries[3].pk} "):
        verify_audit_log()


@pytest.mark.parametrize("n_left", [4, 1, 0])
def test_entries_cut_off_the_end_are_found(five_entries: list[AuditEntry], tampering: None, n_left: int) -> None:
    AuditEntry.objects.filter(pk__in=[entry.pk for entry in five_entries[n_left:]]).delete()
    with pytest.raises(AuditLogBroken, match=f"has {say_count(n_left, 'entry')}, and its recorded end is .* 5"):
        verify_audit_log()


def test_a_log_that_was_emptied_and_written_again_is_found(five_entries: list[AuditEntry], tampering: None) -> None:
    AuditEntry.objects.all().delete()
    write_audit_entry(actor=None, action="accept", subject="unit n/l/1", details={}, now=NOW)
    with pytest.raises(AuditLogBroken, match="recorded end"):
        verify_audit_log()


def test_a_missing_record_of_the_end_is_found(five_entries: list[AuditEntry]) -> None:
    AuditEnd.objects.all().delete()
    write_audit_entry(actor=None, action="accept", subject="unit n/l/1", details={}, now=NOW)
    with pytest.raises(AuditLogBroken, match="record of its end is missing"):
        verify_audit_log()


@pytest.mark.parametrize("statement", ["UPDATE {} SET action = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_refuses_to_change_it(five_entries: list[AuditEntry], statement: str) -> None:
    connection.check_constraints()  # TRUNCATE refuses a table that waits for checks
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format("accounts_auditentry"))
    assert verify_audit_log().n_entries == 5


def test_a_decision_that_fails_leaves_no_entry(db: None) -> None:
    class DecisionFailed(Exception):
        pass

    def decide() -> None:
        with transaction.atomic():
            write_audit_entry(actor=None, action="accept", subject="unit n/l/1", details={}, now=NOW)
            raise DecisionFailed

    with pytest.raises(DecisionFailed):
        decide()
    assert not AuditEntry.objects.exists()
