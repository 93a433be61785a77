"""Sends a photograph that somebody tried, and what lies over it. Only browsers of signed-in people keep it, briefly."""

from typing import Any
from uuid import UUID

import numpy as np
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.sending import send_picture
from annotator.dashboard.trying.overlays import draw_map, draw_mask
from annotator.evidence.models import Question
from workers import contract
from workers.engine.format.artifact import unpack_arrays
from workers.store import open_store

# A short while: a photograph that was deleted must not go on being shown.
BRIEFLY = "private, max-age=60"


@needs(Role.VIEWER)
def send_photograph(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """The photograph as the GPU process wrote it: upright, small, without metadata. The upload itself is sent never."""
    question = _find(question_id)
    return send_picture("image/jpeg", lambda: open_store(question.folder).read(contract.SHOWN_PHOTOGRAPH), kept=BRIEFLY)


@needs(Role.VIEWER)
def send_class_map(request: HttpRequest, question_id: UUID, index: int, method: str) -> HttpResponse:
    """A class's evidence over what the network saw."""
    predictions = _find(question_id).answer.get("predictions", [])
    views: dict[str, Any] = next((one["views"] for one in predictions if one["class_index"] == index), {})
    if method not in views:
        raise Http404
    return send_picture("image/png", lambda: draw_map(np.array(views[method]["map"], dtype=np.float32)), kept=BRIEFLY)


@needs(Role.VIEWER)
def send_unit_map(request: HttpRequest, question_id: UUID, index: int) -> HttpResponse:
    """A unit's map over what the network saw."""
    question = _find(question_id)

    def draw() -> bytes:
        maps = unpack_arrays(open_store(question.folder).read(contract.UNIT_MAPS))["maps"]
        if index >= len(maps):
            raise Http404
        return draw_map(maps[index])

    return send_picture("image/png", draw, kept=BRIEFLY)


@needs(Role.VIEWER)
def send_label(request: HttpRequest, question_id: UUID, place: int) -> HttpResponse:
    """The pixels of one label, over the whole photograph."""
    question = _find(question_id)

    def draw() -> bytes:
        masks = unpack_arrays(open_store(question.folder).read(contract.PIXEL_LABELS))["masks"]
        if place >= len(masks):
            raise Http404
        return draw_mask(masks[place].astype(bool))

    return send_picture("image/png", draw, kept=BRIEFLY)


def _find(question_id: UUID) -> Question:
    return get_object_or_404(Question, pk=question_id, options__in_full=True)
