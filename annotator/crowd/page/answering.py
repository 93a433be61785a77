"""What a worker does on a HIT page once they have started: save drafts and submit. Decided here, not in the browser."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from annotator.crowd.assignments import Work, fill_answers, list_shown, read_work
from annotator.crowd.eligibility import leave_out_if_barred, lock_with_person
from annotator.crowd.hit_types.answers import BadAnswer, read_seconds
from annotator.crowd.hit_types.templates import find_hit_type
from annotator.crowd.models import OPEN, Assignment, Campaign

MAX_SENT_BACK = 3
SENT_BACK = gettext_noop(
    "At least one crop that does not fit is still unmarked. Please look through the crops again, then submit once more."
)
# From the first storing on, also if the marketplace's list is late: nobody works on what they have handed over.
CORRECTABLE = timedelta(minutes=10)
# Work of a visit that the marketplace has confirmed; other work is kept until it lists it.
CONFIRMED = (Assignment.State.STARTED, Assignment.State.STORED)


class AlreadyStored(Exception):
    """The work was submitted before; drafts of it are not taken any more."""


@dataclass(frozen=True)
class Draft:
    """What a page sends to be kept. `ages`: field -> seconds since it was changed there."""

    values: Mapping[str, Any]
    revision: int
    ages: Mapping[str, Any]


def save_draft(*, assignment: Assignment, draft: Draft, now: datetime) -> bool:
    """Keeps the draft if it builds on the newest one, which the assignment carries afterwards. False if it does not."""
    hit_type, revision = find_hit_type(assignment.hit.hit_type.template), draft.revision
    cleaned = hit_type.clean_draft(draft.values, list_shown(assignment))
    before = assignment.draft.get("changed", {})
    changed = {
        name: now.timestamp() - read_seconds(draft.ages[name]) if name in draft.ages else before[name]
        for name in cleaned
        if name in draft.ages or name in before
    }
    kept = cleaned | {"active_seconds": read_seconds(draft.values.get("active_seconds")), "changed": changed}
    taken = Assignment.objects.filter(pk=assignment.pk, draft_revision=revision, state__in=OPEN).update(
        draft=kept, draft_revision=revision + 1, active_seconds=kept["active_seconds"]
    )
    assignment.refresh_from_db()
    if assignment.state not in OPEN:
        raise AlreadyStored("This work was submitted already; nothing more needs to be saved.")
    return bool(taken)


def tell_draft(assignment: Assignment, *, now: datetime) -> dict[str, Any]:
    """The draft as the page takes it: with `ages`, field -> seconds since it was changed."""
    values = {name: value for name, value in assignment.draft.items() if name != "changed"}
    changed = assignment.draft.get("changed", {})
    return values | {"ages": {name: max(0.0, now.timestamp() - at) for name, at in changed.items()}}


def store_answer(
    *, assignment: Assignment, values: dict[str, Any], client_id: uuid.UUID, now: datetime, corrects: bool = False
) -> Assignment:
    """Stores the answer once. Repeats, of whatever client id, give the row that was stored first.

    `corrects`: the person changes what they stored, from the same page. It is taken until the hand-over.

    An answer that this person may not give is stored and paid, and is left out. The row stays open if the answer is
    sent back, because planted negatives are unmarked.
    """
    with transaction.atomic():
        row = lock_with_person(assignment.pk)
        if corrects and is_correctable(row, now=now) and row.client_id == client_id:
            _correct(row, work=read_work(row, values), client_id=client_id, now=now)
        if row.state not in OPEN:
            return row
        work = read_work(row, values)
        if _misses_planted(row, work) and row.n_sent_back < MAX_SENT_BACK:
            row.n_sent_back += 1
            row.save(update_fields=["n_sent_back"])
            return row
        leave_out_if_barred(row)  # again: another HIT's page may have been open since before the start of this one
        _write_answer(row, work=work, client_id=client_id, now=now)
        return row


def is_correctable(row: Assignment, *, now: datetime) -> bool:
    """True for a while after the answer was stored first, and if the marketplace has not said that it has it."""
    is_kept = row.state in (Assignment.State.STORED, Assignment.State.KEPT) and row.submitted_at is None
    return is_kept and row.stored_at is not None and now < row.stored_at + CORRECTABLE


def _correct(row: Assignment, *, work: Work, client_id: uuid.UUID, now: datetime) -> None:
    """Raises BadAnswer where the corrected answer would be sent back; the stored one stays."""
    if _misses_planted(row, work):
        raise BadAnswer(SENT_BACK, field="marked")
    _write_answer(row, work=work, client_id=client_id, now=now)


def _misses_planted(row: Assignment, work: Work) -> bool:
    """True if planted negatives are unmarked where the campaign sends such answers back."""
    must_find = row.hit.campaign.policy == Campaign.Policy.MUST_FIND
    return must_find and any(finding.n_planted_missed for finding in work.findings)


def _write_answer(row: Assignment, *, work: Work, client_id: uuid.UUID, now: datetime) -> None:
    fill_answers(row, work=work, ended_at=now)
    row.client_id = client_id
    row.state = Assignment.State.STORED if row.state in CONFIRMED else Assignment.State.KEPT
    row.stored_at = row.stored_at or now
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise BadAnswer("This submission carries the mark of another one: please reload the page.", field="") from None
