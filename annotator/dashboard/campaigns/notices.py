"""Who is told when a campaign completes: a card on its page, which adds and ends them."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.crowd.campaigns.telling import SIGNATURE, TIME, add_notice, make_key
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.numbers import read_key
from annotator.dashboard.frame.pages import SignedInRequest


def describe_notices(campaign: Campaign, role: Role | None) -> dict[str, Any]:
    """Each notice with the key of its signatures, for those who may change them; a viewer sees nobody's address."""
    if campaign.is_imported or not may(role, Role.RESEARCHER):
        return {}
    rows = [(one, make_key(one) if one.is_webhook else "") for one in campaign.notices.all()]
    return {"rows": rows, "signature": SIGNATURE, "time": TIME}


@require_POST
@needs(Role.RESEARCHER)
def change_notices(request: SignedInRequest, name: str) -> HttpResponse:
    """Form fields: `target`, an address to tell; or `end`, the number of a notice."""
    campaign, now = get_object_or_404(Campaign, name=name), timezone.now()
    with transaction.atomic():
        if "end" in request.POST:
            campaign.notices.filter(pk=read_key(request.POST["end"])).delete()
            done = "end notice"
        else:
            add_notice(campaign, request.POST.get("target", ""))
            done = "add notice"
        write_audit_entry(actor=request.user, action=done, subject=campaign.name, details={}, now=now)
    if done == "add notice":
        messages.success(request, "They are told when the campaign completes.")
    return redirect("campaign", name)
