"""Who is told when a campaign completes: a card on its page, which adds and ends them."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.crowd.campaigns.telling import SIGNATURE, TIME, make_key
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.numbers import read_key
from annotator.dashboard.frame.pages import SignedInRequest
from annotator.work.steps.telling import EndOptions, TellOptions
from annotator.work.table import STEPS

# What a notice does that was not sent yet, by the campaign's state.
WAITS: dict[str, str] = {
    Campaign.State.COMPLETE: "told if it completes again",
    Campaign.State.CLOSED: "not told: the campaign is closed",
}


def describe_notices(campaign: Campaign, role: Role | None) -> dict[str, Any]:
    """Each notice with the key of its signatures, for those who may change them; a viewer sees nobody's address."""
    if campaign.is_imported or not may(role, Role.RESEARCHER):
        return {}
    rows = [(one, make_key(one) if one.is_webhook else "") for one in campaign.notices.all()]
    return {"rows": rows, "signature": SIGNATURE, "time": TIME, "waits": WAITS.get(campaign.state, "waits for the end")}


@require_POST
@needs(Role.RESEARCHER)
def change_notices(request: SignedInRequest, name: str) -> HttpResponse:
    """Form fields: `target`, an address to tell; or `end`, the number of a notice."""
    campaign = get_object_or_404(Campaign, name=name)
    if "end" in request.POST:
        notice = get_object_or_404(campaign.notices, pk=read_key(request.POST["end"]))
        job = ask_step(request, STEPS["end-telling"], campaign, options=EndOptions(target=notice.target))
    else:
        options = TellOptions(target=request.POST.get("target", ""))
        job = ask_step(request, STEPS["tell"], campaign, options=options)
    messages.success(request, job.sentence)
    return redirect("campaign", name)
