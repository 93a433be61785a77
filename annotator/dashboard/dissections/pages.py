"""Dissections: their list, one with its live progress, and the form that requests another."""

from typing import Any
from uuid import UUID

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.dashboard.dissections.listing import list_dissections
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part
from annotator.units.dissecting import UNFINISHED, request_dissection
from annotator.units.models import AutomaticLabel, Dissection, ImageSet, Layer, Network
from annotator.units.progress import read_dissection_progress

N_LISTED = 50


class DissectForm(forms.Form):
    """Only what was registered by command can be chosen: a visitor names no code and no path."""

    network = forms.ModelChoiceField(
        Network.objects.order_by("name"), empty_label=None, help_text="Registered by manage.py dissect"
    )
    image_set = forms.ModelChoiceField(ImageSet.objects.order_by("name"), empty_label=None)
    layers = forms.CharField(
        help_text="Dotted paths, one a line; a path that does not exist is answered with those that do",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        max_length=4000,
    )
    iou_mode = forms.MultipleChoiceField(
        label="IoU modes",
        choices=[(mode.value, mode.label) for mode in AutomaticLabel.Mode if mode != AutomaticLabel.Mode.IMPORTED],
        widget=forms.CheckboxSelectMultiple,
        initial=[AutomaticLabel.Mode.PAPER.value],
    )

    occluded_images = forms.IntegerField(
        label="Empirical receptive fields",
        required=False,
        min_value=1,
        max_value=100,
        help_text="Occlude so many of each unit's top images (published: 25); none: they are not estimated",
    )
    segment = forms.ChoiceField(
        label="Crops are cut",
        required=False,
        choices=[("", "upsampled, the default"), ("smoothed", "smoothed"), ("disk", "disk")],
    )
    batch_size = forms.IntegerField(required=False, min_value=1, max_value=4096, help_text="None: as the device bears")
    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, initial=0, help_text="Draws the crops of low activation for planted negatives"
    )

    def options(self) -> dict[str, Any]:
        """As the engine reads them; what is not asked for is left to its defaults."""
        asked = {"iou_modes": self.cleaned_data["iou_mode"], "seed": self.cleaned_data["seed"]}
        further = {name: self.cleaned_data[name] for name in ("occluded_images", "segment", "batch_size")}
        return asked | {name: value for name, value in further.items() if value}

    def clean_layers(self) -> list[str]:
        paths = list(dict.fromkeys(str(self.cleaned_data["layers"]).replace(",", " ").split()))
        if len(paths) > 64 or any(len(path) > 200 for path in paths):
            raise forms.ValidationError("Name at most 64 layers, each of at most 200 characters.")
        return paths


@needs(Role.VIEWER)
def show_dissections(request: SignedInRequest) -> HttpResponse:
    return show(
        request, "dashboard/dissections/dissections.html", title="Dissections", dissections=list_dissections(N_LISTED)
    )


@needs(Role.VIEWER)
def show_dissection(request: SignedInRequest, dissection_id: UUID) -> HttpResponse:
    dissection = get_object_or_404(Dissection.objects.select_related("network", "image_set"), pk=dissection_id)
    layers = Layer.objects.filter(network=dissection.network, path__in=dissection.layer_paths)
    return show(
        request,
        "dashboard/dissections/dissection.html",
        title=f"Dissection of {dissection.network}",
        layers=layers,
        **_progress(dissection),
    )


@needs(Role.VIEWER)
def show_dissection_progress(request: SignedInRequest, dissection_id: UUID) -> HttpResponse:
    dissection = get_object_or_404(Dissection.objects.select_related("network", "image_set"), pk=dissection_id)
    response = show_part(request, "dashboard/dissections/progress.html", _progress(dissection))
    if dissection.state not in UNFINISHED:
        response["HX-Refresh"] = "true"  # the page has more to show now
    return response


@needs(Role.RESEARCHER)
def request_one(request: SignedInRequest) -> HttpResponse:
    form = DissectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
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
        return redirect("dissection", dissection.pk)
    known: dict[str, list[str]] = {}
    for layer in Layer.objects.select_related("network"):
        known.setdefault(layer.network.name, []).append(layer.path)
    return show(request, "dashboard/dissections/dissect.html", title="New dissection", form=form, known_layers=known)


def _progress(dissection: Dissection) -> dict[str, Any]:
    is_running = dissection.state in UNFINISHED
    return {
        "dissection": dissection,
        "is_running": is_running,
        "progress": read_dissection_progress(dissection, now=timezone.now()) if is_running else None,
    }
