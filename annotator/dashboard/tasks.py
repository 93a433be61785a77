"""The web queue's tasks behind the dashboard's buttons: each calls the same activity as the command of its name."""

import time
from collections.abc import Callable

from celery import shared_task
from django.contrib.auth.models import User
from django.utils import timezone

from annotator.comparison.comparing import NothingToCompare, compare_campaign
from annotator.crowd.collecting import collect_campaign
from annotator.crowd.marketplaces import RealMoneyRefused, open_marketplace
from annotator.crowd.models import Assignment, Campaign, Rejection
from annotator.crowd.mturk import MarketplaceRefused, NoCredentials, OutcomeUnknown, Requester
from annotator.crowd.publishing import CannotPublish, extend_hits, publish_campaign
from annotator.crowd.rejecting import confirm_rejection
from annotator.crowd.reviewing import CannotReview, approve_assignments
from annotator.dashboard.jobs import note_job
from annotator.labels.labeling import NothingToLabel, label_campaign

# What a person can do something about: told in its own words. Anything else is a defect and is told as one.
EXPECTED = (
    CannotPublish,
    CannotReview,
    MarketplaceRefused,
    NoCredentials,
    NothingToCompare,
    NothingToLabel,
    OutcomeUnknown,
    RealMoneyRefused,
)


def _work(kind: str, name: str, act: Callable[[Campaign], str]) -> None:
    def note(state: str, words: str) -> None:
        note_job(campaign=name, kind=kind, state=state, words=words, now=timezone.now())

    note("running", "")
    try:
        words = act(Campaign.objects.get(name=name))
    except EXPECTED as problem:
        note("failed", str(problem))
    except Exception:
        note("failed", "The work ended by a defect; the web queue's log holds the details.")
        raise
    else:
        note("done", words)


@shared_task(name="dashboard.publish")
def publish(name: str) -> None:
    def act(campaign: Campaign) -> str:
        publish_campaign(campaign=campaign, requester=_requester(campaign), clock=timezone.now, pause=time.sleep)
        return "every HIT is on the marketplace"

    _work("publish", name, act)


@shared_task(name="dashboard.extend")
def extend(name: str, hit_id: int, n_more: int) -> None:
    def act(campaign: Campaign) -> str:
        requester = _requester(campaign)
        extend_hits(
            campaign=campaign, n_more={hit_id: n_more}, requester=requester, clock=timezone.now, pause=time.sleep
        )
        return f"{n_more} more answers asked for"

    _work("extend", name, act)


@shared_task(name="dashboard.collect")
def collect(name: str) -> None:
    _work("collect", name, lambda campaign: _collect(campaign, _requester(campaign)))


@shared_task(name="dashboard.approve")
def approve(name: str) -> None:
    def act(campaign: Campaign) -> str:
        requester = _requester(campaign)
        words = _collect(campaign, requester)
        approve_assignments(campaign=campaign, requester=requester, clock=timezone.now, pause=time.sleep)
        return f"{words}; what was submitted is approved"

    _work("approve", name, act)


@shared_task(name="dashboard.approve_one")
def approve_one(name: str, assignment_id: int, user_id: int) -> None:
    def act(campaign: Campaign) -> str:
        chosen = Assignment.objects.filter(pk=assignment_id, hit__campaign=campaign)
        approve_assignments(
            campaign=campaign,
            requester=_requester(campaign),
            clock=timezone.now,
            pause=time.sleep,
            assignments=list(chosen),
        )
        return "one answer approved"

    _work("approve_one", name, act)


@shared_task(name="dashboard.confirm_rejection")
def confirm(name: str, assignment_id: int, user_id: int) -> None:
    def act(campaign: Campaign) -> str:
        confirm_rejection(
            rejection=Rejection.objects.get(assignment=assignment_id, assignment__hit__campaign=campaign),
            confirmed_by=User.objects.get(pk=user_id).get_username(),
            requester=_requester(campaign),
            clock=timezone.now,
            pause=time.sleep,
        )
        return "one answer rejected"

    _work("confirm_rejection", name, act)


@shared_task(name="dashboard.label")
def label(name: str) -> None:
    def act(campaign: Campaign) -> str:
        labeled = label_campaign(campaign=campaign, now=timezone.now())
        return f"{labeled.n_units} units labeled from {labeled.n_answers} answers"

    _work("label", name, act)


@shared_task(name="dashboard.compare")
def compare(name: str) -> None:
    _work("compare", name, lambda campaign: f"{compare_campaign(campaign=campaign).n_units} units compared")


def _requester(campaign: Campaign) -> Requester:
    return Requester(open_marketplace(campaign.marketplace))


def _collect(campaign: Campaign, requester: Requester) -> str:
    collected = collect_campaign(campaign=campaign, requester=requester, now=timezone.now())
    return f"{collected.n_new} new answers, {collected.n_listed} of {collected.n_asked} in all"
