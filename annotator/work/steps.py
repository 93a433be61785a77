"""What the dashboard's buttons set going, one function each: the same activities as the commands of their names."""

from collections.abc import Callable
from dataclasses import dataclass

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
from annotator.crowd.models import Assignment, Campaign, Rejection
from annotator.crowd.outbox.session import Session
from annotator.labels.extending import extend_campaign, find_saving
from annotator.labels.labeling import label_campaign


@dataclass(frozen=True)
class Work:
    """A campaign, who asked, and how to act at its marketplace."""

    campaign: Campaign
    by: str
    open_session: Callable[[], Session]


# Work, and what the button is about -> what was done, in words.
Act = Callable[..., str]


def publish(work: Work) -> str:
    publish_campaign(work.open_session())
    return "every HIT is on the marketplace"


def collect(work: Work) -> str:
    collected = collect_campaign(work.open_session())
    return f"{collected.n_new} new answers, {collected.n_listed} of {collected.n_asked} in all"


def approve(work: Work) -> str:
    words = collect(work)
    performed = approve_assignments(work.open_session())
    return f"{words}; {performed.n_done} approved"


def label(work: Work) -> str:
    labeled = label_campaign(campaign=work.campaign, now=timezone.now())
    return f"{labeled.n_units} units labeled from {labeled.n_answers} answers"


def compare(work: Work) -> str:
    return f"{compare_campaign(campaign=work.campaign).n_units} units compared"


def extend(work: Work) -> str:
    """One more answer wherever there is a doubt: the next step of adaptive collection."""
    extension = extend_campaign(work.open_session(), widest=None)
    saving = find_saving(work.campaign)
    return f"{len(extension.reasons)} units in doubt, one more answer each; {saving.share:.0%} of a fixed number saved"


def top_up(work: Work) -> str:
    performed = pay_top_ups(work.open_session())
    return f"{performed.n_done} bonuses paid, up to ${work.campaign.hourly_floor_usd} an hour"


def leave_out(work: Work) -> str:
    return f"{leave_out_flagged(campaign=work.campaign)} answers left out on evidence; label again to see what changes"


def compensate_lost(work: Work) -> str:
    session = work.open_session()
    waiting = list(find_unsubmitted(campaign=work.campaign, now=timezone.now()))
    for assignment in waiting:
        compensate(session, assignment=assignment, decided_by=work.by)
    n_approved = approve_compensations(session)
    return f"{len(waiting)} pieces of work have a compensation HIT; {n_approved} were approved now"


def withdraw(work: Work) -> str:
    performed = withdraw_campaign(work.open_session())
    return f"{performed.n_done} HITs withdrawn; work that was begun may be finished, and is paid"


def close(work: Work) -> str:
    close_campaign(campaign=work.campaign)
    return "nothing more will be asked or paid"


def ask_more(work: Work, hit_id: int, n_more: int) -> str:
    extend_hits(work.open_session(), n_more={hit_id: n_more})
    return f"{n_more} more answers asked for"


def approve_one(work: Work, assignment_id: int) -> str:
    chosen = list(Assignment.objects.filter(pk=assignment_id, hit__campaign=work.campaign))
    approve_assignments(work.open_session(), assignments=chosen)
    return "one answer approved"


def reject_one(work: Work, assignment_id: int) -> str:
    confirm_rejection(work.open_session(), rejection=_rejection(work.campaign, assignment_id), confirmed_by=work.by)
    return "one answer rejected"


def overturn(work: Work, assignment_id: int) -> str:
    rejection = _rejection(work.campaign, assignment_id)
    feedback = "We have looked again: your work is approved and paid."
    overturn_rejection(work.open_session(), rejection=rejection, overturned_by=work.by, feedback=feedback)
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


def _rejection(campaign: Campaign, assignment_id: int) -> Rejection:
    return Rejection.objects.get(assignment=assignment_id, assignment__hit__campaign=campaign)
