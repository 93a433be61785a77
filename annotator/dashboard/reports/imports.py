"""Files into the database: bundles, answers, automatic labels, and descriptions. Uploaded, never named by a path."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show
from annotator.names import MAX_LENGTH
from annotator.published.readers.table import list_endings
from annotator.published.uploads import Upload, UploadRefused, take_in_apart

MAX_BYTES = 64 << 20
MAX_NAME_BYTES, SHOWN_CHARACTERS = 240, 40


class _UploadForm(forms.Form):
    """Read in full while the visitor waits, all of it or nothing, in a process of its own."""

    file = forms.FileField()
    endings: Sequence[str] = ()

    def clean_file(self) -> "File[bytes]":
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(
                f"The file is larger than {MAX_BYTES >> 20} MB. Import it by a command on the server."
            )
        if not str(file.name).endswith(tuple(self.endings)):
            raise forms.ValidationError(f"A file that ends in {', '.join(self.endings)}.")
        return file

    def list_values(self) -> dict[str, str]:
        """What the form says beside the file."""
        return {name: str(value or "") for name, value in self.cleaned_data.items() if name != "file"}


class AnswersForm(_UploadForm):
    campaign = forms.CharField(
        max_length=MAX_LENGTH, help_text="A new name, or the name of an imported campaign. Its answers are replaced."
    )
    network = forms.CharField(max_length=MAX_LENGTH, required=False, help_text="Empty: the campaign's name")
    field_order = ["campaign", "network", "file"]
    endings = list_endings()


class LabelsForm(_UploadForm):
    of_campaign = forms.ModelChoiceField(
        Campaign.objects.order_by("name"), to_field_name="name", label="Campaign", required=False
    )
    of_network = forms.CharField(
        max_length=MAX_LENGTH,
        label="Or network",
        required=False,
        help_text="If nobody was asked; a new name makes a network",
    )
    layer = forms.CharField(max_length=200, help_text="Such as pool5")
    field_order = ["of_campaign", "of_network", "layer", "file"]
    endings = (".csv",)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and bool(cleaned.get("of_campaign")) == bool(cleaned.get("of_network")):
            self.add_error("of_campaign", "Choose either a campaign or a network.")
        return cleaned


class DescriptionsForm(_UploadForm):
    network = forms.CharField(max_length=MAX_LENGTH, help_text="Whose units they are; a new name makes a network")
    layer = forms.CharField(
        max_length=400,
        required=False,
        help_text="Of a file that names no layers, or the one that is wanted. NAME=PATH: the file's name and ours",
    )
    method = forms.CharField(max_length=MAX_LENGTH, required=False, help_text="Empty: by the columns of the file")
    unit_column = forms.CharField(max_length=80, required=False, help_text="Of a file of another format; empty: unit")
    description_column = forms.CharField(max_length=80, required=False, help_text="Empty: description")
    score_column = forms.CharField(max_length=80, required=False, help_text="Empty: the format's own")
    replace = forms.BooleanField(required=False, label="Replace what the method said before")
    field_order = ["network", "layer", "method", "file"]
    endings = (".csv",)


class BundleForm(_UploadForm):
    name = forms.CharField(
        max_length=MAX_LENGTH,
        label="Campaign",
        required=False,
        help_text="Its name here; empty: as it was",
    )
    field_order = ["name", "file"]
    endings = (".zip",)


FORMS: dict[str, type[_UploadForm]] = {
    "bundle": BundleForm, "answers": AnswersForm, "labels": LabelsForm, "descriptions": DescriptionsForm,
}  # fmt: skip


@needs(Role.RESEARCHER)
def import_files(request: SignedInRequest) -> HttpResponse:
    """Imports a campaign's bundle, or answers, automatic labels or descriptions that were made elsewhere."""
    # All forms are on one page, so their fields need different ids.
    asked = {kind: form(auto_id=f"{kind}_%s") for kind, form in FORMS.items()}
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        kind = kind if kind in FORMS else "answers"
        form = asked[kind] = FORMS[kind](request.POST, request.FILES, auto_id=f"{kind}_%s")
        if form.is_valid():
            try:
                return redirect(_take(request, kind, form))
            except UploadRefused as refused:
                form.add_error(None if refused.is_name else "file", str(refused))
    return show(request, "dashboard/reports/import.html", title="Import published files", forms=asked)


def _take(request: SignedInRequest, kind: str, form: _UploadForm) -> str:
    """The address of what the file became. It lies in a temporary folder while it is read."""
    file: UploadedFile[bytes] = form.cleaned_data["file"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _shorten(Path(str(file.name)))
        with path.open("wb") as kept:
            kept.writelines(file.chunks())
        taken = take_in_apart(Upload(kind, str(path), form.list_values(), request.user.pk))
    messages.success(request, taken.sentence)
    if taken.campaign:
        return reverse("campaign", args=[taken.campaign])
    if kind == "descriptions":
        return f"{reverse('methods')}?{urlencode({'network': taken.network, 'layer': taken.layer})}"
    return f"{reverse('gallery')}?{urlencode({'network': taken.network, 'layer': taken.layer})}"


def _shorten(name: Path) -> str:
    """A system takes 255 bytes, which in some scripts are few characters."""
    is_short = len(os.fsencode(name.name)) <= MAX_NAME_BYTES
    return name.name if is_short else f"{name.stem[:SHOWN_CHARACTERS]}…{name.suffix}"
