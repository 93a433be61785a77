"""A campaign to take away: its report as JSON or CSV, its export and its report that opens offline as ZIP, its people's
ids as CSV."""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Literal

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.accounts.roles import MIN_ROLE, Permission
from annotator.comparison.reports import describe_campaign
from annotator.comparison.tables import print_csv
from annotator.crowd.models import Campaign
from annotator.crowd.pseudonyms import list_worker_ids
from annotator.csv_files import CONTENT_TYPE, write_csv
from annotator.dashboard.campaigns.counts import read_campaign_counts
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.figure_files import name_download
from annotator.dashboard.frame.pages import SignedInRequest, show_refusal
from annotator.names import to_file_name
from annotator.program import name_command
from annotator.published.bundle.packing import write_bundle

# A folder is built in memory. The API streams its lists, so it has no limit.
MAX_ANSWERS = 100_000
TABLES = {"json": "application/json", "csv": CONTENT_TYPE}


@needs(Role.VIEWER)
def send_report(request: SignedInRequest, name: str, ending: str) -> HttpResponseBase:
    """The report as json, csv or zip to read offline."""
    if ending not in (*TABLES, "zip"):
        return show_refusal(request, "A report can be json, csv or zip.", status=404)
    if refused := _refuse_large(request, name):
        return refused
    if ending == "zip":
        return _send_folder(request, name, "report")
    report = describe_campaign(campaign=get_object_or_404(Campaign, name=name))
    text = json.dumps(report, indent=1) if ending == "json" else print_csv(report)
    return _send_text(text, TABLES[ending], file=f"{name}-report.{ending}")


@needs(Role.VIEWER)
def send_export(request: SignedInRequest, name: str) -> HttpResponseBase:
    """All of the campaign's data with its data card."""
    return _refuse_large(request, name) or _send_folder(request, name, "export")


@needs(Role.VIEWER)
def send_bundle(request: SignedInRequest, name: str) -> HttpResponseBase:
    """The campaign as one file that another installation imports."""
    if refused := _refuse_large(request, name):
        return refused
    campaign = get_object_or_404(Campaign, name=name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        write_bundle(campaign=campaign, report=describe_campaign(campaign=campaign), path=path, now=timezone.now())
        return _send_file(path, file=f"{name}-bundle.zip")


@require_POST
@needs(MIN_ROLE[Permission.EXPORT_RAW_IDS])
def send_worker_ids(request: SignedInRequest, name: str) -> HttpResponse:
    """As CSV: pseudonym, marketplace, worker id. Erased people are not in it.

    The one way by which a marketplace's ids of people leave the house: by an admin, and entered in the audit log.
    """
    campaign = get_object_or_404(Campaign, name=name)
    rows = list_worker_ids(campaign)
    write_audit_entry(
        actor=request.user,
        action=Permission.EXPORT_RAW_IDS,
        subject=f"campaign {name}",
        details={"people": len(rows)},
        now=timezone.now(),
    )
    columns = ("pseudonym", "marketplace", "worker_id")
    table = write_csv((dict(zip(columns, row, strict=True)) for row in rows), columns=columns)
    return _send_text(table, CONTENT_TYPE, file=f"{name}-worker-ids.csv")


def _send_text(text: str, content_type: str, *, file: str) -> HttpResponse:
    headers = {"Content-Disposition": name_download(file), "Cache-Control": "no-store"}
    return HttpResponse(text, content_type, headers=headers)


def _send_file(path: Path, *, file: str) -> FileResponse:
    """The response has the file open until it is sent and closes it: its folder may be removed before."""
    headers = {"Cache-Control": "no-store"}
    return FileResponse(path.open("rb"), as_attachment=True, filename=to_file_name(file), headers=headers)


def _refuse_large(request: SignedInRequest, name: str) -> HttpResponse | None:
    campaign = get_object_or_404(Campaign, name=name)
    if read_campaign_counts([campaign.pk])[campaign.pk].n_answers <= MAX_ANSWERS:
        return None
    words = f"{name} has more than {MAX_ANSWERS} answers. Use {name_command(f'export {name}')}, or the API."
    return show_refusal(request, words, status=422)


def _send_folder(request: SignedInRequest, name: str, kind: Literal["report", "export"]) -> HttpResponseBase:
    # Imported only if asked for: Parquet and figures take long to load.
    from annotator.published.exporting import NothingToExport, export_campaign
    from annotator.published.reporting import write_report

    write = {"report": write_report, "export": export_campaign}[kind]
    campaign = get_object_or_404(Campaign, name=name)
    with tempfile.TemporaryDirectory() as parent:
        folder, path = Path(parent) / "folder" / to_file_name(name), Path(parent) / "packed.zip"
        folder.parent.mkdir()
        try:
            write(campaign=campaign, folder=folder, now=timezone.now())
        except NothingToExport as nothing:
            return show_refusal(request, str(nothing), status=422)
        _pack(folder, path)
        return _send_file(path, file=f"{name}-{kind}.zip")


def _pack(folder: Path, archive_path: Path) -> None:
    with zipfile.ZipFile(archive_path, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(folder.parent))
