"""What a unit and a class look at in a photograph, in four ways, each beside its randomized twin."""

import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from PIL import Image as Picture

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part
from annotator.dashboard.frame.sending import send_picture
from annotator.dashboard.frame.stages import tell_unanswered
from annotator.dashboard.looking.photographs import find_crop
from annotator.dashboard.looking.pictures import KEPT
from annotator.dashboard.trying.overlays import OVERLAY_PX, draw_map
from annotator.evidence.asking import CannotAsk
from annotator.evidence.looking import find_views
from annotator.evidence.models import Question
from annotator.units.models import DissectedUnit, TopImage
from workers import contract
from workers.engine.drawing.tiles import encode_jpeg
from workers.engine.evidence import names
from workers.engine.format.artifact import unpack_arrays
from workers.store import open_store

# From this rank correlation on, a view hardly changes if the network forgets all that it has learned.
UNCHANGED_FROM = 0.5
TITLES = {
    names.STRONG_ACTIVATION: ("Strong activation", "the unit's map; of a class, Grad-CAM on this layer"),
    names.BACK_PROPAGATION: ("Back-propagation", "the largest absolute gradient over the color channels"),
    names.DECONVOLUTION: ("Deconvolution", "the same, with a ReLU on the way back in place of the forward one"),
    names.GUIDED: ("Guided back-propagation", "the same, with both"),
}
SUBJECTS = ("unit", "class")


@dataclass(frozen=True)
class View:
    """Two pictures by their addresses, and their rank correlation; None if one of them has one value everywhere."""

    title: str
    means: str
    own: str
    random: str
    correlation: float | None

    @property
    def is_unchanged(self) -> bool:
        return self.correlation is not None and self.correlation >= UNCHANGED_FROM


@needs(Role.VIEWER)
def show_views(request: SignedInRequest, network: str, layer: str, index: int, rank: int) -> HttpResponse:
    """What the unit and the class that is put first look at; a part of the page asks a GPU process for it."""
    found = find_crop(network, layer, index, rank, request.GET.get("dissection", ""))
    context: dict[str, Any] = {"unit": found.dissected.unit, "shown": found.shown, "dissected": found.dissected}
    if request.headers.get("HX-Request"):
        return show_part(request, "dashboard/looking/viewed.html", context | _describe(found.shown, found.dissected))
    return show(
        request, "dashboard/looking/views.html", title=f"Views of unit {index} of {layer}", subtitle=network, **context
    )


def _describe(shown: TopImage, dissected: DissectedUnit) -> dict[str, Any]:
    unit = dissected.unit
    try:
        question = find_views(
            image=shown.image,
            dissection=dissected.dissection,
            layer_path=unit.layer.path,
            unit=unit.index,
            now=timezone.now(),
        )
    except CannotAsk as busy:
        return {"refusal": str(busy)}
    if unanswered := tell_unanswered(question):
        return unanswered
    of_unit, of_class = (
        [_view(question, one) for one in question.answer["views"] if one["subject"] == subject] for subject in SUBJECTS
    )
    return {"question": question, "answer": question.answer, "of_unit": of_unit, "of_class": of_class}


def _view(question: Question, told: dict[str, Any]) -> View:
    own, random = (
        reverse("view-picture", args=[question.pk, f"{told['subject']}-{told['method']}-{whose}"])
        for whose in contract.WHOSE
    )
    return View(*TITLES[told["method"]], own, random, told["correlation"])


@needs(Role.VIEWER)
def send_viewed(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """What the network saw of the photograph, small and without metadata."""
    question = _find(question_id)

    def cut() -> bytes:
        shown = Picture.open(io.BytesIO(open_store(question.folder).read(contract.SHOWN_PHOTOGRAPH)))
        size, seen = question.answer["photograph"], question.answer["seen"]
        across, down = shown.width / size["width"], shown.height / size["height"]
        box = (seen[0] * across, seen[1] * down, seen[2] * across, seen[3] * down)
        return encode_jpeg(shown.convert("RGB").resize((OVERLAY_PX, OVERLAY_PX), box=box))

    return send_picture("image/jpeg", cut, kept=KEPT)


def _find(question_id: UUID) -> Question:
    kind, state = Question.Kind.VIEW, Question.State.ANSWERED
    return get_object_or_404(Question, pk=question_id, kind=kind, state=state)


@needs(Role.VIEWER)
def send_view(request: HttpRequest, question_id: UUID, picture: str) -> HttpResponse:
    """One picture: of the network, or of its randomized twin."""
    question = _find(question_id)

    def draw() -> bytes:
        arrays = unpack_arrays(open_store(question.folder).read(contract.VIEWS))
        if picture not in arrays:
            raise Http404
        return draw_map(arrays[picture].astype(np.float32))

    return send_picture("image/png", draw, kept=KEPT)
