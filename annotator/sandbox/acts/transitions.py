"""Every change of a HIT and its assignments that changes counts, with the status, the hold and the events.

Each of these returns whether the HIT has just become reviewable. The caller then runs the HIT-level review policy
(`policing.review_hit`), which itself approves and extends through this module.
"""

import datetime as dt

from django.utils.translation import gettext_noop

from annotator.sandbox import ledger, notifying
from annotator.sandbox.acts import paying_out
from annotator.sandbox.models import HIT, Assignment
from annotator.sandbox.rules import fees
from annotator.sandbox.rules.refusals import Code, Refused
from annotator.sandbox.rules.states import (
    AssignmentState,
    HITStatus,
    check_assignment_move,
    check_hit_move,
    next_hit_status,
)

NOT_DISPOSED = (HITStatus.ASSIGNABLE, HITStatus.UNASSIGNABLE, HITStatus.REVIEWABLE, HITStatus.REVIEWING)
_COUNTED = ["status", "n_accepted", "n_submitted"]
_PAID = ["n_approved", "n_rejected", "held_usd"]
_CHANGED = ["max_assignments", "hit_type", "expires_at", "is_expired", "expired_at"]


def lock_hit(**lookup: object) -> HIT:
    """The HIT with its row lock, which every change of its assignments takes first. Raises HIT.DoesNotExist."""
    rows = HIT.objects.select_for_update(of=("self",))
    return rows.select_related("hit_type__notification_setting", "requester").get(**lookup)


def advance_hit(hit: HIT, *, moves_money: bool = True, now: dt.datetime) -> bool:
    """The caller holds the row lock and has changed the counts, the size, the type or the expiration.

    Accepting and submitting pass a place on with its price; saying so spares the sum over all assignments.
    """

    before = HITStatus(hit.status)
    after = next_hit_status(before, n_available=hit.n_available, n_accepted=hit.n_accepted, is_expired=hit.is_expired)
    check_hit_move(before, after)
    hit.status = after
    if moves_money:
        ledger.adjust_hold(hit, now=now)
    saved = [*_COUNTED, *_PAID, *_CHANGED] if moves_money else _COUNTED
    HIT.objects.filter(pk=hit.pk).update(**{field: getattr(hit, field) for field in saved})
    became_reviewable = after == HITStatus.REVIEWABLE and before in (HITStatus.ASSIGNABLE, HITStatus.UNASSIGNABLE)
    if became_reviewable:
        notifying.record("HITReviewable", hit=hit, now=now)
    return became_reviewable


def check_status(hit: HIT, *allowed: HITStatus) -> None:
    if hit.status not in allowed:
        raise Refused(
            Code.INVALID_HIT_STATE,
            f"This HIT is currently in the state '{hit.status}'. "
            f"This operation can be called with a status of: {', '.join(allowed)}.",
        )


OVERRIDE_WITHIN = dt.timedelta(days=30)


def approve(assignment: Assignment, *, feedback: str, is_override: bool, now: dt.datetime) -> bool:
    """Pays the reward. The caller holds the HIT's lock. Raises Refused if the state or the balance forbids it."""
    was_rejected = assignment.state == AssignmentState.REJECTED
    if was_rejected and is_override:
        _check_override(assignment, now=now)
    else:
        _check_submitted(assignment)
    hit = assignment.hit
    ledger.pay_reward(assignment, is_held=not was_rejected, now=now)
    _move(assignment, AssignmentState.APPROVED)
    assignment.approved_at = now
    assignment.feedback = feedback or assignment.feedback
    assignment.save(update_fields=["state", "approved_at", "feedback"])
    paying_out.forget_payout_address(assignment.person)  # if the reward is nothing
    if was_rejected:
        hit.n_rejected -= 1
    else:
        hit.n_submitted -= 1
    hit.n_approved += 1
    notifying.record("AssignmentApproved", hit=hit, assignment=assignment, now=now)
    return advance_hit(hit, now=now)


def reject(assignment: Assignment, *, feedback: str, now: dt.datetime) -> bool:
    """Does not pay; the money goes back to the requester. The caller holds the HIT's lock."""
    _check_submitted(assignment)
    hit = assignment.hit
    _move(assignment, AssignmentState.REJECTED)
    assignment.rejected_at = now
    assignment.feedback = feedback
    assignment.save(update_fields=["state", "rejected_at", "feedback"])
    paying_out.forget_payout_address(assignment.person)
    hit.n_submitted -= 1
    hit.n_rejected += 1
    notifying.record("AssignmentRejected", hit=hit, assignment=assignment, now=now)
    return advance_hit(hit, now=now)


def _move(assignment: Assignment, state: AssignmentState) -> None:
    check_assignment_move(AssignmentState(assignment.state), state)
    assignment.state = state


def _check_submitted(assignment: Assignment) -> None:
    if assignment.state != AssignmentState.SUBMITTED:
        raise Refused(
            Code.INVALID_ASSIGNMENT_STATE,
            f"This operation can be called with a status of: {AssignmentState.SUBMITTED}; "
            f"the assignment is {assignment.state}.",
        )


def _check_override(assignment: Assignment, *, now: dt.datetime) -> None:
    if assignment.hit.status == HITStatus.DISPOSED:
        raise Refused(Code.INVALID_HIT_STATE, "The HIT was deleted; its rejections stand.")
    if assignment.submitted_at is None or now - assignment.submitted_at > OVERRIDE_WITHIN:
        raise Refused(
            Code.INVALID_ASSIGNMENT_STATE, "A rejection can be turned over within 30 days after the submission only."
        )


def add_assignments(hit: HIT, *, n_more: int, now: dt.datetime) -> bool:
    """Adds assignments; the caller holds the row lock. A HIT with fewer than 10 stays below 10: the fee differs."""
    check_status(hit, *NOT_DISPOSED)
    size = hit.max_assignments + n_more
    if hit.max_assignments < fees.MANY_ASSIGNMENTS <= size:
        raise Refused(
            Code.INVALID_MAXIMUM_ASSIGNMENTS_INCREASE,
            f"A HIT created with fewer than {fees.MANY_ASSIGNMENTS} assignments cannot be extended to {size}.",
        )
    if size > fees.MOST_ASSIGNMENTS:
        raise Refused(
            Code.INVALID_MAXIMUM_ASSIGNMENTS_INCREASE, f"A HIT has at most {fees.MOST_ASSIGNMENTS} assignments."
        )
    hit.max_assignments = size
    became_reviewable = advance_hit(hit, now=now)
    notifying.record("HITExtended", hit=hit, now=now)
    return became_reviewable


def lock_assignment(**lookup: object) -> Assignment:
    """The assignment and its HIT; the HIT's row lock is taken first. Raises Refused if there is none."""
    try:
        hit = lock_hit(**{f"assignments__{field}": value for field, value in lookup.items()})
    except HIT.DoesNotExist:
        raise Refused(Code.ASSIGNMENT_DOES_NOT_EXIST, gettext_noop("There is no such assignment.")) from None
    assignment = Assignment.objects.select_related("person").get(**lookup)
    assignment.hit = hit
    return assignment
