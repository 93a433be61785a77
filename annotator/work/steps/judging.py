"""What is decided about answers and the people who gave them: approve, exclude, reject, pay on top, erase."""

from dataclasses import dataclass
from typing import Any

from annotator.accounts.models import Role
from annotator.accounts.roles import MIN_ROLE, Permission
from annotator.crowd.assignments import tell_answer
from annotator.crowd.campaigns.collecting import find_unsubmitted
from annotator.crowd.judging.approving import (
    CannotReview,
    approve_assignment,
    approve_waiting,
    leave_out,
    pay_top_ups,
)
from annotator.crowd.judging.compensating import CannotCompensate, approve_compensations, compensate
from annotator.crowd.judging.excluding import set_aside_suspected, tell_set_aside
from annotator.crowd.judging.paid_time import SLOW_MEDIANS
from annotator.crowd.judging.rejecting import (
    confirm_rejection,
    overturn_rejection,
    propose_rejection,
    withdraw_proposal,
)
from annotator.crowd.judging.settling import settle_by_hand
from annotator.crowd.letters import collect_letters_at
from annotator.crowd.marketplaces.outcomes import MarketplaceSilent, OutcomeUnknown
from annotator.crowd.models import ANSWERED, Assignment, Rejection
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.crowd.pseudonyms import CannotErase, erase_worker
from annotator.labels.labeling import compare_words
from annotator.refusals import Refusal
from annotator.work.options import option
from annotator.work.states import unless_answered, unless_approved, unless_going
from annotator.work.step import Step, Work
from workers.engine.plurals import say_count


@dataclass(frozen=True)
class ReasonOptions:
    reason: str = option("Why, in a sentence", default="")


@dataclass(frozen=True)
class ChosenOptions:
    answers: tuple[int, ...] = option(
        "The number of an answer, as the page of answers has it in its address", default=(), type=int, metavar="NUMBER"
    )


@dataclass(frozen=True)
class ChosenWithReason(ChosenOptions):
    reason: str = option("Why, in a sentence", default="")


@dataclass(frozen=True)
class TopUpOptions:
    with_slow: bool = option("Pay also for work that took far longer than other people's", type=bool, default=False)


@dataclass(frozen=True)
class SettleOptions:
    act: int = option("The number of the act, as the campaign's page says it", type=int)
    outcome: str = option(
        "What the marketplace shows: it was done; it was not done and is sent again; or nobody sends it again",
        choices=("done", "not-done", "given-up"),
    )


@dataclass(frozen=True)
class EraseOptions:
    worker_id: str = option(
        "The marketplace's id, as the person gives it; or the pseudonym of an imported person", reach="secret"
    )


def approve_answer(work: Work) -> str:
    approve_assignment(work.open_session(), work.subject)
    return _tell_if(work, Assignment.State.APPROVED, "One answer approved.")


def _tell_if(work: Work, state: str, sentence: str) -> str:
    """The sentence, if the marketplace has brought the answer into this state. Raises CannotReview."""
    work.subject.refresh_from_db(fields=["state"])
    if work.subject.state != state:
        raise CannotReview("The marketplace has not done this. The campaign's page says what needs a person.")
    return sentence


def exclude_answer(work: Work) -> str:
    leave_out(assignment=work.subject, reason=work.options.reason, decided_by=work.by)
    return "One answer is not counted any more; the person is paid. Label again to see the effect."


def approve_chosen(work: Work) -> str:
    """What was approved meanwhile is passed over."""
    chosen = [answer.pk for answer in _find_chosen(work)]
    n_done, passed = approve_waiting(work.open_session(), chosen=chosen)
    said = f"{say_count(n_done, 'answer')} approved."
    return f"{said} {passed} did not wait for it any more." if passed else said


def exclude_chosen(work: Work) -> str:
    chosen = _find_chosen(work)
    for answer in chosen:
        leave_out(assignment=answer, reason=work.options.reason, decided_by=work.by)
    return f"{say_count(len(chosen), 'answer')} left out; the people are paid. Label again to see the effect."


def check_chosen(work: Work) -> None:
    _find_chosen(work)


def _find_chosen(work: Work) -> list[Assignment]:
    """Raises CannotReview if none was chosen, or one is of another campaign."""
    numbers = set(work.options.answers)
    rows = Assignment.objects.filter(hit__campaign=work.subject, state__in=ANSWERED, pk__in=numbers)
    chosen = list(rows.select_related("hit").order_by("id"))
    if not numbers:
        raise CannotReview("No answer was chosen: tick some first.")
    if len(chosen) < len(numbers):
        raise CannotReview(f"{len(numbers) - len(chosen)} of the chosen answers are none of this campaign.")
    return chosen


