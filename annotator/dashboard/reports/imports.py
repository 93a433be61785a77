"""Files into the database: bundles, answers of people, and automatic labels. Uploaded, never named by a path."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show
from annotator.names import MAX_LENGTH, NameRefused
from annotator.published.bundle.unpacking import BundleInTheWay, import_bundle
from annotator.published.importing import CannotImport, Imported, import_annotations, import_iou, import_network_iou
from annotator.published.readers.cells import BadFile
from annotator.published.readers.table import list_endings

MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Taken:
    """What an upload became: where it can be seen, the audit log's subject and details, and a person's sentence."""

    address: str
    subject: str
    details: dict[str, Any]
    sentence: str


class _UploadForm(forms.Form):
    """Read in full while the visitor waits, all of it or nothing."""

    file = forms.FileField()
    endings: Sequence[str] = ()

    def clean_file(self) -> "File[bytes]":
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(f"The file is larger than {MAX_BYTES >> 20} MB. Import it with manage.py.")
        if not str(file.name).endswith(tuple(self.endings)):
            raise forms.ValidationError(f"A file that ends in {', '.join(self.endings)}.")
        return file

    def take_in(self, path: Path) -> Taken:
        """Raises BadFile, CannotImport, BundleInTheWay."""
        raise NotImplementedError


class AnswersForm(_UploadForm):
    campaign = forms.CharField(
        max_length=MAX_LENGTH, help_text="A new name, or the name of an imported campaign. Its answers are replaced."
    )
    network = forms.CharField(max_length=MAX_LENGTH, required=False, help_text="Empty: the campaign's name")
    field_order = ["campaign", "network", "file"]
    endings = list_endings()

    def take_in(self, path: Path) -> Taken:
        name, network = self.cleaned_data["campaign"], self.cleaned_data["network"]
        now = timezone.now()
        done = import_annotations(campaign_name=name, path=path, network_name=network or name, now=now)
        return _tell(done, address=reverse("campaign", args=[name]), subject=f"campaign {name}")


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

    def take_in(self, path: Path) -> Taken:
        campaign, network, layer = (self.cleaned_data[name] for name in ("of_campaign", "of_network", "layer"))
        if campaign:
            done = import_iou(campaign=campaign, layer_path=layer, path=path)
            return _tell(done, address=reverse("campaign", args=[campaign.name]), subject=f"campaign {campaign.name}")
        done = import_network_iou(network_name=network, layer_path=layer, path=path, now=timezone.now())
        address = f"{reverse('gallery')}?{urlencode({'network': network, 'layer': layer})}"
        return _tell(done, address=address, subject=f"network {network}")


class BundleForm(_UploadForm):
    name = forms.CharField(
        max_length=MAX_LENGTH,
        label="Campaign",
        required=False,
        help_text="Its name here; empty: as it was",
    )
    field_order = ["name", "file"]
    endings = (".zip",)

    def take_in(self, path: Path) -> Taken:
        done = import_bundle(path=path, name=self.cleaned_data["name"], now=timezone.now())
        details = {"sha256": done.content_sha256, "rows": done.n_answers, "new": done.is_new}
        address = reverse("campaign", args=[done.campaign])
        return Taken(address, subject=f"campaign {done.campaign}", details=details, sentence=done.sentence)


FORMS: dict[str, type[_UploadForm]] = {"bundle": BundleForm, "answers": AnswersForm, "labels": LabelsForm}


def _tell(done: Imported, *, address: str, subject: str) -> Taken:
    sentence = f"{done.n_rows} rows on {done.n_units} units of {', '.join(done.layers)} imported. {done.remark}"
    return Taken(address, subject=subject, details={"sha256": done.sha256, "rows": done.n_rows}, sentence=sentence)


@needs(Role.RESEARCHER)
def import_files(request: SignedInRequest) -> HttpResponse:
    """Imports a campaign's bundle, or answers or automatic labels that were made elsewhere."""
    # All forms are on one page, so their fields need different ids.
    asked = {kind: form(auto_id=f"{kind}_%s") for kind, form in FORMS.items()}
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        kind = kind if kind in FORMS else "answers"
        form = asked[kind] = FORMS[kind](request.POST, request.FILES, auto_id=f"{kind}_%s")
        if form.is_valid():
            try:
                return redirect(_take(request, form))
            except NameRefused as refused:
                form.add_error(None, str(refused))
            except (BadFile, CannotImport, BundleInTheWay) as refused:
                form.add_error("file", str(refused))
    return show(request, "dashboard/reports/import.html", title="Import published files", forms=asked)


def _take(request: SignedInRequest, form: _UploadForm) -> str:
    """The file lies in a temporary folder while it is read. Its digest is entered in the audit log."""
    file: UploadedFile[bytes] = form.cleaned_data["file"]
    with tempfile.TemporaryDirectory() as folder, transaction.atomic():
        path = Path(folder) / Path(str(file.name)).name
        with path.open("wb") as kept:
            kept.writelines(file.chunks())
        done = form.take_in(path)
        told = {"file": path.name, **done.details}
        write_audit_entry(actor=request.user, action="import", subject=done.subject, details=told, now=timezone.now())
    messages.success(request, done.sentence)
    return done.address
