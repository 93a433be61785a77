"""Starts a step of the table for the person who is signed in."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages

from annotator.accounts.roles import may
from annotator.crowd.marketplaces.guard import Permit, give_permit
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.pages import SignedInRequest
from annotator.studies.models import Study
from annotator.units.models import Dissection
from annotator.work.confirming import check_confirmed
from annotator.work.models import Job
from annotator.work.options import read_form
from annotator.work.performing import check_role, find_role, is_real_money
from annotator.work.sending import QUEUE_SILENT, ask
from annotator.work.states import Standing
from annotator.work.step import Step, SubjectKind
from annotator.work.subjects import SUBJECTS
from annotator.work.table import STEPS


def ask_step(request: SignedInRequest, step: Step, subject: Any, *, options: Any = None) -> Job:
    """A quick step is done when this returns; another one waits for the web queue. Without options, the form sent them.

    If the queue does not answer, the next page says so. Raises BadOption, NotConfirmed, and what `sending.ask`
    raises; whoever may not do this learns nothing about the form.
    """
    campaign = SUBJECTS[step.subject].campaign(subject)
    check_role(step, campaign=campaign, actor=request.user)
    if step.is_last:
        check_confirmed(bool(request.POST.get("yes")), what=step.sentence)
    if options is None:
        options = read_form(step.options, request.POST)
    permit = _read_permit(request, campaign) if step.spends and campaign is not None else None
    job = ask(step, subject=subject, actor=request.user, options=options, permit=permit)
    if job.sentence == QUEUE_SILENT:
        messages.warning(request, f"{step.title}: {QUEUE_SILENT}")
    return job


@dataclass(frozen=True)
class Offered:
    """What may be asked of a subject by this person: the steps that make sense now, those that end something, and the
    others with why they do not make sense now.
    """

    now: list[Step]
    last: list[Step]
    waiting: list[tuple[Step, str]]


def list_offered(request: SignedInRequest, subject: Standing | Dissection | Study) -> Offered:
    """The steps that the page of this campaign, dissection or study names for this person."""
    kinds: dict[type, SubjectKind] = {Standing: "campaign", Dissection: "dissection", Study: "study"}
    kind = kinds[type(subject)]
    campaign = subject.campaign if isinstance(subject, Standing) else SUBJECTS[kind].campaign(subject)
    of_kind = [step for step in STEPS.values() if step.subject == kind]
    allowed = [step for step in of_kind if may(request.role, find_role(step, campaign=campaign))]
    found = [(step, why_not) for step in allowed if (why_not := step.why_not(subject)) is not None]
    now = [step for step, why_not in found if not why_not]
    return Offered(
        now=[step for step in now if not step.is_last],
        last=[step for step in now if step.is_last],
        waiting=[(step, why_not) for step, why_not in found if why_not],
    )


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
