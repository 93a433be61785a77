"""The outbox: every outward act is a row before it is a call, and is done once however often anyone dies.

pending -> sent -> done, or failed if the marketplace refused. A row found `sent` by the next one to hold the campaign
is `unknown`: its process died or no answer came. The marketplace's adapter then says what became of it, and only what
was certainly not done is sent again, with the same key.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import Marketplace, SentAct
from annotator.crowd.marketplaces.outcomes import (
    Done,
    MarketplaceRefused,
    MarketplaceSilent,
    NeedsHuman,
    NotDone,
    Outcome,
    OutcomeUnknown,
)
from annotator.crowd.models import Campaign, OutwardAct
from annotator.crowd.outbox.crash_points import reach
from annotator.crowd.outbox.recording import record_outcome, record_refusal
from annotator.refusals import Refusal

State = OutwardAct.State


class CampaignBusy(Refusal):
    """Another process acts for this campaign now."""


def list_due(campaign: Campaign) -> QuerySet[OutwardAct]:
    """Acts that are not settled, oldest first."""
    unsettled = [State.PENDING, State.SENT, State.UNKNOWN]
    return OutwardAct.objects.filter(campaign=campaign, state__in=unsettled).order_by("id")


def perform_acts(
    *, campaign: Campaign, marketplace: Marketplace, clock: Callable[[], datetime], may_spend: bool = True
) -> Counter[str]:
    """Performs what is due, oldest first; how many acts are in which state then. The caller holds the campaign.

    A silent marketplace ends it at once. What costs something is sent with `may_spend` alone, what asks people only if
    the campaign is not paused; of such acts that were sent before, it is found out what became of them.
    """
    OutwardAct.objects.filter(campaign=campaign, state=State.SENT).update(state=State.UNKNOWN)
    states: Counter[str] = Counter()
    for pk in list(list_due(campaign).values_list("pk", flat=True)):
        act = OutwardAct.objects.select_related("campaign", "hit", "assignment__worker").get(pk=pk)
        may_send = (may_spend or not act.cost_usd) and not list_stopped(campaign).filter(pk=pk).exists()
        if may_send or act.state == State.UNKNOWN:
            _perform(act, marketplace=marketplace, now=clock(), may_send=may_send)
            act.refresh_from_db(fields=["state"])
            states[act.state] += 1
    return states


def list_stopped(campaign: Campaign) -> QuerySet[OutwardAct]:
    """Acts that wait until the campaign is resumed: a pause stops also what was decided before it."""
    return _list_asks(campaign).filter(campaign__is_paused=True)


def _list_asks(campaign: Campaign) -> QuerySet[OutwardAct]:
    return list_due(campaign).filter(verb__in=[Verb.PUBLISH, Verb.EXTEND], purpose="")


def give_up_asks(campaign: Campaign, *, why: str, now: datetime) -> list[OutwardAct]:
    """What was to ask people and was not sent is not sent; its money is free again. The caller holds the campaign."""
    acts = list(_list_asks(campaign).filter(state=State.PENDING))
    for act in acts:
        _settle(act, outcome=_Failed(why), now=now)
    return acts


@dataclass(frozen=True)
class _Failed:
    """The marketplace refused, and shows that nothing was done."""

    problem: str


def _perform(act: OutwardAct, *, marketplace: Marketplace, now: datetime, may_send: bool) -> None:
    """One act as far as it goes now: settled, left unknown for the next round, or pending if it may not be sent."""
    try:
        found = _find_out(act, marketplace=marketplace, now=now, may_send=may_send)
        if isinstance(found, NotDone) and not may_send:
            OutwardAct.objects.filter(pk=act.pk).update(state=State.PENDING)
            return
        outcome = _send(act, marketplace=marketplace, now=now) if isinstance(found, NotDone) else found
    except OutcomeUnknown as unknown:
        OutwardAct.objects.filter(pk=act.pk).update(state=State.UNKNOWN, problem=str(unknown))
        if isinstance(unknown, MarketplaceSilent):
            raise
        return
    except MarketplaceRefused as refusal:  # the question what became of it was refused
        outcome = NeedsHuman(f"{refusal.code}: {refusal}")
    _settle(act, outcome=outcome, now=now)


def _find_out(act: OutwardAct, *, marketplace: Marketplace, now: datetime, may_send: bool) -> Outcome:
    """What became of it before now. A pending act was not done. Only what is sent again is left to its token."""
    if act.state != State.UNKNOWN:
        return NotDone()
    age = now - act.sent_at if act.sent_at is not None else timedelta.max
    found = marketplace.find_outcome(_describe(act), token_lives=may_send and age < marketplace.facts.token_life)
    if (
        isinstance(found, NotDone)
        and act.verb == Verb.PUBLISH
        and not may_send
        and age < marketplace.facts.lists_within
    ):
        raise OutcomeUnknown(f"The marketplace {marketplace.facts.name} may list this HIT a while after it was made.")
    return found


def _send(act: OutwardAct, *, marketplace: Marketplace, now: datetime) -> Done | NeedsHuman | _Failed:
    # A worker's id is kept in the workers' table alone, so it joins the request here.
    worker_id = act.assignment.worker.external_id if act.assignment and act.assignment.worker else None
    if act.verb == Verb.PAY_BONUS and not worker_id:
        return _Failed("The person was erased, so that nobody can be paid.")
    _claim(act, now=now)
    reach("after claim", act.verb)
    try:
        done = marketplace.send(Verb(act.verb), act.request, worker_id=worker_id)
    except MarketplaceRefused as refusal:
        outcome = marketplace.find_outcome(_describe(act), token_lives=False, refusal=refusal)
        return _Failed(f"{refusal.code}: {refusal}") if isinstance(outcome, NotDone) else outcome
    reach("after call", act.verb)
    return done


def _describe(act: OutwardAct) -> SentAct:
    return SentAct(verb=Verb(act.verb), key=act.key, request=act.request, expected=act.expected)


def _claim(act: OutwardAct, *, now: datetime) -> None:
    """Marks the act as sent, and when its token was first used, before anything leaves this machine."""
    claimed = OutwardAct.objects.filter(pk=act.pk, state=act.state).update(
        state=State.SENT, attempts=F("attempts") + 1, sent_at=act.sent_at or now
    )
    if not claimed:
        raise CampaignBusy(f"Another process took the act {act.verb} of the campaign {act.campaign}.")


def _settle(act: OutwardAct, *, outcome: Done | NeedsHuman | _Failed, now: datetime) -> None:
    """The outcome and what follows from it in our own tables, in one transaction."""
    with transaction.atomic():
        act.problem, act.done_at = "", now
        match outcome:
            case Done():
                act.state, act.response = State.DONE, dict(outcome.response)
            case NeedsHuman():
                act.state, act.problem = State.NEEDS_HUMAN, outcome.problem
            case _Failed():
                act.state, act.problem = State.FAILED, outcome.problem
        act.save(update_fields=["state", "response", "problem", "done_at"])
        if isinstance(outcome, Done):
            record_outcome(act, external_id=outcome.external_id)
        elif isinstance(outcome, _Failed):
            Campaign.objects.filter(pk=act.campaign_id).update(committed_usd=F("committed_usd") - act.cost_usd)
            record_refusal(act)
    reach("after record", act.verb)
