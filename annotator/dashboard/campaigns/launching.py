"""The forms of a campaign: its terms, and with them the units of a new one."""

from decimal import Decimal
from typing import Any

from django import forms

from annotator.countries import CODES
from annotator.crowd.campaigns.unit_choice import N_RANDOM, N_TOP_IOU
from annotator.crowd.hit_types.table import TABLE
from annotator.crowd.marketplaces.table import list_facts
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.choices import RunChoices, list_runs
from annotator.names import MAX_LENGTH, RULE, validate_name
from annotator.program import name_command
from annotator.work.steps.composing import MAX_DAYS, MIN_DAYS

MAX_UNITS = 2000
# Fields that most campaigns do not change: folded away.
FOLDED = (
    "max_assignments", "lifetime", "template", "graded", "policy", "requester_name", "contact", "ethics_number",
    "max_per_worker", "country", "min_approval", "min_approved", "screening", "exclude",
)  # fmt: skip
POLICY_WORDS = {
    Campaign.Policy.ACCEPT_AND_SCORE: "accept the answer and count the missed",
    Campaign.Policy.MUST_FIND: "send the page back until they are found",
}


class TermsForm(forms.Form):
    """What can be changed until a campaign is published."""

    assignments = forms.IntegerField(label="Answers per unit", min_value=1, max_value=100)
    reward = forms.DecimalField(
        label="Reward per answer (USD)", min_value=Decimal("0.01"), max_digits=8, decimal_places=2
    )
    budget = forms.DecimalField(
        label="Budget cap (USD)", min_value=Decimal("0.01"), max_digits=10, decimal_places=2, initial="100.00"
    )
    marketplace = forms.ChoiceField(choices=lambda: [(facts.name, facts.title) for facts in list_facts()])
    max_assignments = forms.IntegerField(
        label="Answers per unit at most, if people disagree", min_value=1, max_value=100, required=False
    )
    policy = forms.ChoiceField(choices=list(POLICY_WORDS.items()), label="Planted negatives")
    requester_name = forms.CharField(label="Who asks", max_length=120, help_text="Shown in the consent")
    contact = forms.CharField(required=False, max_length=200, help_text="For workers' questions; shown in the consent")
    ethics_number = forms.CharField(required=False, max_length=80, help_text="Shown in the consent")
    lifetime = forms.FloatField(
        label="Days that the HITs can be taken", min_value=MIN_DAYS, max_value=MAX_DAYS, required=False,
        help_text="Empty: as the HIT type says. More time can be given later.",
    )  # fmt: skip
    max_per_worker = forms.IntegerField(label="HITs per person at most", min_value=1, required=False)
    country = forms.MultipleChoiceField(
        label="Countries",
        required=False,
        widget=forms.SelectMultiple(attrs={"data-countries": "", "size": 6}),
        help_text="None: all countries. Hold Ctrl or Cmd to choose several.",
    )
    min_approval = forms.IntegerField(label="Minimum approval rate (%)", min_value=0, max_value=100, required=False)
    min_approved = forms.IntegerField(label="Minimum number of approved HITs", min_value=0, required=False)
    screening = forms.IntegerField(
        label="Minimum score in the HIT type's short test (%)", min_value=1, max_value=100, required=False
    )
    exclude = forms.ModelMultipleChoiceField(
        Campaign.objects.filter(is_imported=False).order_by("name"),
        label="Exclude people who worked in",
        required=False,
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        country = self.fields["country"]
        assert isinstance(country, forms.MultipleChoiceField)
        kept = self.get_initial_for_field(country, "country") or ()
        # What an older version took is no country today. It is refused in words, and not left out in silence.
        country.choices = [(code, code) for code in (*CODES, *(one for one in kept if one not in CODES))]

    def main_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in FOLDED]

    def folded_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in FOLDED if name in self.fields]


class LaunchForm(TermsForm):
    """The options of `manage.py launch`, without those that name a file; their defaults are the form's."""

    name = forms.CharField(
        max_length=MAX_LENGTH, validators=[validate_name], help_text=f"{RULE} It cannot be changed later."
    )
    dissection = RunChoices(
        list_runs(),
        label="Dissections",
    )
    top_iou = forms.IntegerField(
        label="Units of highest IoU", min_value=0, max_value=MAX_UNITS, required=False,
        help_text=f"Shared evenly by the layers. Empty: {N_TOP_IOU}, or none if units are named or chosen by "
        "importance.",
    )  # fmt: skip
    top_importance = forms.IntegerField(
        label="Units of highest importance", min_value=0, max_value=MAX_UNITS, required=False,
        help_text=f"How much a unit adds to what the network says; {name_command('importance')} measures it.",
    )  # fmt: skip
    random = forms.IntegerField(
        label="Units drawn at random", min_value=0, max_value=MAX_UNITS, required=False,
        help_text=f"From the rest of each layer. Empty: {N_RANDOM}, or none if units are named.",
    )  # fmt: skip
    units = forms.CharField(
        label="Named units",
        required=False,
        max_length=2000,
        help_text="Such as features.12:3,17,40-49 (the first unit is 0); separate layers by spaces. "
        "Units that are named have no part in a layer's figures, unless they are drawn as well.",
    )
    seed = forms.IntegerField(
        min_value=0, max_value=2**62, initial=0, help_text="The order of crops and the random units are drawn from it."
    )
    template = forms.ChoiceField(label="HIT type", choices=lambda: [(one, one) for one in TABLE])
    graded = forms.BooleanField(
        label="Of best_of: a grade from 1 to 5 for each description, instead of one choice", required=False
    )

    field_order = (
        "name", "dissection", "top_iou", "top_importance", "random", "units", "assignments", "reward", "budget",
        "marketplace", "seed",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        cleaned["top_importance"] = cleaned["top_importance"] or 0
        asks_nothing = cleaned["top_iou"] == cleaned["random"] == cleaned["top_importance"] == 0
        if asks_nothing and not cleaned["units"].strip():
            self.add_error("top_iou", "Choose at least one unit.")
        return cleaned
