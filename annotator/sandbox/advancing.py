"""Bring a HIT to where its counts say it stands: its status, its hold, its events, its HIT-level review policy."""

import datetime as dt

from annotator.sandbox import ledger, notifying
from annotator.sandbox.models import HIT
from annotator.sandbox.refusals import Code, Refused
from annotator.sandbox.states import HITStatus, next_hit_status

_SAVED = [
    "status",
    "is_expired",
    "expired_at",
    "n_accepted",
    "n_submitted",
    "n_approved",
    "n_rejected",
    "held_usd",
    "max_assignments",
    "expires_at",
    "hit_type",
]


def lock_hit(**lookup: object) -> HIT:
    """The HIT with its row lock, which every change of its assignments takes first. Raises HIT.DoesNotExist."""
    return HIT.objects.select_for_update(of=("self",)).select_related("hit_type", "requester").get(**lookup)


def advance_hit(hit: HIT, *, now: dt.datetime) -> None:
    """The caller holds the row lock and has changed counts, size, type or expiration."""
    from annotator.sandbox import policing  # it extends HITs, and so needs this module

    before = HITStatus(hit.status)
    hit.status = next_hit_status(
        before, n_available=hit.n_available, n_accepted=hit.n_accepted, is_expired=hit.is_expired
    )
    ledger.adjust_hold(hit, now=now)
    hit.save(update_fields=_SAVED)
    if hit.status == HITStatus.REVIEWABLE and before in (HITStatus.ASSIGNABLE, HITStatus.UNASSIGNABLE):
        notifying.record("HITReviewable", hit=hit, now=now)
        policing.review_hit(hit, now=now)


def check_status(hit: HIT, *allowed: HITStatus) -> None:
    if hit.status not in allowed:
        raise Refused(
            Code.INVALID_HIT_STATE,
            f"This HIT is currently in the state '{hit.status}'. "
            f"This operation can be called with a status of: {', '.join(allowed)}.",
        )
