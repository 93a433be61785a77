"""Pays for work that was stored here and could not be submitted: a HIT of one assignment that one worker may take.

Its four steps are acts of the outbox: a qualification of this worker, a HIT type that it opens, the HIT, and the
approval of what is submitted. Started again after a crash, it continues where it stopped. A marketplace that has no
qualifications pays a bonus of the reward instead.
"""

from decimal import Decimal

from annotator.crowd.assignments import make_receipt
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import (
    Approve,
    PayBonus,
    Publish,
    Published,
    Qualify,
    Register,
    ThanksPage,
)
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused
from annotator.crowd.marketplaces.prices import compute_fee, compute_hit_cost
from annotator.crowd.models import Assignment, Compensation, OutwardAct
from annotator.crowd.outbox.acts import Decision, make_key
from annotator.crowd.outbox.session import Session
from annotator.refusals import Refusal

LIFETIME_SECONDS = 30 * 86_400


class CannotCompensate(Refusal):
    """The work cannot be compensated, or the marketplace refused."""


def compensate(session: Session, *, assignment: Assignment, decided_by: str) -> Compensation:
    """Publishes the HIT that pays this person, or pays the bonus. Started again, it continues where it stopped."""
    session.check_permit()
    with session.hold():
        _check_owed(session, assignment)
        compensation, _ = Compensation.objects.get_or_create(
            assignment=assignment, defaults={"decided_by": decided_by, "decided_at": session.clock()}
        )
        if compensation.hit_id:
            return compensation
        if Verb.QUALIFY not in session.marketplace.facts.verbs:
            _pay_reward_as_bonus(session, compensation)
            return compensation
        if not compensation.qualification_id:
            _carry_out(session, compensation, act=_describe_qualification(compensation), of="CompensationQualification")
        if not compensation.hit_type_id:
            _carry_out(session, compensation, act=_describe_hit_type(compensation), of="CompensationHITType")
        _carry_out(session, compensation, act=_describe_hit(compensation), of="CompensationHIT")
    return compensation


def _check_owed(session: Session, assignment: Assignment) -> None:
    """As the row is now: another process may have collected, compensated or erased. Raises CannotCompensate."""
    assignment.refresh_from_db()
    worker, external_id = assignment.worker, assignment.external_id or ""
    if assignment.state != Assignment.State.STORED or worker is None or not worker.external_id:
        raise CannotCompensate(
            f"{assignment} is {assignment.state}; only stored work of a known worker is compensated."
        )
    try:
        if session.marketplace.was_returned(external_id):
            raise CannotCompensate(f"{assignment} was returned at the marketplace, so it is not paid.")
        if session.marketplace.is_held(external_id):
            raise CannotCompensate(
                f"{assignment} can still be submitted at the marketplace or was submitted, and is then paid there."
            )
    except MarketplaceRefused as refusal:
        raise CannotCompensate(
            f"The marketplace does not say whether {assignment} can still be submitted: {refusal.code}: {refusal}"
        ) from None


def approve_compensations(session: Session) -> int:
    """Approves what was submitted for compensation, each once; how many were approved now."""
    compensations = Compensation.objects.filter(assignment__hit__campaign=session.campaign).exclude(hit_id="")
    with session.hold():
        for compensation in compensations.order_by("id"):
            for entry in session.marketplace.list_submissions(Published(hit_id=compensation.hit_id)):
                if entry.state == "submitted":
                    key = make_key("CompensationApproval", entry.assignment_id)
                    act = Approve(assignment_id=entry.assignment_id)
                    session.write(Decision(act=act, key=key, purpose="compensation"))
        return session.settle()


def _pay_reward_as_bonus(session: Session, compensation: Compensation) -> None:
    """A payment of unknown outcome waits for a person, and is never sent twice."""
    assignment, reward = compensation.assignment, session.campaign.reward_usd
    reason = f"Pay for work you had done and could not submit ({make_receipt(assignment)})."
    paid = session.carry_out(
        Decision(
            act=PayBonus(assignment.external_id or "", amount_usd=reward, reason=reason),
            key=make_key("CompensationBonus", compensation.public_id),
            purpose="compensation",
            assignment=assignment,
            cost_usd=reward + compute_fee(amount_usd=reward, n_assignments=1, fees=session.marketplace.facts.fees),
        )
    )
    if paid.state != OutwardAct.State.DONE:
        raise CannotCompensate(f"The compensation is not paid: {paid.problem}")


def _carry_out(session: Session, compensation: Compensation, *, act: Qualify | Register | Publish, of: str) -> None:
    """One step at the marketplace; its id is then on the compensation. `of` is a part of the act's key."""
    campaign, fees = session.campaign, session.marketplace.facts.fees
    cost = compute_hit_cost(reward_usd=campaign.reward_usd, n_assignments=1, fees=fees)
    done = session.carry_out(
        Decision(
            act=act,
            key=make_key(of, compensation.public_id),
            purpose="compensation",
            expected={"compensation": compensation.pk},
            assignment=compensation.assignment,
            cost_usd=cost if isinstance(act, Publish) else Decimal(0),
        )
    )
    if done.state != OutwardAct.State.DONE:
        raise CannotCompensate(f"The marketplace refused the compensation: {done.problem}")
    compensation.refresh_from_db()


def _describe_qualification(compensation: Compensation) -> Qualify:
    """A qualification of this one worker."""
    return Qualify(
        name=f"Compensation {compensation.public_id}",
        description="Lets one worker take a HIT that pays for work they had done and could not submit.",
    )


def _describe_hit_type(compensation: Compensation) -> Register:
    return Register(
        title=f"Pay for work you had done ({make_receipt(compensation.assignment)})",
        description="Your work was stored and could not be submitted. Accept and press the button to be paid.",
        keywords="compensation",
        reward_usd=compensation.assignment.hit.campaign.reward_usd,
        assignment_seconds=3600,
        auto_approval_seconds=3600,
        requirements={"only": compensation.qualification_id},
    )


def _describe_hit(compensation: Compensation) -> Publish:
    return Publish(
        hit_type_id=compensation.hit_type_id,
        n_assignments=1,
        lifetime_seconds=LIFETIME_SECONDS,
        page=ThanksPage(receipt=make_receipt(compensation.assignment)),
    )
