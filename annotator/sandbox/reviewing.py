"""What a requester does to finished work: approve, reject, turn a rejection over, pay a bonus."""

import datetime as dt
from decimal import Decimal

from annotator.sandbox import advancing, fees, ledger, notifying
from annotator.sandbox.models import Assignment, BonusPayment
from annotator.sandbox.refusals import Code, Refused
from annotator.sandbox.states import LISTED, AssignmentState, HITStatus, check_assignment_move

OVERRIDE_WITHIN = dt.timedelta(days=30)


def approve(assignment: Assignment, *, feedback: str, is_override: bool, now: dt.datetime) -> None:
    """Pay the reward. The caller holds the HIT's lock. Raises Refused in the wrong state or without the money."""
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
    if was_rejected:
        hit.n_rejected -= 1
    else:
        hit.n_submitted -= 1
    hit.n_approved += 1
    notifying.record("AssignmentApproved", hit=hit, assignment=assignment, now=now)
    advancing.advance_hit(hit, now=now)


def reject(assignment: Assignment, *, feedback: str, now: dt.datetime) -> None:
    """No pay; the money goes back to the requester. The caller holds the HIT's lock."""
    _check_submitted(assignment)
    hit = assignment.hit
    _move(assignment, AssignmentState.REJECTED)
    assignment.rejected_at = now
    assignment.feedback = feedback
    assignment.save(update_fields=["state", "rejected_at", "feedback"])
    hit.n_submitted -= 1
    hit.n_rejected += 1
    notifying.record("AssignmentRejected", hit=hit, assignment=assignment, now=now)
    advancing.advance_hit(hit, now=now)


def grant_bonus(assignment: Assignment, *, amount_usd: Decimal, reason: str, now: dt.datetime) -> BonusPayment:
    if assignment.state not in LISTED:
        raise Refused(Code.INVALID_ASSIGNMENT_STATE, "A bonus needs a submitted, approved or rejected assignment.")
    fee = fees.fee_usd(amount_usd=amount_usd)
    ledger.pay_bonus(assignment, amount_usd=amount_usd, fee_usd=fee, now=now)
    return BonusPayment.objects.create(
        requester=assignment.hit.requester, person=assignment.person, assignment=assignment, amount_usd=amount_usd,
        fee_usd=fee, reason=reason, granted_at=now,
    )  # fmt: skip


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
