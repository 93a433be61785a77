"""Approves work, pays bonuses up to the hourly floor, and leaves answers out of the count."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet

from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.judging.paid_time import find_paid_seconds, find_slow, list_answers_of_people
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import Act, Approve, PayBonus
from annotator.crowd.marketplaces.prices import compute_fee, compute_top_up
from annotator.crowd.models import Assignment, Campaign, OutwardAct, has_compensating_bonus
from annotator.crowd.outbox.acts import GIVEN_UP, BudgetExceeded, Decision, make_key
from annotator.crowd.outbox.session import Session
from annotator.refusals import Refusal

State = Assignment.State
# Of a bonus. What was refused was not paid; what a person gave up may have been.
_IS_OPEN_OR_PAID = ~Q(state=OutwardAct.State.FAILED)
_MAY_BE_PAID = _IS_OPEN_OR_PAID | Q(problem__startswith=GIVEN_UP)


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


def approve_assignments(session: Session) -> int:
    """Approves every submitted assignment that was not compensated by a bonus. Returns how many acts are done now."""
    with session.hold():
        return session.decide(map(_decide_approval, _list_waiting(session.campaign, paid=_MAY_BE_PAID)))


def approve_waiting(session: Session, *, chosen: Collection[int]) -> tuple[int, int]:
    """Approves those of these rows that still wait for it.

    Returns how many acts are done now, and how many rows were passed over.
    """
    with session.hold():
        waiting = list(_list_waiting(session.campaign, paid=_IS_OPEN_OR_PAID).filter(pk__in=chosen))
        return session.decide(map(_decide_approval, waiting)), len(chosen) - len(waiting)


def approve_assignment(session: Session, assignment: Assignment) -> None:
    """Raises CannotReview if it does not wait for this any more."""
    with session.hold():
        assignment = read_again(assignment, must_be=State.SUBMITTED, to_be="approved", rival=Verb.REJECT)
        if Assignment.objects.filter(has_compensating_bonus(_IS_OPEN_OR_PAID), pk=assignment.pk).exists():
            raise CannotReview(f"{assignment} was compensated by a bonus; approving it would pay it twice.")
        session.decide([_decide_approval(assignment)])


def read_again(assignment: Assignment, *, must_be: Assignment.State, to_be: str, rival: Verb | None) -> Assignment:
    """The assignment as it is now; the caller holds the campaign, so that nobody reviews it meanwhile.

    Raises CannotReview if it is in another state than `must_be`, or while an act of the verb `rival` is unsettled.
    """
    now = Assignment.objects.select_related("hit").get(pk=assignment.pk)
    if now.state != must_be:
        raise CannotReview(f"{now} is {now.state}; only {must_be} work can be {to_be}.")
    if rival and _list_unsettled(rival).filter(assignment=now).exists():
        raise CannotReview(f"Somebody has decided to {rival} {now}, and this is not settled yet.")
    return now


def _list_unsettled(verb: Verb) -> "QuerySet[OutwardAct]":
    return OutwardAct.objects.filter(verb=verb).exclude(state__in=[OutwardAct.State.DONE, OutwardAct.State.FAILED])


def _list_waiting(campaign: Campaign, *, paid: Q) -> "QuerySet[Assignment]":
    """Read under the campaign's lock, so that no compensation is paid meanwhile. `paid`: of bonuses."""
    submitted = Assignment.objects.filter(hit__campaign=campaign, state=State.SUBMITTED)
    open_to_it = submitted.exclude(outward_acts__in=_list_unsettled(Verb.REJECT))
    return open_to_it.exclude(has_compensating_bonus(paid)).select_related("hit").order_by("id")


def _decide_approval(assignment: Assignment) -> Decision:
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


@dataclass(frozen=True)
class TopUps:
    """What became of the bonuses that are due. `n_slow` wait for a person's decision, `n_unaffordable` for the cap."""

    n_paid: int
    n_slow: int
    n_unaffordable: int
    unaffordable_usd: Decimal


def pay_top_ups(session: Session, *, with_slow: bool = False) -> TopUps:
    """Pays a bonus, once, for each approved assignment whose pay is below the hourly floor, as far as the cap goes.

    The smallest are paid first, so that one large one does not stop the others. Work that took far longer than other
    people's is paid only `with_slow`.
    """
    due, slow = find_due_top_ups(session.campaign)
    unaffordable: list[Decimal] = []
    with session.hold():
        for assignment, bonus in due:
            if with_slow or assignment.pk not in slow:
                decision = _decide_top_up(session, assignment, bonus=bonus)
                try:
                    session.write(decision)
                except BudgetExceeded:
                    unaffordable.append(decision.cost_usd)
        n_paid = session.settle()
    n_slow = 0 if with_slow else sum(assignment.pk in slow for assignment, _ in due)
    return TopUps(n_paid, n_slow, len(unaffordable), sum(unaffordable, Decimal(0)))


def find_due_top_ups(campaign: Campaign) -> tuple[list[tuple[Assignment, Decimal]], set[int]]:
    """(assignment, bonus in dollars), smallest first, and the rows among them that took far longer than others' work.

    Paid time counts up to the time that the HIT type allows.
    """
    answers = list_answers_of_people(campaign.pk)
    paid = find_paid_seconds(answers)
    own = [row for row in answers if row.hit.campaign_id == campaign.pk]
    times = {row.pk: min(paid[row.pk], float(_find_longest(row))) for row in own}
    simulated = {row.worker_id for row in own if row.worker is not None and row.worker.is_simulated}
    slow = find_slow(times, workers={row.pk: row.worker_id for row in own}, simulated=simulated)
    bonuses = campaign.outward_acts.filter(_MAY_BE_PAID, verb=Verb.PAY_BONUS)
    settled = set(bonuses.values_list("assignment", flat=True))
    due = []
    for row in own:
        is_payable = row.state == State.APPROVED and row.worker is not None and row.worker.external_id is not None
        bonus = compute_top_up(paid_usd=campaign.reward_usd, seconds=times[row.pk], floor_usd=campaign.hourly_floor_usd)
        if is_payable and bonus > 0 and row.pk not in settled:
            due.append((row, bonus))
    return sorted(due, key=lambda one: (one[1], one[0].pk)), slow


def _find_longest(row: Assignment) -> int:
    return load_template(row.hit.hit_type.template).assignment_seconds


def _decide_top_up(session: Session, assignment: Assignment, *, bonus: Decimal) -> Decision:
    fee = compute_fee(amount_usd=bonus, n_assignments=1, fees=session.marketplace.facts.fees)
    reason = "Your work took longer than we had planned; this lifts its pay to our hourly floor."
    act = PayBonus(assignment.external_id or "", amount_usd=bonus, reason=reason)
    return decide_review(assignment, act, "SendBonus", cost_usd=bonus + fee)
