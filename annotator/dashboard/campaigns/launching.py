"""The form from a dissection to a composed and quoted campaign. Publishing is a second step, after looking at both."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect

from annotator.accounts.models import Role
from annotator.crowd.campaigns.finding import find_campaign
from annotator.crowd.models import Campaign
from annotator.dashboard.campaigns.launch_form import LaunchForm
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.pages import SignedInRequest, show
from annotator.refusals import Refusal
from annotator.work.steps.publishing import ComposeOptions
from annotator.work.table import STEPS

# The options that the form gives as they are, and its fields.
SAME = {
    "top_iou": "n_top_iou", "random": "n_random", "marketplace": "marketplace", "reward": "reward_usd",
    "budget": "budget_cap_usd", "seed": "seed", "assignments": "n_assignments", "max_assignments": "max_assignments",
    "template": "template", "policy": "policy", "requester_name": "requester_name", "contact": "contact",
    "ethics_number": "ethics_number", "max_per_worker": "max_hits_per_worker",
    "min_approval": "min_approval_percent", "min_approved": "min_approved",
}  # fmt: skip


@needs(Role.RESEARCHER)
def compose_one(request: SignedInRequest) -> HttpResponse:
    """The form of a new campaign: composed and quoted, not yet published."""
    named = {"dissection": request.GET.getlist("dissection"), "named_units": request.GET.get("units", "")}
    # If the address names units, no others are chosen.
    none_else = {"n_top_iou": 0, "n_random": 0} if named["named_units"] else {}
    form = LaunchForm(request.POST or None, initial=named | none_else)
    if request.method == "POST" and form.is_valid():
        try:
            campaign = _compose(request, form.cleaned_data)
        except Refusal as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("campaign", campaign.name)
    return show(request, "dashboard/campaigns/launch.html", title="New campaign", form=form)


def _compose(request: SignedInRequest, asked: dict[str, Any]) -> Campaign:
    """Composed and quoted, or nothing at all."""
    options = ComposeOptions(
        dissection=tuple(str(one.pk) for one in asked["dissection"]),
        units=tuple(asked["named_units"].split()),
        country=tuple(asked["countries"].upper().replace(",", " ").split()),
        exclude=tuple(campaign.name for campaign in asked["excluded_campaigns"]),
        screening=asked["screening_percent"] or None,
        **{option: asked[field] for option, field in SAME.items()},
    )
    with transaction.atomic():
        ask_step(request, STEPS["compose"], asked["name"], options=options)
        campaign = find_campaign(asked["name"])
        ask_step(request, STEPS["quote"], campaign)
    return campaign