def count_answer(work: Work) -> str:
    work.details["had been left out because"] = work.subject.left_out_reason
    leave_out(assignment=work.subject, reason="", decided_by=work.by, is_left_out=False)
    return "One answer is counted again, whatever the rule says. Label again to see the effect."


def propose_to_reject(work: Work) -> str:
    """Beside the reason, what the proposer saw on the page is kept."""
    answer: Assignment = work.subject
    seen: dict[str, Any] = {**tell_answer(answer), "active seconds": answer.active_seconds}
    reason = work.options.reason
    propose_rejection(assignment=answer, reason=reason, evidence=seen, proposed_by=work.by, now=work.now)
    return "Rejection proposed; a second person decides."


def withdraw_the_proposal(work: Work) -> str:
    withdraw_proposal(rejection=_find_rejection(work))
    return "The proposed rejection is withdrawn."


def reject(work: Work) -> str:
    confirm_rejection(work.open_session(), rejection=_find_rejection(work), confirmed_by=work.by)
    return _tell_if(work, Assignment.State.REJECTED, "One answer rejected.")


def check_second_person(work: Work) -> None:
    if _find_rejection(work).proposed_by == work.by:
        raise CannotReview("A rejection takes a second person.")


def overturn(work: Work) -> str:
    feedback = "We have looked again: your work is approved and paid."
    rejection = _find_rejection(work)
    overturn_rejection(work.open_session(), rejection=rejection, overturned_by=work.by, feedback=feedback)
    return _tell_if(work, Assignment.State.APPROVED, "One rejection overturned; the work is paid.")


def check_sent(work: Work) -> None:
    if _find_rejection(work).confirmed_at is None and work.subject.state != Assignment.State.REJECTED:
        raise CannotReview("This rejection was never sent; it can be withdrawn.")


def _find_rejection(work: Work) -> Rejection:
    rejection = Rejection.objects.filter(assignment=work.subject).select_related("assignment__hit__campaign").first()
    if rejection is None:
        raise CannotReview("Nobody has proposed to reject this answer.")
    return rejection


def exclude_suspected(work: Work) -> str:
    return tell_set_aside(set_aside_suspected(campaign=work.subject, keeps=False, words=compare_words(work.subject)))


def top_up(work: Work) -> str:
    """Refused if bonuses are due and the cap covers none of them."""
    done = pay_top_ups(work.open_session(), with_slow=work.options.with_slow)
    left = f"{done.n_unaffordable} more cost ${done.unaffordable_usd:.2f}, and less is left of the campaign's cap."
    if done.n_unaffordable and not done.n_paid:
        raise BudgetExceeded(f"No bonus was paid. {left}")
    said = f"{say_count(done.n_paid, 'bonus')} paid, up to ${work.subject.hourly_floor_usd} per hour of active time."
    if done.n_unaffordable:
        said += f" {left}"
    if done.n_slow:
        said += (
            f" {done.n_slow} wait for a decision: that work took over {SLOW_MEDIANS:.0f} times as long as other "
            "people's. --with-slow pays it too."
        )
    return said


def settle_payment(work: Work) -> str:
    outcome = work.options.outcome
    act = settle_by_hand(work.open_session(), act_id=work.options.act, outcome=outcome)
    work.details["outcome"] = outcome
    return f"The act {act.verb} {act.pk} is {act.get_state_display()} now."


def compensate_lost(work: Work) -> str:
    session = work.open_session()
    waiting = list(find_unsubmitted(campaign=work.subject, now=work.now))
    refusals: list[str] = []
    for assignment in waiting:
        try:
            compensate(session, assignment=assignment, decided_by=work.by)
        except MarketplaceSilent:
            raise
        except (CannotCompensate, BudgetExceeded, OutcomeUnknown) as refusal:  # the others are paid
            refusals.append(str(refusal))
    n_approved = approve_compensations(session)
    if refusals:
        raise CannotCompensate(f"{len(refusals)} of {len(waiting)} could not be compensated: {refusals[0]}")
    approved = (
        f"; {say_count(n_approved, 'compensation HIT was', 'compensation HITs were')} approved now"
        if n_approved
        else ""
    )
    return f"{say_count(len(waiting), 'piece of work is', 'pieces of work are')} compensated{approved}."


