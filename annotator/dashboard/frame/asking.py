"""Starts a step of the table for the person who is signed in."""

from typing import Any

from annotator.accounts.roles import may
from annotator.crowd.marketplaces.guard import Permit, give_permit
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.pages import SignedInRequest
from annotator.units.models import Dissection
from annotator.work.models import Job
from annotator.work.options import read_form
from annotator.work.performing import find_role, is_real_money
from annotator.work.sending import ask
from annotator.work.step import Step, SubjectKind
from annotator.work.subjects import SUBJECTS
from annotator.work.table import STEPS


def ask_step(request: SignedInRequest, step: Step, subject: Any, *, options: Any = None) -> Job:
    """A quick step is done when this returns; another one waits for the web queue. Without options, the form sent them.

    Raises BadOption, and what `sending.ask` raises.
    """
    if options is None:
        options = read_form(step.options, request.POST)
    campaign = SUBJECTS[step.subject].campaign(subject)
    permit = _read_permit(request, campaign) if step.spends and campaign is not None else None
    return ask(step, subject=subject, actor=request.user, options=options, permit=permit)


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
