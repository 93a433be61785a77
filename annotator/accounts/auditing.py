"""Writes decisions into the append-only audit log and verifies its chain of digests."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F

from annotator.accounts.models import AuditEnd, AuditEntry
from annotator.refusals import Refusal
from workers.engine.plurals import say_count

FIRST_LINK = "0" * 64
# Any fixed number. Writing an entry holds this lock until commit, so that the chain cannot fork.
_LOCK = 7_312_025


class AuditLogBroken(Refusal):
    """An entry does not follow from the one before it; the message names the first such entry."""


@dataclass(frozen=True)
class VerifiedLog:
    n_entries: int
    # Keep it elsewhere: it shows if the last entries were deleted later.
    last_sha256: str


def write_audit_entry(
    *, actor: User | None, action: str, subject: str, details: Mapping[str, Any], now: datetime
) -> AuditEntry:
    """Append one decision. Call it in the transaction of the decision, so that both are stored or neither."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = AuditEntry.objects.order_by("-id").values_list("sha256", flat=True).first()
        entry = AuditEntry(
            at=now,
            actor=actor,
            actor_name=actor.get_username() if actor else "command",
            action=action,
            subject=subject,
            details=json.loads(json.dumps(details, default=str)),
            previous_sha256=last or FIRST_LINK,
        )
        entry.sha256 = digest(entry)
        entry.save(force_insert=True)
        if not AuditEnd.objects.update(n_entries=F("n_entries") + 1, last_sha256=entry.sha256) and last is None:
            AuditEnd.objects.create(n_entries=1, last_sha256=entry.sha256)
    return entry


def digest(entry: AuditEntry) -> str:
    """SHA-256 over everything the entry says, the digest before it included."""
    said = {
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor_id,
        "actor_name": entry.actor_name,
        "action": entry.action,
        "subject": entry.subject,
        "details": entry.details,
        "previous": entry.previous_sha256,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def verify_audit_log() -> VerifiedLog:
    """Walk the chain from its first entry to the recorded end.

    Raises AuditLogBroken at the first entry that does not fit, or if the log does not end where it is recorded to end.
    """
    end = AuditEnd.objects.first()
    previous, n_entries, is_reached = FIRST_LINK, 0, end is None
    for entry in AuditEntry.objects.order_by("id").iterator(chunk_size=1000):
        if entry.previous_sha256 != previous:
            raise AuditLogBroken(f"Before entry {entry.id} of {entry.at:%Y-%m-%d %H:%M} an entry is missing or moved.")
        if digest(entry) != entry.sha256:
            raise AuditLogBroken(f"Entry {entry.id} of {entry.at:%Y-%m-%d %H:%M} was changed after it was written.")
        previous, n_entries = entry.sha256, n_entries + 1
        is_reached = is_reached or (end is not None and (n_entries, previous) == (end.n_entries, end.last_sha256))
    _check_end(end, n_entries=n_entries, is_reached=is_reached)
    return VerifiedLog(n_entries=n_entries, last_sha256=previous)


def _check_end(end: AuditEnd | None, *, n_entries: int, is_reached: bool) -> None:
    """Entries that others write while the log is read come after the end that was read before."""
    if end is None and n_entries:
        raise AuditLogBroken(f"The log has {say_count(n_entries, 'entry')}, and the record of its end is missing.")
    if end is not None and not is_reached:
        raise AuditLogBroken(
            f"The log has {say_count(n_entries, 'entry')}, and its recorded end is entry number {end.n_entries}: "
            "entries were removed from its end, or the record was changed."
        )
