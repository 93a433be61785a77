"""Sends a photograph of an image set, and what lies over it: heat maps, masks and segments of units, labeled pixels."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.sending import send_picture
from annotator.dashboard.looking.seen import HEAT, MASK, OVERLAY_PX, SEGMENT, Seen, read_label_mask
from annotator.dashboard.trying.overlays import draw_map, draw_mask
from annotator.evidence.models import Question
from annotator.units.models import Dissection, Layer
from workers import contract
from workers.engine.drawing.segments import SegmentUnavailable
from workers.store import NotStored, open_store

# What was answered once is never answered otherwise; the photographs may be such as a lab must not publish.
KEPT = "private, max-age=86400"


@needs(Role.VIEWER)
def send_looked_at(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """The photograph as the GPU process wrote it: upright, small, without metadata."""
    question = _find(question_id)
    return send_picture("image/jpeg", lambda: open_store(question.folder).read(contract.SHOWN_PHOTOGRAPH), kept=KEPT)


@needs(Role.VIEWER)
def send_unit_overlay(
    request: HttpRequest, question_id: UUID, dissection_id: UUID, index: int, way: str
) -> HttpResponse:
    """A unit over what the network saw: its map (heat), where it exceeds the threshold (mask), or its segment."""
    question = _find(question_id)
    dissection = get_object_or_404(Dissection.objects.defer("labels"), pk=dissection_id)
    path = question.options["layer"]
    layer = get_object_or_404(Layer.objects.select_related("network"), network=dissection.network_id, path=path)
    seen = Seen(question, dissection, layer)
    drawers = {HEAT: _draw_heat, MASK: _draw_mask, SEGMENT: _draw_segment}
    if way not in drawers:
        raise Http404
    return send_picture("image/png", lambda: drawers[way](seen, index), kept=KEPT)


def _draw_heat(seen: Seen, index: int) -> bytes:
    return draw_map(seen.grow(_check(seen, index), OVERLAY_PX, OVERLAY_PX))


def _draw_mask(seen: Seen, index: int) -> bytes:
    row = seen.measured_rows.filter(unit__index=_check(seen, index)).first()
    if row is None:
        raise Http404
    return draw_mask(seen.grow(index, OVERLAY_PX, OVERLAY_PX) > row.threshold)


def _draw_segment(seen: Seen, index: int) -> bytes:
    try:
        return draw_mask(seen.cut_segment(_check(seen, index)))
    except SegmentUnavailable as unavailable:
        raise NotStored(str(unavailable)) from None


def _check(seen: Seen, index: int) -> int:
    if index >= len(seen.maps):
        raise Http404
    return index


@needs(Role.VIEWER)
def send_labeled_pixels(request: HttpRequest, question_id: UUID, place: int) -> HttpResponse:
    """The pixels of one label, over the whole photograph."""
    question = _find(question_id)

    def draw() -> bytes:
        mask = read_label_mask(question, place)
        if mask is None:
            raise Http404
        return draw_mask(mask)

    return send_picture("image/png", draw, kept=KEPT)


def _find(question_id: UUID) -> Question:
    return get_object_or_404(Question, pk=question_id, kind=Question.Kind.LOOK, state=Question.State.ANSWERED)
