"""The form from a dissection to a composed and quoted campaign. Publishing is a second step, after looking at both."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.crowd.composing import CampaignPlan, CannotCompose, compose_campaign
from annotator.crowd.models import Campaign
from annotator.crowd.quoting import CannotQuote, quote_campaign
from annotator.crowd.unit_choice import BadChoice, choose_units
from annotator.dashboard.access import needs
from annotator.dashboard.pages import SignedInRequest, show
from annotator.units.models import Dissection

N_UNITS_AT_MOST = 2000


class LaunchForm(forms.Form):
    name = forms.SlugField(max_length=80, help_text="Letters, digits and hyphens; it stays for good")
    dissection = forms.ModelMultipleChoiceField(
        Dissection.objects.filter(state=Dissection.State.DONE).select_related("network", "image_set").defer("labels"),
        label="Dissections",
        widget=forms.CheckboxSelectMultiple,
    )
    n_top_iou = forms.IntegerField(label="Units of highest IoU", min_value=0, max_value=N_UNITS_AT_MOST, initial=24)
    n_random = forms.IntegerField(label="Units drawn at random", min_value=0, max_value=N_UNITS_AT_MOST, initial=8)
    named_units = forms.CharField(
        required=False, max_length=2000, help_text="LAYER:3,17,40-49, counted from zero; several separated by spaces"
    )
    n_assignments = forms.IntegerField(label="Answers for each unit", min_value=1, max_value=100, initial=3)
    reward_usd = forms.DecimalField(
        label="Reward for each answer (USD)", min_value=Decimal("0.01"), max_digits=8, decimal_places=2, initial="0.60"
    )
    budget_cap_usd = forms.DecimalField(
        label="Budget cap (USD)", min_value=Decimal("0.01"), max_digits=10, decimal_places=2, initial="100.00"
    )
    marketplace = forms.ChoiceField(choices=Campaign.Marketplace.choices, initial=Campaign.Marketplace.OWN)
    seed = forms.IntegerField(
        min_value=0, max_value=2**62, initial=0, help_text="Orders and random units follow from it"
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not (cleaned["n_top_iou"] or cleaned["n_random"] or cleaned["named_units"].strip()):
            self.add_error("n_top_iou", "Choose at least one unit.")
        return cleaned


@needs(Role.RESEARCHER)
def compose_one(request: SignedInRequest) -> HttpResponse:
    form = LaunchForm(request.POST or None, initial={"dissection": request.GET.getlist("dissection")[:1]})
    if request.method == "POST" and form.is_valid():
        try:
            campaign = _compose(request, form.cleaned_data)
        except (CannotCompose, BadChoice, CannotQuote) as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("campaign", campaign.name)
    return show(request, "dashboard/launch.html", title="New campaign", form=form)


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
    fields = ("name", "marketplace", "reward_usd", "budget_cap_usd", "seed", "n_assignments")
    with transaction.atomic():
        campaign = compose_campaign(
            plan=CampaignPlan(**{field: asked[field] for field in fields}), units=units, now=now
        )
        quote = quote_campaign(campaign=campaign, now=now)
        details = {"quote_usd": str(quote.total_usd), "units": len(units)}
        subject = f"campaign {campaign.name}"
        write_audit_entry(actor=request.user, action="compose campaign", subject=subject, details=details, now=now)
    return campaign
