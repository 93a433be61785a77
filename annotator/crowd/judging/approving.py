"""Approves work, pays bonuses up to the hourly floor, and leaves answers out of the count."""

from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction

from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.marketplaces.facts import FeeSchedule
from annotator.crowd.marketplaces.marketplace import Approve, PayBonus
from annotator.crowd.marketplaces.prices import compute_fee, compute_top_up
from annotator.crowd.models import Assignment, Campaign
from annotator.crowd.outbox.acts import Decision, make_key
from annotator.crowd.outbox.session import Session
from annotator.refusals import Refusal

State = Assignment.State


class CannotReview(Refusal):
    """The assignment is not in a state for this, or something that the act needs is missing."""


def approve_assignments(session: Session, *, assignments: Iterable[Assignment] | None = None) -> int:
    """Approves these assignments, each once; by default every submitted one. Returns how many acts are done now."""
    chosen = _submitted(session.campaign) if assignments is None else assignments
    with session.hold():
        with transaction.atomic():
            for assignment in chosen:
                session.write(_decide_approval(assignment))
        return session.settle()


def _submitted(campaign: Campaign) -> list[Assignment]:
    return list(
        Assignment.objects.filter(hit__campaign=campaign, state=State.SUBMITTED).select_related("hit").order_by("id")
    )


def _decide_approval(assignment: Assignment) -> Decision:
    if assignment.state != State.SUBMITTED:
        raise CannotReview(f"{assignment} is {assignment.state}; only submitted work can be approved.")
    return Decision(
        act=Approve(assignment_id=assignment.external_id or ""),
        key=make_key("ApproveAssignment", assignment.external_id, assignment.pk),
        hit=assignment.hit,
        assignment=assignment,
    )


def leave_out(*, assignment: Assignment, reason: str, is_left_out: bool = True) -> None:
    """Stops counting the answer, or counts it again. The person is paid in both cases."""
    if is_left_out and not reason.strip():
        raise CannotReview("Leaving an answer out needs a reason.")
    assignment.is_left_out = is_left_out
    assignment.left_out_reason = reason.strip() if is_left_out else ""
    assignment.save(update_fields=["is_left_out", "left_out_reason"])


def pay_top_ups(session: Session) -> int:
    """Pays a bonus, once and within the cap, for each approved assignment whose pay is below the hourly floor.

    Returns how many acts are done now.
    """
    approved = Assignment.objects.filter(hit__campaign=session.campaign, state=State.APPROVED)
    with session.hold():
        with transaction.atomic():
            for assignment in approved.exclude(worker__external_id=None).select_related("hit__hit_type").order_by("id"):
                bonus = compute_due_top_up(campaign=session.campaign, assignment=assignment)
                if bonus > 0:
                    session.write(_decide_top_up(assignment, bonus=bonus, fees=session.marketplace.facts.fees))
        return session.settle()


def compute_due_top_up(*, campaign: Campaign, assignment: Assignment) -> Decimal:
    """The bonus in dollars; 0 if none is due. Active time counts up to the time that the HIT type allows."""
    longest = load_template(assignment.hit.hit_type.template).assignment_seconds
    seconds = min(assignment.active_seconds, float(longest))
    return compute_top_up(paid_usd=campaign.reward_usd, seconds=seconds, floor_usd=campaign.hourly_floor_usd)


def _decide_top_up(assignment: Assignment, *, bonus: Decimal, fees: FeeSchedule) -> Decision:
    fee = compute_fee(amount_usd=bonus, n_assignments=1, fees=fees)
    return Decision(
        act=PayBonus(
            assignment_id=assignment.external_id or "",
            amount_usd=bonus,
            reason="Your work took longer than we had planned; this lifts its pay to our hourly floor.",
        ),
        key=make_key("SendBonus", assignment.external_id, assignment.pk),
        hit=assignment.hit,
        assignment=assignment,
        cost_usd=bonus + fee,
    )
