"""Sends crops to the browser, which may keep them for good: a sheet's name is the digest of its content."""

import contextlib
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show_part
from annotator.dashboard.frame.sending import MISSING, send_picture
from annotator.dashboard.units.outlines import NoOutline, draw_outlines, read_masks
from annotator.units.cutting import UNCUT, ask_to_cut
from annotator.units.models import DissectedUnit, Dissection
from annotator.units.strips import (
    CropsDamaged,
    check_strip,
    count_tiles,
    draw_sentence,
    read_field,
    read_strip,
)
from workers.engine.drawing.tiles import cut_tiles, encode_jpeg, lay_out
from workers.engine.format.artifact import ArtifactMalformed, is_late
from workers.store import NotStored, StoreError

# Crops may show photographs that a lab must not publish: only the person's own browser may cache them.
KEPT = "private, max-age=31536000, immutable"
UNCUTTABLE: dict[str, Any] = {"status": 404}
# The log leaves it out by its reason (settings.LOGGING).
BEING_CUT: dict[str, Any] = {"status": 503, "reason": "Being cut"}
# Of a wall.
GAP_PX = 2
BACKGROUND = (24, 28, 32)


@needs(Role.VIEWER)
def show_sheet(request: HttpRequest, dissection_id: UUID, sheet: str) -> HttpResponse:
    """A unit's crops in one picture."""
    artifact = _artifact(dissection_id)
    return _send_crops(
        dissection_id, sheet, lambda: read_strip(artifact=artifact, strip=sheet), may_cut=may_cut(request)
    )


@needs(Role.VIEWER)
def show_wall(request: HttpRequest, dissection_id: UUID, sheet: str, columns: int, rows: int) -> HttpResponse:
    """The first crops of a unit, arranged in columns and rows."""
    if not (1 <= columns <= 8 and 1 <= rows <= 8):
        return HttpResponse("A wall has 1 to 8 columns and rows.", status=404, content_type="text/plain")
    artifact = _artifact(dissection_id)
    wall = partial(compose_wall, artifact=artifact, strip=sheet, columns=columns, rows=rows)
    return _send_crops(dissection_id, sheet, wall, may_cut=may_cut(request))


@lru_cache(maxsize=512)
def compose_wall(*, artifact: str, strip: str, columns: int, rows: int) -> bytes:
    """The first columns x rows tiles of a unit's strip, row by row, as a JPEG with narrow gaps.

    Raises StoreError, OSError.
    """
    tiles = cut_tiles(read_strip(artifact=artifact, strip=strip), ranks=range(columns * rows))
    return encode_jpeg(lay_out(tiles, columns=columns, rows=rows, gap_px=GAP_PX, background=BACKGROUND))


def _artifact(dissection_id: UUID) -> str:
    return get_object_or_404(Dissection.objects.only("artifact_name"), pk=dissection_id).artifact


def may_cut(request: HttpRequest) -> bool:
    """Somebody with a shared link makes no GPU process work."""
    return not getattr(request, "is_guest", False)


def _send_crops(dissection_id: UUID, sheet: str, read: Callable[[], bytes], *, may_cut: bool) -> HttpResponse:
    """The crops, or a placeholder; the browser asks again for crops that are being cut (dashboard.js)."""
    if not is_late(sheet):
        return _send("image/jpeg", read)
    try:
        return HttpResponse(read(), content_type="image/jpeg", headers={"Cache-Control": KEPT})
    except UNCUT as missing:
        row = _find_rows(dissection_id, sheet).select_related("dissection__image_set").first() if may_cut else None
        reason = ask_to_cut([row]).get(row.pk, "") if row is not None else str(missing)
    except (StoreError, OSError):
        return _send("image/jpeg", read)
    return send_uncut(reason)


def send_uncut(reason: str = "") -> HttpResponse:
    """A placeholder; the browser asks again, unless there is a reason why crops cannot be cut."""
    said = f"These crops cannot be cut. {reason}" if reason else "These crops are being cut. Look again in a moment."
    headers = {"Cache-Control": "no-store", **({} if reason else {"Retry-After": "1"})}
    return HttpResponse(
        draw_sentence(said), content_type="image/svg+xml", headers=headers, **(UNCUTTABLE if reason else BEING_CUT)
    )


def _find_rows(dissection_id: UUID, sheet: str) -> QuerySet[DissectedUnit]:
    rows = DissectedUnit.objects.select_related("dissection", "unit__layer").defer("dissection__labels")
    return rows.filter(dissection=dissection_id, strip=sheet)


def _send(content_type: str, read: Callable[[], bytes | str]) -> HttpResponse:
    return send_picture(content_type, read, kept=KEPT, missing=(*MISSING, NoOutline))


@needs(Role.VIEWER)
def show_outlines(request: HttpRequest, dissection_id: UUID, sheet: str) -> HttpResponse:
    """The segments' edges, as tall as the sheet, to be laid over it."""
    row = _find_rows(dissection_id, sheet).first()
    if row is None:
        return HttpResponse("There is no such sheet.", status=404, content_type="text/plain")

    def draw() -> str:
        layer = row.unit.layer.path
        masks = read_masks(artifact=row.dissection.artifact, layer_path=layer, unit_index=row.unit.index)
        return draw_outlines(masks, n_tiles=count_tiles(row.dissection))

    return _send("image/svg+xml", draw)


@needs(Role.VIEWER)
def show_missing(request: SignedInRequest, dissection_id: UUID, sheet: str) -> HttpResponse:
    """Which pictures of a unit cannot be shown, and why. It is a request of its own, because it reads each of them."""
    row = _find_rows(dissection_id, sheet).first()
    if row is None:
        return HttpResponse("There is no such sheet.", status=404, content_type="text/plain")
    return show_part(request, "dashboard/units/missing.html", {"missing": find_missing(row), "row": row})


def find_missing(row: DissectedUnit) -> list[str]:
    """One sentence for each picture of this unit that cannot be shown."""
    sentences = []
    for what, read in (("crops", check_strip), ("outlines", _read_outlines), ("receptive field", _read_field)):
        try:
            read(row)
        except (NotStored, CropsDamaged, ArtifactMalformed, OSError) as error:
            if read is check_strip and isinstance(error, UNCUT) and is_late(row.strip):
                continue  # they are cut now, because somebody looks at them
            how = "missing" if isinstance(error, NotStored) else "damaged"
            sentences.append(f"The {what} cannot be shown: {how} in the store.")
        except StoreError:
            return [*sentences, f"The {what} cannot be shown: the store does not answer. Try again later."]
    return sentences


def _read_outlines(row: DissectedUnit) -> None:
    """A bundle brings none."""
    with contextlib.suppress(NoOutline, NotStored):
        read_masks(artifact=row.dissection.artifact, layer_path=row.unit.layer.path, unit_index=row.unit.index)


def _read_field(row: DissectedUnit) -> None:
    if row.empirical_picture:
        read_field(artifact=row.dissection.artifact, picture=row.empirical_picture)


@needs(Role.VIEWER)
def show_field(request: HttpRequest, dissection_id: UUID, picture: str) -> HttpResponse:
    """A unit's empirical receptive field: the averaged discrepancy map, its peak in the center."""
    artifact = _artifact(dissection_id)
    return _send("image/png", lambda: read_field(artifact=artifact, picture=picture))
