"""The form of a new study, and the plans that the web queue draws now. The plan states its price; nothing is asked."""

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString

from annotator.accounts.models import Role
from annotator.comparison.methods import COMPUTED
from annotator.crowd.marketplaces.table import list_facts
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.choices import RunChoice, list_runs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part
from annotator.descriptions.models import Method
from annotator.names import MAX_LENGTH, RULE, validate_name
from annotator.refusals import Refusal
from annotator.studies.metrics import METRICS
from annotator.studies.report import WORDS
from annotator.work.models import ACTIVE, Job
from annotator.work.steps.studying import BY_LABELS, NO_CONCEPTS, PlanOptions
from annotator.work.table import STEPS

STEP = "plan-study"
# Plans that were refused are told for so long.
TOLD_FOR = timedelta(hours=12)
N_TOLD = 5
FOLDED = ("stop_width", "metric", "sampling", "concepts", "gold", "seed")


class KeptChoice(RunChoice):
    none_yet = lazy(
        lambda: format_html(
            '<a class="us-link" href="{}">Dissect</a> with “Activation vectors” first.',
            reverse("dissect"),
        ),
        SafeString,
    )()


class PlanForm(forms.Form):
    """The options of `study plan`, without those that name a file."""

    name = forms.CharField(
        max_length=MAX_LENGTH, validators=[validate_name], help_text=f"{RULE} It cannot be changed later."
    )
    dissection = KeptChoice(
        list_runs().filter(options__activation_vectors=True),
        empty_label=None,
        help_text="One that kept activation vectors",
    )
    unit = forms.CharField(
        label="Units", max_length=2000,
        help_text="Such as features.12:3,17,40-49 (the first unit is 0); separate layers by spaces",
    )  # fmt: skip
    method = forms.MultipleChoiceField(
        label="Methods", widget=forms.CheckboxSelectMultiple,
        choices=lambda: [(name, name) for name in (*COMPUTED, *Method.objects.values_list("name", flat=True))],
    )  # fmt: skip
    images = forms.IntegerField(label="Photographs drawn per description", min_value=1, max_value=10_000)
    raters = forms.IntegerField(label="People per photograph", min_value=1, max_value=100)
    rounds = forms.IntegerField(
        min_value=1, max_value=10_000, help_text="The photographs are asked about in so many parts, one by one"
    )
    reward = forms.DecimalField(
        label="Reward for 15 photographs (USD)", min_value=Decimal("0.01"), max_digits=8, decimal_places=2
    )
    marketplace = forms.ChoiceField(choices=lambda: [(facts.name, facts.title) for facts in list_facts()])
    stop_width = forms.FloatField(
        label="Stop when all differences are known to ±", min_value=0.001, max_value=2, required=False,
        help_text="Empty: all rounds are asked",
    )  # fmt: skip
    metric = forms.ChoiceField(label="Metric that decides", choices=[(name, WORDS[name]) for name in METRICS])
    sampling = forms.ChoiceField(choices=[("importance", "by importance"), ("uniform", "evenly")])
    concepts = forms.ChoiceField(
        label="Cheap model of concepts", choices=[(BY_LABELS, "labeled pixels"), (NO_CONCEPTS, "none")]
    )
    gold = forms.IntegerField(label="Known photographs in a question", min_value=0, max_value=14)
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1)

    def main_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in FOLDED]

    def folded_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in FOLDED]

    def options(self) -> PlanOptions:
        given = {name: value for name, value in self.cleaned_data.items() if name != "name"}
        given["dissection"] = str(given["dissection"].pk)
        return PlanOptions(**given | {"unit": tuple(given["unit"].split()), "method": tuple(given["method"])})


@needs(Role.RESEARCHER)
def plan_one(request: SignedInRequest) -> HttpResponse:
    """The form of a new study: drawn, priced and frozen by the web queue. Nothing is asked."""
    initial = {one.name: one.default for one in fields(PlanOptions) if one.default != ()}
    initial |= {name: request.GET[name] for name in ("dissection", "unit") if name in request.GET}
    form = PlanForm(request.POST or None, initial=initial | {"method": request.GET.getlist("method")})
    if request.method == "POST" and form.is_valid():
        try:
            ask_step(request, STEPS[STEP], form.cleaned_data["name"], options=form.options())
        except Refusal as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("studies")
    return show(request, "dashboard/studies/plan.html", title="New study", form=form)


@needs(Role.VIEWER)
def show_plans(request: SignedInRequest) -> HttpResponse:
    """The part of the list of studies that tells of plans on their way."""
    plans = list_plans()
    response = show_part(request, "dashboard/studies/plans.html", plans)
    if not plans["is_planning"]:
        response["HX-Refresh"] = "true"  # the page has more to show now
    return response


def list_plans() -> dict[str, Any]:
    """Plans that are being drawn, and those that were lately refused and not planned since."""
    since = timezone.now() - TOLD_FOR
    last = Job.objects.filter(step=STEP, created_at__gte=since).order_by("subject_key", "-id").distinct("subject_key")
    jobs = [job for job in last if job.state != Job.State.DONE]
    jobs.sort(key=lambda job: -job.pk)
    return {"plans": jobs[:N_TOLD], "is_planning": any(job.state in ACTIVE for job in jobs)}
