"""Dissections: their list, one with its live progress, and the form that requests another."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.dashboard.dissections.forms import DissectForm
from annotator.dashboard.dissections.listing import describe_dissection, list_dissections, tell_dissection_needs
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step, list_offered
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part, show_refusal
from annotator.dashboard.units.best import choose_best
from annotator.units import gpu_queue
from annotator.units.chance import COUNT_NOUNS, list_counts
from annotator.units.dissecting import UNFINISHED, request_dissection
from annotator.units.estimating import estimate_dissection
from annotator.units.layer_facts import spell_layer
from annotator.units.models import Dissection, Layer
from annotator.work.sending import QUEUE_SILENT
from annotator.work.steps.dissecting import list_users
from annotator.work.table import STEPS
from workers.engine.format.bounds import DETECTOR_ABOVE

N_LISTED = 50
N_SHOWN_UNITS = 8


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
    offered, is_done = list_offered(request, dissection), dissection.state == Dissection.State.DONE
    shown_as, cards = choose_best(n_most=N_SHOWN_UNITS, dissection=str(dissection.pk)) if is_done else ("", [])
    layers = [
        {
            "path": one.path,
            "n_silent": n_silent.get(one.pk, 0),
            "n_units": one.n_units,
            "theoretical_receptive_field": one.theoretical_receptive_field,
            "receptive_field_note": one.receptive_field_note,
            "spelled": spell_layer(dissection, one.path),
        }
        for one in Layer.objects.filter(network=dissection.network, path__in=dissection.layer_paths)
    ]
    return show(
        request,
        "dashboard/dissections/dissection.html",
        title=f"Dissection of {dissection.network}",
        subtitle=dissection.run_words,
        layers=layers,
        counted={path: modes for path, modes in list_counts(dissection).items() if modes},
        nouns=COUNT_NOUNS.values(),
        shown_as=shown_as,
        cards=cards,
        detector_above=DETECTOR_ABOVE,
        steps=offered.now,
        last_steps=offered.last,
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
    shown: dict[str, Any] = {"form": form, "estimate": estimate}
    return show(request, "dashboard/dissections/dissect.html", title="New dissection", **shown)
