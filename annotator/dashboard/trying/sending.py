"""Puts a question about the photograph of a form, and says if no GPU process can be told of it."""

from datetime import datetime

from django.contrib import messages

from annotator.dashboard.frame.pages import SignedInRequest
from annotator.dashboard.trying.forms import PhotographForm
from annotator.evidence import trying
from annotator.evidence.models import Question
from annotator.units import gpu_queue
from annotator.work.sending import QUEUE_SILENT


def send(request: SignedInRequest, form: PhotographForm, wanted: trying.AboutPhotograph, *, now: datetime) -> Question:
    """Of a valid form. Raises CannotAsk, StoreError, and what the wanted options raise."""
    given = form.cleaned_data
    if given["file"] is not None:
        question = trying.try_upload(
            photograph=given["file"], title=form.title, wanted=wanted, asked_by=request.user, now=now
        )
    else:
        question = trying.try_image(image=given["image"], wanted=wanted, asked_by=request.user, now=now)
    warn_if_silent(request)
    return question


def warn_if_silent(request: SignedInRequest) -> None:
    if not gpu_queue.is_reachable():
        messages.warning(request, f"Try a photograph: {QUEUE_SILENT}")
