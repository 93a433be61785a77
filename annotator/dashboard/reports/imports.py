"""Published files into the database: answers of people, and automatic labels. Uploaded, never named by a path."""

import tempfile
from pathlib import Path

from django import forms
from django.contrib import messages
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show
from annotator.names import MAX_LENGTH, NameRefused
from annotator.published.importing import CannotImport, Imported, import_annotations, import_iou
from annotator.published.readers.cells import BadFile
from annotator.published.readers.table import list_endings

MAX_BYTES = 64 << 20


class _UploadForm(forms.Form):
    """Read in full while the visitor waits, all of it or nothing."""

    file = forms.FileField()

    def clean_file(self) -> "File[bytes]":
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(f"The file is larger than {MAX_BYTES >> 20} MB. Import it with manage.py.")
        if not str(file.name).endswith(tuple(list_endings())):
            raise forms.ValidationError(f"A file that ends in {', '.join(list_endings())}.")
        return file


class AnswersForm(_UploadForm):
    campaign = forms.CharField(
        max_length=MAX_LENGTH, help_text="A new name, or the name of an imported campaign. Its answers are replaced."
    )
    network = forms.CharField(max_length=MAX_LENGTH, required=False, help_text="Empty: the campaign's name")
    field_order = ["campaign", "network", "file"]

    def take_in(self, path: Path) -> tuple[str, Imported]:
        """The campaign's name, and what was imported. Raises BadFile or CannotImport."""
        name, network = self.cleaned_data["campaign"], self.cleaned_data["network"]
        now = timezone.now()
        return name, import_annotations(campaign_name=name, path=path, network_name=network or name, now=now)


class LabelsForm(_UploadForm):
    of_campaign = forms.ModelChoiceField(Campaign.objects.order_by("name"), to_field_name="name", label="Campaign")
    layer = forms.CharField(max_length=200, help_text="Of the campaign, such as pool5")
    field_order = ["of_campaign", "layer", "file"]

    def take_in(self, path: Path) -> tuple[str, Imported]:
        """As that of AnswersForm."""
        campaign = self.cleaned_data["of_campaign"]
        return campaign.name, import_iou(campaign=campaign, layer_path=self.cleaned_data["layer"], path=path)


@needs(Role.RESEARCHER)
def import_files(request: SignedInRequest) -> HttpResponse:
    """Imports answers or automatic labels that were made elsewhere."""
    # Both forms are on one page, so their fields need different ids.
    ids = {kind: f"{kind}_%s" for kind in ("answers", "labels")}
    forms_by_kind: dict[str, AnswersForm | LabelsForm] = {
        "answers": AnswersForm(auto_id=ids["answers"]),
        "labels": LabelsForm(auto_id=ids["labels"]),
    }
    if request.method == "POST":
        kind = "labels" if request.POST.get("kind") == "labels" else "answers"
        form = forms_by_kind[kind] = type(forms_by_kind[kind])(request.POST, request.FILES, auto_id=ids[kind])
        if form.is_valid():
            try:
                name = _take(request, form)
            except NameRefused as refused:
                form.add_error(None, str(refused))
            except (BadFile, CannotImport) as refused:
                form.add_error("file", str(refused))
            else:
                return redirect("campaign", name)
    return show(request, "dashboard/reports/import.html", title="Import published files", forms=forms_by_kind)


def _take(request: SignedInRequest, form: AnswersForm | LabelsForm) -> str:
    """The file lies in a temporary folder while it is read. Its digest is entered in the audit log."""
    file: UploadedFile[bytes] = form.cleaned_data["file"]
    with tempfile.TemporaryDirectory() as folder, transaction.atomic():
        path = Path(folder) / Path(str(file.name)).name
        with path.open("wb") as kept:
            kept.writelines(file.chunks())
        campaign, done = form.take_in(path)
        details = {"file": path.name, "sha256": done.sha256, "rows": done.n_rows}
        subject = f"campaign {campaign}"
        write_audit_entry(actor=request.user, action="import", subject=subject, details=details, now=timezone.now())
    messages.success(
        request, f"{done.n_rows} rows on {done.n_units} units of {', '.join(done.layers)} imported. {done.remark}"
    )
    return campaign
