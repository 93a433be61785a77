"""Dissections: their list, one with its live progress, and the form that requests another."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.dashboard.dissections.listing import describe_dissection, list_dissections, tell_dissection_needs
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step, list_offered
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part, show_refusal
from annotator.program import name_command
from annotator.units import gpu_queue
from annotator.units.asked_options import choose_options
from annotator.units.chance import print_counts
from annotator.units.dissecting import UNFINISHED, request_dissection
from annotator.units.estimating import estimate_dissection
from annotator.units.layer_facts import spell_layer
from annotator.units.models import IMPORTED, Dissection, ImageSet, Layer, Network
from annotator.work.sending import QUEUE_SILENT
from annotator.work.steps.dissecting import list_users
from annotator.work.table import STEPS
from workers.engine.format.bounds import DETECTOR_ABOVE
from workers.engine.measures.options import list_declared, list_defaults
from workers.engine.measures.recorded import Option

N_LISTED = 50


class DissectForm(forms.Form):
    """Only registered networks and image sets can be chosen, so that a visitor names no code and no path."""

    network = forms.ModelChoiceField(
        Network.objects.exclude(architecture__startswith=IMPORTED).order_by("name"),
        empty_label=None,
        help_text=f"Registered by {name_command('dissect')}",
    )
    image_set = forms.ModelChoiceField(
        ImageSet.objects.exclude(address__startswith=IMPORTED).order_by("name"), empty_label=None
    )
    layers = forms.CharField(
        help_text="Dotted paths, one per line. If a path does not exist, the error lists the paths that do.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        max_length=4000,
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        defaults = list_defaults()
        for name, stated in list_declared().items():
            if stated.title:
                self.fields[name] = _make_field(defaults[name], stated)

    def options(self) -> dict[str, Any]:
        """As the engine reads them, without fields that were left empty."""
        given = {name: value for name in list_declared() if (value := self.cleaned_data.get(name)) not in (None, "")}
        (chosen,) = choose_options(given)
        return chosen

    def clean_layers(self) -> list[str]:
        paths = list(dict.fromkeys(str(self.cleaned_data["layers"]).replace(",", " ").split()))
        if len(paths) > 64 or any(len(path) > 200 for path in paths):
            raise forms.ValidationError("Name at most 64 layers, each of at most 200 characters.")
        return paths


def _make_field(default: Any, stated: Option) -> forms.Field:
    """A form's field for an option of the engine, from its declaration."""
    help_text = stated.help[0].upper() + stated.help[1:]
    asked: dict[str, Any] = {"label": stated.title, "help_text": help_text, "initial": default}
    choices = [(choice, choice) for choice in stated.choices]
    if default == "" and stated.choices:
        choices = [("", "found by itself"), *choices]
    if stated.pattern:
        return forms.RegexField(
            f"^(?:{stated.pattern})$", required=False, error_messages={"invalid": f"Give {stated.words}."}, **asked
        )
    if isinstance(default, tuple):
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **asked)
    if stated.choices:
        return forms.ChoiceField(choices=choices, required=False, **asked)
    if isinstance(default, bool):
        return forms.BooleanField(required=False, **asked)
    bounds: dict[str, Any] = {"min_value": stated.low, "max_value": stated.high, "required": False}
    return forms.IntegerField(**bounds, **asked) if isinstance(default, int) else forms.FloatField(**bounds, **asked)


@needs(Role.VIEWER)
def show_dissections(request: SignedInRequest) -> HttpResponse:
    """All dissections, newest first."""
    return show(
        request, "dashboard/dissections/dissections.html", title="Dissections", dissections=list_dissections(N_LISTED)
    )


