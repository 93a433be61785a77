"""Approves work, pays bonuses up to the hourly floor, and leaves answers out of the count."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.marketplaces.marketplace import Act, Approve, PayBonus
from annotator.crowd.marketplaces.prices import compute_fee, compute_top_up
from annotator.crowd.models import Assignment, Campaign
from annotator.crowd.outbox.acts import Decision, make_key
from annotator.crowd.outbox.session import Session
from annotator.refusals import Refusal

State = Assignment.State


class CannotReview(Refusal):
    """The assignment is not in a state for this, or something that the act needs is missing."""


def decide_review(
    assignment: Assignment, act: Act, operation: str, *more: str, cost_usd: Decimal = Decimal(0)
) -> Decision:
    """`operation` and `more` are for the key; `more` tells two acts of one operation on this assignment apart."""
    return Decision(
        act=act,
        key=make_key(operation, assignment.external_id, assignment.pk, *more),
        hit=assignment.hit,
        assignment=assignment,
        cost_usd=cost_usd,
    )


def approve_assignments(session: Session, *, assignments: Iterable[Assignment] | None = None) -> int:
    """Approves these assignments, each once; by default every submitted one. Returns how many acts are done now."""
    if assignments is None:
        submitted = Assignment.objects.filter(hit__campaign=session.campaign, state=State.SUBMITTED)
        assignments = list(submitted.select_related("hit").order_by("id"))
    return session.decide(_decide_approval(assignment) for assignment in assignments)


def _decide_approval(assignment: Assignment) -> Decision:
    if assignment.state != State.SUBMITTED:
        raise CannotReview(f"{assignment} is {assignment.state}; only submitted work can be approved.")
    return decide_review(assignment, Approve(assignment.external_id or ""), "ApproveAssignment")


def leave_out(*, assignment: Assignment, reason: str, decided_by: str, is_left_out: bool = True) -> None:
    """Stops counting the answer, or counts it again: a person's decision, which no rule changes later.

    The person who answered is paid in both cases.
    """
    if is_left_out and not reason.strip():
        raise CannotReview("Leaving an answer out needs a reason.")
    assignment.is_left_out = is_left_out
    assignment.left_out_reason = reason.strip() if is_left_out else ""
    assignment.count_decided_by = decided_by
    assignment.save(update_fields=["is_left_out", "left_out_reason", "count_decided_by"])


def pay_top_ups(session: Session) -> int:
    """Pays a bonus, once and within the cap, for each approved assignment whose pay is below the hourly floor.

    Returns how many acts are done now.
    """
    approved = Assignment.objects.filter(hit__campaign=session.campaign, state=State.APPROVED)
    payable = approved.exclude(worker__external_id=None).select_related("hit__hit_type").order_by("id")
    return session.decide(_decide_top_ups(session, payable))


def compute_due_top_up(*, campaign: Campaign, assignment: Assignment) -> Decimal:
    """The bonus in dollars; 0 if none is due. Active time counts up to the time that the HIT type allows."""
    longest = load_template(assignment.hit.hit_type.template).assignment_seconds
    seconds = min(assignment.active_seconds, float(longest))
    return compute_top_up(paid_usd=campaign.reward_usd, seconds=seconds, floor_usd=campaign.hourly_floor_usd)


def _decide_top_ups(session: Session, assignments: Iterable[Assignment]) -> Iterator[Decision]:
    for assignment in assignments:
        bonus = compute_due_top_up(campaign=session.campaign, assignment=assignment)
        if bonus > 0:
            fee = compute_fee(amount_usd=bonus, n_assignments=1, fees=session.marketplace.facts.fees)
            reason = "Your work took longer than we had planned; this lifts its pay to our hourly floor."
            act = PayBonus(assignment.external_id or "", amount_usd=bonus, reason=reason)
            yield decide_review(assignment, act, "SendBonus", cost_usd=bonus + fee)
