"""The form of a new campaign: the options of `manage.py launch`, without those that name a file."""

from decimal import Decimal
from typing import Any

from django import forms

from annotator.crowd.hit_types.table import TABLE
from annotator.crowd.marketplaces.table import list_facts
from annotator.crowd.models import Campaign
from annotator.units.models import Dissection

MAX_UNITS = 2000
POLICY_WORDS = {
    Campaign.Policy.ACCEPT_AND_SCORE: "accept the answer and count the missed",
    Campaign.Policy.MUST_FIND: "send the page back until they are found",
}


class LaunchForm(forms.Form):
    name = forms.SlugField(
        max_length=80,
        help_text="Letters, digits, hyphens and underscores. It cannot be changed later.",
        error_messages={"invalid": "Only letters, digits, hyphens and underscores."},
    )
    dissection = forms.ModelMultipleChoiceField(
        Dissection.objects.filter(state=Dissection.State.DONE).select_related("network", "image_set").defer("labels"),
        label="Dissections",
        widget=forms.CheckboxSelectMultiple,
    )
    n_top_iou = forms.IntegerField(label="Units of highest IoU", min_value=0, max_value=MAX_UNITS, initial=24)
    n_random = forms.IntegerField(label="Units drawn at random", min_value=0, max_value=MAX_UNITS, initial=8)
    named_units = forms.CharField(
        required=False,
        max_length=2000,
        help_text="Such as features.12:3,17,40-49 (the first unit is 0); separate layers by spaces",
    )
    n_assignments = forms.IntegerField(label="Answers per unit", min_value=1, max_value=100, initial=3)
    reward_usd = forms.DecimalField(
        label="Reward per answer (USD)", min_value=Decimal("0.01"), max_digits=8, decimal_places=2, initial="0.60"
    )
    budget_cap_usd = forms.DecimalField(
        label="Budget cap (USD)", min_value=Decimal("0.01"), max_digits=10, decimal_places=2, initial="100.00"
    )
    marketplace = forms.ChoiceField(
        choices=lambda: [(facts.name, facts.title) for facts in list_facts()], initial="own"
    )
    seed = forms.IntegerField(
        min_value=0, max_value=2**62, initial=0, help_text="The order of crops and the random units are drawn from it."
    )

    # Fields that most campaigns do not change: folded away.
    max_assignments = forms.IntegerField(
        label="Answers per unit at most, if people disagree", min_value=1, max_value=100, required=False
    )
    template = forms.ChoiceField(
        label="HIT type", choices=lambda: [(one, one) for one in TABLE], initial="unit_semantics"
    )
    policy = forms.ChoiceField(
        choices=list(POLICY_WORDS.items()), initial=Campaign.Policy.ACCEPT_AND_SCORE, label="Planted negatives"
    )
    requester_name = forms.CharField(
        label="Who asks", max_length=120, initial="A research group using Unitscope", help_text="Shown in the consent"
    )
    contact = forms.CharField(required=False, max_length=200, help_text="For workers' questions; shown in the consent")
    ethics_number = forms.CharField(required=False, max_length=80, help_text="Shown in the consent")
    max_hits_per_worker = forms.IntegerField(label="HITs per person at most", min_value=1, required=False)
    countries = forms.CharField(
        label="Countries",
        required=False,
        max_length=200,
        help_text="Codes such as US DE, separated by spaces. Empty: all countries.",
    )
    min_approval_percent = forms.IntegerField(
        label="Minimum approval rate (%)", min_value=0, max_value=100, required=False
    )
    min_approved = forms.IntegerField(label="Minimum number of approved HITs", min_value=0, required=False)
    screening_percent = forms.IntegerField(
        label="Minimum score in the HIT type's short test (%)", min_value=1, max_value=100, required=False
    )
    excluded_campaigns = forms.ModelMultipleChoiceField(
        Campaign.objects.filter(is_imported=False).order_by("name"),
        label="Exclude people who worked in",
        required=False,
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
    )

    def main_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in FOLDED]

    def folded_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in FOLDED]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not (cleaned["n_top_iou"] or cleaned["n_random"] or cleaned["named_units"].strip()):
            self.add_error("n_top_iou", "Choose at least one unit.")
        return cleaned


FOLDED = (
    "max_assignments", "template", "policy", "requester_name", "contact", "ethics_number", "max_hits_per_worker",
    "countries", "min_approval_percent", "min_approved", "screening_percent", "excluded_campaigns",
)  # fmt: skip
