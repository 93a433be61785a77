"""The one way by which a marketplace's ids of people leave the house: by an admin, and entered in the audit log."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.roles import MIN_ROLE, Permission
from annotator.crowd.models import Campaign
from annotator.crowd.pseudonyms import list_worker_ids
from annotator.csv_files import CONTENT_TYPE, write_csv
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest


@require_POST
@needs(MIN_ROLE[Permission.EXPORT_RAW_IDS])
def send_worker_ids(request: SignedInRequest, name: str) -> HttpResponse:
    """As CSV: pseudonym, marketplace, worker id. Erased people are not in it."""
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
    headers = {"Content-Disposition": f'attachment; filename="{name}-worker-ids.csv"', "Cache-Control": "no-store"}
    return HttpResponse(table, CONTENT_TYPE, headers=headers)
