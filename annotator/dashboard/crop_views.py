"""Sends crops to the browser, which may keep them for good: a sheet's name is the digest of its content."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from annotator.accounts.models import Role
from annotator.dashboard.access import needs
from annotator.dashboard.crops import compose_wall, read_sheet
from annotator.units.models import Dissection
from workers.store import StoreError

# Crops may show photographs that a lab must not publish: only the person's own browser keeps them.
KEPT = "private, max-age=31536000, immutable"


@needs(Role.VIEWER)
def show_sheet(request: HttpRequest, dissection_id: UUID, sheet: str) -> HttpResponse:
    artifact = _artifact(dissection_id)
    try:
        return _picture(read_sheet(artifact=artifact, sheet=sheet))
    except StoreError as missing:
        return HttpResponse(str(missing), status=404, content_type="text/plain")


@needs(Role.VIEWER)
def show_wall(request: HttpRequest, dissection_id: UUID, sheet: str, columns: int, rows: int) -> HttpResponse:
    if not (1 <= columns <= 8 and 1 <= rows <= 8):
        return HttpResponse("A wall has 1 to 8 columns and rows.", status=404, content_type="text/plain")
    artifact = _artifact(dissection_id)
    try:
        return _picture(compose_wall(artifact=artifact, sheet=sheet, columns=columns, rows=rows))
    except StoreError as missing:
        return HttpResponse(str(missing), status=404, content_type="text/plain")


def _artifact(dissection_id: UUID) -> str:
    return get_object_or_404(Dissection.objects.only("artifact"), pk=dissection_id).artifact


def _picture(content: bytes) -> HttpResponse:
    return HttpResponse(content, content_type="image/jpeg", headers={"Cache-Control": KEPT})