def erase(work: Work) -> str:
    """Letters first: one that is taken in after the erasure would bring the person back."""
    unread = ""
    try:
        collect_letters_at(work.subject, now=work.now)
    except Refusal as reason:  # a marketplace that is gone keeps nobody from being erased
        unread = f" Erase again if the person wrote a letter just now: {reason}"
    n_answers = erase_worker(marketplace=work.subject, worker_id=work.options.worker_id)
    return f"Erased. {say_count(n_answers, 'answer stays', 'answers stay')} under a code that leads to no one.{unread}"


STEPS = (
    Step(
        "leave-out", "Leave out on evidence",
        "Sets suspected answers aside, by the rule that labeling uses; their people are paid.", role=Role.REVIEWER,
        run=exclude_suspected, icon="rule", why_not=unless_answered,
    ),
    Step(
        "top-up", "Pay top-ups", "Lifts the pay for each approved piece of work to the hourly floor.",
        role=MIN_ROLE[Permission.PAY_BONUSES], run=top_up, icon="savings", spends=True, why_not=unless_approved,
        options=TopUpOptions, refusals=(BudgetExceeded,),
    ),
    Step(
        "settle-payment", "Say what became of a payment",
        "Settles one payment or review whose outcome the marketplace did not tell, after a person has looked there.",
        role=MIN_ROLE[Permission.PAY_BONUSES], run=settle_payment, icon="fact_check", spends=True,
        options=SettleOptions, refusals=(CannotReview,),
    ),
    Step(
        "compensate", "Compensate lost work", "Pays for work stored here that never reached the marketplace.",
        role=MIN_ROLE[Permission.APPROVE], run=compensate_lost, icon="volunteer_activism", spends=True,
        why_not=unless_going, refusals=(CannotCompensate, BudgetExceeded),
    ),
    Step(
        "approve-answer", "Approve", "Approves and so pays one answer.", role=MIN_ROLE[Permission.APPROVE],
        subject="assignment", run=approve_answer, refusals=(CannotReview,),
    ),
    Step(
        "approve-chosen", "Approve the chosen answers", "Approves and so pays several answers of a campaign.",
        role=MIN_ROLE[Permission.APPROVE], run=approve_chosen, icon="done_all", check=check_chosen,
        options=ChosenOptions, refusals=(CannotReview,),
    ),
    Step(
        "leave-out-chosen", "Leave the chosen answers out",
        "Stops counting several answers of a campaign, with one reason; the people are paid.", role=Role.REVIEWER,
        run=exclude_chosen, is_quick=True, options=ChosenWithReason, refusals=(CannotReview,),
    ),
    Step(
        "leave-out-answer", "Leave out", "Stops counting one answer, with a reason; the person is paid.",
        role=Role.REVIEWER, subject="assignment", run=exclude_answer, is_quick=True, options=ReasonOptions,
        refusals=(CannotReview,),
    ),
    Step(
        "count-answer", "Count it again", "Counts an answer that was left out.", role=Role.REVIEWER,
        subject="assignment", run=count_answer, is_quick=True,
    ),
    Step(
        "propose-rejection", "Propose to reject",
        "Asks a second person to reject one answer, with a reason that the worker can answer to.", role=Role.REVIEWER,
        subject="assignment", run=propose_to_reject, is_quick=True, options=ReasonOptions, refusals=(CannotReview,),
    ),
    Step(
        "withdraw-proposal", "Withdraw the proposal", "Takes back a proposed rejection that nobody has confirmed.",
        role=Role.REVIEWER, subject="assignment", run=withdraw_the_proposal, is_quick=True, refusals=(CannotReview,),
    ),
    Step(
        "confirm-rejection", "Confirm the rejection", "Rejects one answer that another person proposed to reject.",
        role=MIN_ROLE[Permission.REJECT], subject="assignment", run=reject, check=check_second_person,
        refusals=(CannotReview,),
    ),
    Step(
        "overturn-rejection", "Overturn and pay", "Pays an answer that was rejected, within 30 days.",
        role=MIN_ROLE[Permission.APPROVE], subject="assignment", run=overturn, check=check_sent,
        refusals=(CannotReview,),
    ),
    Step(
        "erase-worker", "Erase a person",
        "Removes a person's id and pseudonym; the answers stay under a code that leads to no one.", role=Role.ADMIN,
        subject="marketplace", run=erase, is_quick=True, is_last=True, options=EraseOptions, refusals=(CannotErase,),
    ),
)  # fmt: skip
