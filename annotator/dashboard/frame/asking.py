"""Starts a step of the table for the person who is signed in."""

from typing import Any

from django.contrib import messages

from annotator.accounts.roles import may
from annotator.crowd.marketplaces.guard import Permit, give_permit
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.pages import SignedInRequest
from annotator.units.models import Dissection
from annotator.work.models import Job
from annotator.work.options import read_form
from annotator.work.performing import check_role, find_role, is_real_money
from annotator.work.sending import QUEUE_SILENT, ask
from annotator.work.step import Step, SubjectKind
from annotator.work.subjects import SUBJECTS
from annotator.work.table import STEPS


def ask_step(request: SignedInRequest, step: Step, subject: Any, *, options: Any = None) -> Job:
    """A quick step is done when this returns; another one waits for the web queue. Without options, the form sent them.

    If the queue does not answer, the next page says so. Raises BadOption, and what `sending.ask` raises; whoever may
    not do this learns nothing about the form.
    """
    campaign = SUBJECTS[step.subject].campaign(subject)
    check_role(step, campaign=campaign, actor=request.user)
    if options is None:
        options = read_form(step.options, request.POST)
    permit = _read_permit(request, campaign) if step.spends and campaign is not None else None
    job = ask(step, subject=subject, actor=request.user, options=options, permit=permit)
    if job.sentence == QUEUE_SILENT:
        messages.warning(request, f"{step.title}: {QUEUE_SILENT}")
    return job


def list_offered(request: SignedInRequest, subject: Campaign | Dissection) -> list[Step]:
    """The steps that the page of this campaign or dissection offers to this person now."""
    kind: SubjectKind = "campaign" if isinstance(subject, Campaign) else "dissection"
    campaign = SUBJECTS[kind].campaign(subject)
    of_kind = [step for step in STEPS.values() if step.subject == kind and step.is_offered(subject)]
    return [step for step in of_kind if may(request.role, find_role(step, campaign=campaign))]


def _read_permit(request: SignedInRequest, campaign: Campaign) -> Permit | None:
    """Real money takes the box ticked and the campaign's name typed, beside the setting that the operator makes."""
    if not is_real_money(campaign):
        return None
    return give_permit(
        facts=open_marketplace(campaign.marketplace).facts,
        campaign_name=campaign.name,
        has_flag=request.POST.get("real_money") == "on",
        typed_name=request.POST.get("typed_name", ""),
        by=request.user.get_username(),
    )
