"""The outbox: every outward act is a row before it is a call, and is done once however often anyone dies.

pending -> sent -> done, or failed when the marketplace refused. A row found `sent` by the next one to hold the
campaign is `unknown`: its process died or no answer came. Unknown for less than 23 hours: the same call with the same
token. Later: reconciled with what the marketplace lists, and only what is certainly not there is sent again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from annotator.crowd.marketplaces.mturk.client import Requester
from annotator.crowd.marketplaces.mturk.finding import explain_refusal, find_verdict
from annotator.crowd.marketplaces.outcomes import MarketplaceRefused, MarketplaceSilent, OutcomeUnknown, Verdict
from annotator.crowd.models import Campaign, OutwardAct
from annotator.crowd.outbox.crash_points import reach
from annotator.crowd.outbox.recording import record_outcome
from annotator.refusals import Refusal

# MTurk remembers a UniqueRequestToken for 24 hours.
TOKEN_LIFE = timedelta(hours=23)
State = OutwardAct.State


class CampaignBusy(Refusal):
    """Another process acts for this campaign now."""


@dataclass(frozen=True)
class Performed:
    """How many acts ended how; of the unknown ones, how many the last round left."""

    n_done: int = 0
    n_failed: int = 0
    n_unknown: int = 0
    n_needs_human: int = 0

    def add(self, later: "Performed") -> "Performed":
        return Performed(
            n_done=self.n_done + later.n_done,
            n_failed=self.n_failed + later.n_failed,
            n_unknown=later.n_unknown,
            n_needs_human=self.n_needs_human + later.n_needs_human,
        )


def list_due(campaign: Campaign) -> QuerySet[OutwardAct]:
    """Acts that are not settled, oldest first."""
    unsettled = [State.PENDING, State.SENT, State.UNKNOWN]
    return OutwardAct.objects.filter(campaign=campaign, state__in=unsettled).order_by("id")


def perform_acts(
    *, campaign: Campaign, requester: Requester, clock: Callable[[], datetime], may_spend: bool = True
) -> Performed:
    """Performs what is due, oldest first. The caller holds the campaign. A silent marketplace ends it at once.

    Without `may_spend`, acts that cost something are left as they are.
    """
    OutwardAct.objects.filter(campaign=campaign, state=State.SENT).update(state=State.UNKNOWN)
    due = list_due(campaign) if may_spend else list_due(campaign).filter(cost_usd=0)
    outcomes: list[str] = []
    for pk in list(due.values_list("pk", flat=True)):
        act = OutwardAct.objects.select_related("campaign", "hit", "assignment__worker").get(pk=pk)
        _perform(act, requester=requester, now=clock())
        act.refresh_from_db(fields=["state"])
        outcomes.append(act.state)
    return Performed(
        n_done=outcomes.count(State.DONE),
        n_failed=outcomes.count(State.FAILED),
        n_unknown=outcomes.count(State.UNKNOWN),
        n_needs_human=outcomes.count(State.NEEDS_HUMAN),
    )


def _perform(act: OutwardAct, *, requester: Requester, now: datetime) -> None:
    """One act as far as it goes now: settled, or left unknown for the next round."""
    try:
        verdict = _find_out(act, requester=requester, now=now) or _call(act, requester=requester, now=now)
    except OutcomeUnknown as unknown:
        OutwardAct.objects.filter(pk=act.pk).update(state=State.UNKNOWN, problem=str(unknown))
        if isinstance(unknown, MarketplaceSilent):
            raise
        return
    except MarketplaceRefused as refusal:  # the question what became of it was refused
        verdict = Verdict(state=State.NEEDS_HUMAN, problem=f"{refusal.code}: {refusal}")
    _settle(act, verdict=verdict, now=now)


def _find_out(act: OutwardAct, *, requester: Requester, now: datetime) -> Verdict | None:
    if act.state != State.UNKNOWN:
        return None
    verdict = find_verdict(act, requester=requester, token_lives=_token_lives(act, now))
    return verdict if verdict.is_settled else None


def _call(act: OutwardAct, *, requester: Requester, now: datetime) -> Verdict:
    _claim(act, now=now)
    reach("after claim", act.operation)
    try:
        response = requester.call(act.operation, _complete_request(act))
    except MarketplaceRefused as refusal:
        return explain_refusal(act, refusal, requester=requester)
    reach("after call", act.operation)
    return Verdict(state=State.DONE, response=response)


def _complete_request(act: OutwardAct) -> dict[str, Any]:
    """The request as it is sent: a bonus names its worker, whose id is kept in the workers' table alone."""
    if act.operation != "SendBonus" or act.assignment is None or act.assignment.worker is None:
        return dict(act.request)
    return {**act.request, "WorkerId": act.assignment.worker.external_id}


def _claim(act: OutwardAct, *, now: datetime) -> None:
    """Marks the act as sent, and when its token was first used, before anything leaves this machine."""
    claimed = OutwardAct.objects.filter(pk=act.pk, state=act.state).update(
        state=State.SENT, attempts=F("attempts") + 1, sent_at=act.sent_at or now
    )
    if not claimed:
        raise CampaignBusy(f"Another process took {act.operation} of the campaign {act.campaign}.")


def _token_lives(act: OutwardAct, now: datetime) -> bool:
    return act.sent_at is not None and now - act.sent_at < TOKEN_LIFE


def _settle(act: OutwardAct, *, verdict: Verdict, now: datetime) -> None:
    """The outcome and what follows from it in our own tables, in one transaction."""
    with transaction.atomic():
        act.state = verdict.state
        act.response = _plain(verdict.response)
        act.problem = verdict.problem
        act.done_at = now
        act.save(update_fields=["state", "response", "problem", "done_at"])
        if act.state == State.DONE:
            record_outcome(act, now=now)
        elif act.state == State.FAILED and act.cost_usd:
            Campaign.objects.filter(pk=act.campaign_id).update(committed_usd=F("committed_usd") - act.cost_usd)
    reach("after record", act.operation)


def _plain(value: Any) -> Any:
    """A response as JSON keeps it: times as text."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else value
