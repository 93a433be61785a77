"""From the form of a new campaign to a composed and quoted one. Publishing is a second step, after looking at both."""

from dataclasses import fields
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect

from annotator.accounts.models import Role
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.models import Campaign
from annotator.dashboard.campaigns.launching import LaunchForm
from annotator.dashboard.campaigns.likeness import fill_in_like
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.pages import SignedInRequest, show
from annotator.refusals import Refusal
from annotator.work.steps.composing import ComposeOptions
from annotator.work.table import STEPS


@needs(Role.RESEARCHER)
def compose_one(request: SignedInRequest) -> HttpResponse:
    """The form of a new campaign: composed and quoted, not yet published."""
    initial = {one.name: one.default for one in fields(ComposeOptions) if one.default}
    if like := request.GET.get("like"):
        initial |= fill_in_like(find_campaign(like))
    named = {"dissection": request.GET.getlist("dissection"), "units": request.GET.get("units")}
    initial |= {name: value for name, value in named.items() if value}
    form = LaunchForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            campaign = _compose(request, **form.cleaned_data)
        except Refusal as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("campaign", campaign.name)
    return show(request, "dashboard/campaigns/launch.html", title="New campaign", form=form)


def _compose(request: SignedInRequest, *, name: str, **asked: Any) -> Campaign:
    """Composed and quoted, or nothing at all."""
    asked["dissection"] = tuple(str(one.pk) for one in asked["dissection"])
    asked["units"] = tuple(asked["units"].split())
    asked["country"] = tuple(asked["country"])
    asked["exclude"] = tuple(campaign.name for campaign in asked["exclude"])
    with transaction.atomic():
        ask_step(request, STEPS["compose"], name, options=ComposeOptions(**asked))
        campaign = find_campaign(name)
        ask_step(request, STEPS["quote"], campaign)
    return campaign
