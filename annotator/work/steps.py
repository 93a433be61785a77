"""What the dashboard's buttons set going, one function each: the same activities as the commands of their names."""

import time
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from annotator.comparison.comparing import compare_campaign
from annotator.crowd.campaigns.collecting import collect_campaign, find_unsubmitted
from annotator.crowd.campaigns.ending import close_campaign, withdraw_campaign
from annotator.crowd.campaigns.extending import extend_hits
from annotator.crowd.campaigns.publishing import publish_campaign
from annotator.crowd.judging.approving import approve_assignments, pay_top_ups
from annotator.crowd.judging.compensating import approve_compensations, compensate
from annotator.crowd.judging.excluding import leave_out_flagged
from annotator.crowd.judging.rejecting import confirm_rejection, overturn_rejection
from annotator.crowd.marketplaces.marketplace import open_marketplace
from annotator.crowd.marketplaces.mturk.client import Requester
from annotator.crowd.models import Assignment, Campaign, Rejection
from annotator.labels.extending import extend_campaign, find_saving
from annotator.labels.labeling import label_campaign

# A campaign, the name of who asked, and what the button is about -> what was done, in words.
Act = Callable[..., str]


def publish(campaign: Campaign, by: str) -> str:
    publish_campaign(campaign=campaign, **_acting(campaign))
    return "every HIT is on the marketplace"


def collect(campaign: Campaign, by: str) -> str:
    requester = _acting(campaign)["requester"]
    collected = collect_campaign(campaign=campaign, requester=requester, now=timezone.now())
    return f"{collected.n_new} new answers, {collected.n_listed} of {collected.n_asked} in all"


def approve(campaign: Campaign, by: str) -> str:
    words = collect(campaign, by)
    performed = approve_assignments(campaign=campaign, **_acting(campaign))
    return f"{words}; {performed.n_done} approved"


def label(campaign: Campaign, by: str) -> str:
    labeled = label_campaign(campaign=campaign, now=timezone.now())
    return f"{labeled.n_units} units labeled from {labeled.n_answers} answers"


def compare(campaign: Campaign, by: str) -> str:
    return f"{compare_campaign(campaign=campaign).n_units} units compared"


def extend(campaign: Campaign, by: str) -> str:
    """One more answer wherever there is a doubt: the next step of adaptive collection."""
    extension = extend_campaign(campaign=campaign, widest=None, **_acting(campaign))
    saving = find_saving(campaign)
    return f"{len(extension.reasons)} units in doubt, one more answer each; {saving.share:.0%} of a fixed number saved"


def top_up(campaign: Campaign, by: str) -> str:
    performed = pay_top_ups(campaign=campaign, **_acting(campaign))
    return f"{performed.n_done} bonuses paid, up to ${campaign.hourly_floor_usd} an hour"


def leave_out(campaign: Campaign, by: str) -> str:
    return f"{leave_out_flagged(campaign=campaign)} answers left out on evidence; label again to see what changes"


def compensate_lost(campaign: Campaign, by: str) -> str:
    acting = _acting(campaign)
    waiting = list(find_unsubmitted(campaign=campaign, now=timezone.now()))
    for assignment in waiting:
        compensate(assignment=assignment, decided_by=by, **acting)
    n_approved = approve_compensations(campaign=campaign, requester=acting["requester"])
    return f"{len(waiting)} pieces of work have a compensation HIT; {n_approved} were approved now"


def withdraw(campaign: Campaign, by: str) -> str:
    performed = withdraw_campaign(campaign=campaign, **_acting(campaign))
    return f"{performed.n_done} HITs withdrawn; work that was begun may be finished, and is paid"


def close(campaign: Campaign, by: str) -> str:
    close_campaign(campaign=campaign)
    return "nothing more will be asked or paid"


def ask_more(campaign: Campaign, by: str, hit_id: int, n_more: int) -> str:
    extend_hits(campaign=campaign, n_more={hit_id: n_more}, **_acting(campaign))
    return f"{n_more} more answers asked for"


def approve_one(campaign: Campaign, by: str, assignment_id: int) -> str:
    chosen = list(Assignment.objects.filter(pk=assignment_id, hit__campaign=campaign))
    approve_assignments(campaign=campaign, assignments=chosen, **_acting(campaign))
    return "one answer approved"


def reject_one(campaign: Campaign, by: str, assignment_id: int) -> str:
    confirm_rejection(rejection=_rejection(campaign, assignment_id), confirmed_by=by, **_acting(campaign))
    return "one answer rejected"


def overturn(campaign: Campaign, by: str, assignment_id: int) -> str:
    rejection = _rejection(campaign, assignment_id)
    feedback = "We have looked again: your work is approved and paid."
    overturn_rejection(rejection=rejection, overturned_by=by, feedback=feedback, **_acting(campaign))
    return "one rejection overturned, the work is paid"


# What a campaign's own page offers, and what is sent along with one unit or answer.
OF_CAMPAIGN: dict[str, Act] = {
    "publish": publish,
    "collect": collect,
    "approve": approve,
    "label": label,
    "compare": compare,
    "extend": extend,
    "top-up": top_up,
    "leave-out": leave_out,
    "compensate": compensate_lost,
    "withdraw": withdraw,
    "close": close,
}
OF_ONE: dict[str, Act] = {
    "ask-more": ask_more,
    "approve-one": approve_one,
    "reject-one": reject_one,
    "overturn": overturn,
}


def _acting(campaign: Campaign) -> dict[str, Any]:
    requester = Requester(open_marketplace(campaign.marketplace))
    return {"requester": requester, "clock": timezone.now, "pause": time.sleep}


def _rejection(campaign: Campaign, assignment_id: int) -> Rejection:
    return Rejection.objects.get(assignment=assignment_id, assignment__hit__campaign=campaign)
