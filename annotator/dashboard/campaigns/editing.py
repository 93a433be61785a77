"""The form that changes a campaign's terms until it is published."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.dashboard.campaigns.launching import TermsForm
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.refusals import Refusal
from annotator.work.states import is_draft
from annotator.work.steps.changing import EditOptions, read_qualifying
from annotator.work.steps.composing import DAY_SECONDS
from annotator.work.table import STEPS

# What a field that was emptied means to the step: it takes the value away.
EMPTIED = {"country": ("",), "exclude": ("",), "contact": "", "ethics_number": ""}


@needs(Role.RESEARCHER)
def edit_one(request: SignedInRequest, name: str) -> HttpResponse:
    """The terms of a campaign that is not published yet: reward, cap, consent, who may take part."""
    campaign = get_object_or_404(Campaign, name=name)
    if not is_draft(campaign):
        return show_refusal(request, f"The campaign {name} is {campaign.state}: its terms are fixed.", status=422)
    form = TermsForm(request.POST or None, initial=read_terms(campaign))
    exclude = form.fields["exclude"]
    assert isinstance(exclude, forms.ModelMultipleChoiceField)
    exclude.queryset = Campaign.objects.filter(is_imported=False).exclude(pk=campaign.pk).order_by("name")
    if request.method == "POST" and form.is_valid():
        changed = {field: form.cleaned_data[field] for field in form.changed_data}
        try:
            job = ask_step(request, STEPS["edit"], campaign, options=_list_options(changed))
        except Refusal as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, job.sentence)
            return redirect("campaign", name)
    title = f"Terms of {name}"
    return show(request, "dashboard/campaigns/edit.html", title=title, form=form, campaign=campaign)


def read_terms(campaign: Campaign) -> dict[str, Any]:
    """The campaign's terms as the form's fields."""
    qualifying = read_qualifying(campaign)
    return {
        "assignments": campaign.n_assignments,
        "reward": campaign.reward_usd,
        "budget": campaign.budget_cap_usd,
        "marketplace": campaign.marketplace,
        "max_assignments": campaign.max_assignments,
        "policy": campaign.policy,
        "requester_name": campaign.requester_name,
        "contact": campaign.contact,
        "ethics_number": campaign.ethics_number,
        "lifetime": campaign.lifetime_seconds / DAY_SECONDS if campaign.lifetime_seconds else None,
        "max_per_worker": campaign.max_hits_per_worker,
        **qualifying,
        "country": list(qualifying["country"]),
        "exclude": list(qualifying["exclude"]),
    }


def _list_options(changed: dict[str, Any]) -> EditOptions:
    """A field that was emptied takes its value away."""
    if "country" in changed:
        changed["country"] = tuple(changed["country"])
    if "exclude" in changed:
        changed["exclude"] = tuple(one.name for one in changed["exclude"])
    values: dict[str, Any] = {name: value or EMPTIED.get(name, 0) for name, value in changed.items()}
    return EditOptions(**values)
