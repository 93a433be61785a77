"""A person says what became of an act at the marketplace that no rule could settle: an unknown payment above all."""

from typing import Literal

from django.db import transaction

from annotator.crowd.judging.approving import CannotReview
from annotator.crowd.models import Campaign, OutwardAct
from annotator.crowd.outbox.acts import GIVEN_UP
from annotator.crowd.outbox.recording import record_outcome, record_refusal
from annotator.crowd.outbox.session import Session

Outcome = Literal["done", "not-done", "given-up"]
State = OutwardAct.State
SETTLED_BY_HAND = ("pay_bonus", "approve", "reject", "overturn")


def settle_by_hand(session: Session, *, act_id: int, outcome: Outcome) -> OutwardAct:
    """`done`: it is kept as done. `not-done`: it is sent again, once. `given-up`: its money is free again.

    Raises CannotReview if the act does not wait for a person. Sending again takes the permit of real money.
    """
    if outcome == "not-done":
        session.check_permit()
    with session.hold():
        with transaction.atomic():
            act = _claim(session.campaign, act_id=act_id)
            if outcome == "done":
                _keep_done(act, session=session)
            elif outcome == "not-done":
                OutwardAct.objects.filter(pk=act.pk).update(state=State.PENDING, problem="")
            else:
                _give_up(act, session=session)
        if outcome == "not-done":
            session.settle()
    act.refresh_from_db()
    return act


def _claim(campaign: Campaign, *, act_id: int) -> OutwardAct:
    waiting = OutwardAct.objects.select_for_update().filter(campaign=campaign, state=State.NEEDS_HUMAN)
    act = waiting.filter(pk=act_id).first()
    if act is None:
        numbers = ", ".join(str(pk) for pk in waiting.order_by("id").values_list("pk", flat=True)) or "none"
        raise CannotReview(f"The act {act_id} of {campaign} does not wait for a person. These do: {numbers}.")
    if act.verb not in SETTLED_BY_HAND:
        raise CannotReview(f"The act {act_id} makes something at the marketplace; withdraw and compose again instead.")
    return act


def _keep_done(act: OutwardAct, *, session: Session) -> None:
    act.state, act.problem, act.done_at = State.DONE, "", session.clock()
    act.save(update_fields=["state", "problem", "done_at"])
    record_outcome(act, external_id="")


def _give_up(act: OutwardAct, *, session: Session) -> None:
    act.state, act.done_at = State.FAILED, session.clock()
    act.problem = f"{GIVEN_UP} {act.problem}"
    act.save(update_fields=["state", "problem", "done_at"])
    campaign = Campaign.objects.select_for_update().get(pk=act.campaign_id)
    campaign.committed_usd -= act.cost_usd
    campaign.save(update_fields=["committed_usd"])
    record_refusal(act)
