"""Throws a rehearsal away whole: a campaign for play money that nobody but simulated people answered."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from annotator.crowd.campaigns.collecting import collect_campaign
from annotator.crowd.campaigns.deleting import CannotDelete, delete_rows
from annotator.crowd.campaigns.publishing import withdraw_campaign
from annotator.crowd.judging.approving import decide_review
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import Reject
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Answer, Assignment, Campaign, OutwardAct, Worker
from annotator.crowd.outbox.session import Session
from workers.engine.plurals import say_count

FEEDBACK = "This campaign was a rehearsal by simulated people. It was thrown away."


@dataclass(frozen=True)
class ThrownAway:
    """What is gone. `paid_usd` was paid to simulated people before, with fees, and stays paid."""

    n_hits: int
    n_answers: int
    paid_usd: Decimal


def check_rehearsal(campaign: Campaign) -> None:
    """Raises CannotDelete unless it costs play money and nobody but simulated people worked on it."""
    if campaign.is_imported or open_marketplace(campaign.marketplace).facts.is_real_money:
        raise CannotDelete(f"{campaign} is no rehearsal: it is not at a marketplace of this installation's own.")
    by_people = Assignment.objects.filter(hit__campaign=campaign, worker__is_simulated=False)
    # Submitted to the page by a visit that the marketplace has not confirmed; what was returned names its person, too.
    unnamed = Assignment.objects.filter(hit__campaign=campaign, worker=None, state=Assignment.State.KEPT)
    simulated = Worker.objects.filter(is_simulated=True).values("pseudonym")
    n_people = by_people.values("worker").distinct().count()
    n_people += unnamed.exclude(claimed_by__in=simulated).values("claimed_by").distinct().count()
    if n_people:
        who = say_count(n_people, "person who is not simulated", "people who are not simulated")
        raise CannotDelete(f"{who} worked on {campaign}. What people answered is kept: close the campaign instead.")


def empty_rehearsal(session: Session) -> None:
    """Withdraws the HITs and takes back what is not paid yet. Started again, it goes on. Raises CannotDelete."""
    check_rehearsal(session.campaign)
    withdraw_campaign(session)
    collect_campaign(session)
    check_rehearsal(session.campaign)
    _take_back(session)


def delete_rehearsal(session: Session) -> ThrownAway:
    """Deletes all rows of a withdrawn campaign. Raises CannotDelete if a person's answer came in meanwhile."""
    with session.hold(), transaction.atomic():
        locked = Campaign.objects.select_for_update().get(pk=session.campaign.pk)
        check_rehearsal(locked)
        gone = ThrownAway(
            n_hits=locked.hits.count(),
            n_answers=Answer.objects.filter(assignment__hit__campaign=locked, says__isnull=False).count(),
            paid_usd=_sum_paid(locked),
        )
        delete_rows(locked)
    return gone


def _take_back(session: Session) -> None:
    """Submitted work that is not paid yet is sent back, so that its money is free again."""
    waiting = Assignment.objects.filter(hit__campaign=session.campaign, state=Assignment.State.SUBMITTED)
    session.decide(
        decide_review(one, Reject(assignment_id=one.external_id or "", feedback=FEEDBACK), "RejectAssignment", "")
        for one in waiting.select_related("hit__campaign").order_by("id")
    )


def _sum_paid(campaign: Campaign) -> Decimal:
    """Rewards of approved answers with their share of the fees, and bonuses."""
    paid = Decimal(0)
    for hit in campaign.hits.all():
        n_approved = hit.assignments.filter(state=Assignment.State.APPROVED).count()
        if n_approved:
            acts = hit.outward_acts.filter(verb__in=[Verb.PUBLISH, Verb.EXTEND], state=OutwardAct.State.DONE)
            paid += sum((act.cost_usd for act in acts), Decimal(0)) * n_approved / hit.n_assignments
    bonuses = campaign.outward_acts.filter(verb=Verb.PAY_BONUS, state=OutwardAct.State.DONE)
    return (paid + sum((act.cost_usd for act in bonuses), Decimal(0))).quantize(Decimal("0.01"))
