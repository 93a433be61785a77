"""The form from a dissection to a composed and quoted campaign. Publishing is a second step, after looking at both."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.crowd.campaigns.composing import CampaignPlan, CannotCompose, compose_campaign
from annotator.crowd.campaigns.phrases import find_automatic_phrases
from annotator.crowd.campaigns.quoting import CannotQuote, quote_campaign
from annotator.crowd.campaigns.unit_choice import BadChoice, choose_units
from annotator.crowd.hit_types.screening import load_screening
from annotator.crowd.hit_types.templates import BadTemplate, load_template
from annotator.crowd.marketplaces.requirements import BadQualification
from annotator.crowd.models import Campaign
from annotator.dashboard.campaigns.launch_form import LaunchForm
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show

# The plan's fields that the form gives as they are.
PLANNED = (
    "name", "marketplace", "reward_usd", "budget_cap_usd", "seed", "n_assignments", "max_assignments", "template",
    "policy", "requester_name", "contact", "ethics_number", "max_hits_per_worker",
)  # fmt: skip


@needs(Role.RESEARCHER)
def compose_one(request: SignedInRequest) -> HttpResponse:
    named = {"dissection": request.GET.getlist("dissection"), "named_units": request.GET.get("units", "")}
    # Sent here with units to ask about, one wants these and no others.
    none_else = {"n_top_iou": 0, "n_random": 0} if named["named_units"] else {}
    form = LaunchForm(request.POST or None, initial=named | none_else)
    if request.method == "POST" and form.is_valid():
        try:
            campaign = _compose(request, form.cleaned_data)
        except (CannotCompose, BadChoice, CannotQuote, BadTemplate, BadQualification) as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("campaign", campaign.name)
    return show(request, "dashboard/campaigns/launch.html", title="New campaign", form=form)


def _compose(request: SignedInRequest, asked: dict[str, Any]) -> Campaign:
    """Composed, quoted and logged, or nothing at all."""
    now = timezone.now()
    units = choose_units(
        list(asked["dissection"]),
        n_top_iou=asked["n_top_iou"],
        n_random=asked["n_random"],
        names=asked["named_units"].split(),
        seed=asked["seed"],
    )
    asks_verdict = load_template(asked["template"]).answer == "verdict"
    phrases = find_automatic_phrases(units) if asks_verdict else {}
    plan = CampaignPlan(**{field: asked[field] for field in PLANNED}, qualifications=_list_qualifications(asked))
    with transaction.atomic():
        campaign = compose_campaign(plan=plan, units=units, phrases=phrases, now=now)
        quote = quote_campaign(campaign=campaign, now=now)
        details = {"quote_usd": str(quote.total_usd), "units": len(units)}
        subject = f"campaign {campaign.name}"
        write_audit_entry(actor=request.user, action="compose campaign", subject=subject, details=details, now=now)
    return campaign


def _list_qualifications(asked: dict[str, Any]) -> dict[str, Any]:
    wanted = {
        "locales": asked["countries"].upper().replace(",", " ").split(),
        "min_approval_percent": asked["min_approval_percent"],
        "min_approved": asked["min_approved"],
        "excluded_campaigns": [campaign.name for campaign in asked["excluded_campaigns"]],
    }
    if asked["screening_percent"]:
        load_screening(asked["template"])  # refused here where the HIT type has no test
        wanted["screening"] = {"least_percent": asked["screening_percent"]}
    return {name: value for name, value in wanted.items() if value}