@needs(Role.VIEWER)
def show_dissection(request: SignedInRequest, dissection_id: UUID) -> HttpResponse:
    """One dissection: progress, options, detectors."""
    dissection = get_object_or_404(Dissection.objects.select_related("network", "image_set"), pk=dissection_id)
    silent = dissection.dissected_units.exclude(silence="").order_by().values_list("unit__layer")
    n_silent: dict[int, int] = dict(silent.annotate(n=Count("id")))
    counted, steps = print_counts(dissection), list_offered(request, dissection)
    layers = [
        {
            "path": one.path,
            "n_silent": n_silent.get(one.pk, 0),
            "n_units": one.n_units,
            "theoretical_receptive_field": one.theoretical_receptive_field,
            "receptive_field_note": one.receptive_field_note,
            "spelled": spell_layer(dissection, one.path),
            "counted": counted.get(one.path, []),
        }
        for one in Layer.objects.filter(network=dissection.network, path__in=dissection.layer_paths)
    ]
    return show(
        request,
        "dashboard/dissections/dissection.html",
        title=f"Dissection of {dissection.network}",
        layers=layers,
        detector_above=DETECTOR_ABOVE,
        steps=[step for step in steps if not step.is_last],
        last_steps=[step for step in steps if step.is_last],
        users=list_users(dissection),
        needs=tell_dissection_needs(dissection),
        **describe_dissection(dissection),
    )


@needs(Role.VIEWER)
def show_dissection_progress(request: SignedInRequest, dissection_id: UUID) -> HttpResponse:
    """Its progress, as the open page asks for it every few seconds."""
    dissection = get_object_or_404(Dissection.objects.select_related("network", "image_set"), pk=dissection_id)
    shown = {**describe_dissection(dissection), "needs": tell_dissection_needs(dissection)}
    response = show_part(request, "dashboard/dissections/progress.html", shown)
    if dissection.state not in UNFINISHED:
        response["HX-Refresh"] = "true"  # the page has more to show now
    return response


@require_POST
@needs(Role.RESEARCHER)
def start_step(request: SignedInRequest, dissection_id: UUID, kind: str) -> HttpResponse:
    """One step of the table of steps about this dissection, by its name; see docs/commands.md."""
    dissections = Dissection.objects.select_related("network", "image_set")
    dissection, step = get_object_or_404(dissections, pk=dissection_id), STEPS.get(kind)
    if step is None or step.subject != "dissection":
        return show_refusal(request, f"There is no work named {kind[:40]!r}.", status=404)
    job = ask_step(request, step, dissection)
    messages.success(request, job.sentence)
    is_gone = not Dissection.objects.filter(pk=dissection_id).exists()
    return redirect("dissections") if is_gone else redirect("dissection", dissection_id)


@needs(Role.RESEARCHER)
def request_one(request: SignedInRequest) -> HttpResponse:
    """The form of a new dissection of a registered network and image set."""
    named = {name: request.GET[name] for name in ("network", "layers") if name in request.GET}
    form, estimate = DissectForm(request.POST or None, initial=named), ""
    if "estimate" in request.POST and form.is_valid():
        asked = form.cleaned_data
        estimate = estimate_dissection(
            network=asked["network"], image_set=asked["image_set"], layer_paths=asked["layers"]
        )
    elif request.method == "POST" and form.is_valid():
        now = timezone.now()
        with transaction.atomic():
            dissection = request_dissection(
                network=form.cleaned_data["network"],
                image_set=form.cleaned_data["image_set"],
                layer_paths=form.cleaned_data["layers"],
                options=form.options(),
                now=now,
            )
            subject = f"dissection {dissection.pk}"
            write_audit_entry(actor=request.user, action="dissect", subject=subject, details={}, now=now)
        if not gpu_queue.is_reachable():
            messages.warning(request, f"Dissect: {QUEUE_SILENT}")
        return redirect("dissection", dissection.pk)
    known: dict[str, list[str]] = {}
    for layer in Layer.objects.select_related("network"):
        known.setdefault(layer.network.name, []).append(layer.path)
    shown: dict[str, Any] = {"form": form, "known_layers": known, "estimate": estimate}
    return show(request, "dashboard/dissections/dissect.html", title="New dissection", **shown)
