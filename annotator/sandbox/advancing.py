"""Bring a HIT to where its counts say it stands: its status, its hold, its events, its HIT-level review policy."""

import datetime as dt

from annotator.sandbox import ledger, notifying
from annotator.sandbox.models import HIT
from annotator.sandbox.refusals import Code, Refused
from annotator.sandbox.states import HITStatus, check_hit_move, next_hit_status

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

_COUNTED = ["status", "n_accepted", "n_submitted"]


def lock_hit(**lookup: object) -> HIT:
    """The HIT with its row lock, which every change of its assignments takes first. Raises HIT.DoesNotExist."""
    rows = HIT.objects.select_for_update(of=("self",))
    return rows.select_related("hit_type__notification_setting", "requester").get(**lookup)


def advance_hit(hit: HIT, *, moves_money: bool = True, now: dt.datetime) -> None:
    """The caller holds the row lock and has changed counts, size, type or expiration.

    Accepting and submitting pass a place on with its price; saying so spares the sum over all assignments.
    """
    from annotator.sandbox import policing  # it extends HITs, and so needs this module

    before = HITStatus(hit.status)
    after = next_hit_status(before, n_available=hit.n_available, n_accepted=hit.n_accepted, is_expired=hit.is_expired)
    check_hit_move(before, after)
    hit.status = after
    if moves_money:
        ledger.adjust_hold(hit, now=now)
    saved = _SAVED if moves_money else _COUNTED
    HIT.objects.filter(pk=hit.pk).update(**{field: getattr(hit, field) for field in saved})
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
