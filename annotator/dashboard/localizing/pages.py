"""Localizations that were asked for by command: their list, and a report of each with the worst and best boxes."""

from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from annotator.accounts.models import Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part
from annotator.dashboard.frame.stages import say_stage
from annotator.evidence import dividing
from annotator.evidence.asking import KEPT_FOR
from annotator.evidence.localization_report import list_shown, tell_counts, tell_scores
from annotator.evidence.models import Question
from annotator.evidence.published_figures import LOCALIZATION, tell_published
from workers import contract
from workers.store import NotStored, StoreError, open_store

N_LISTED = 50
GROUPS = ("worst", "best")


@needs(Role.VIEWER)
def show_localizations(request: SignedInRequest) -> HttpResponse:
    """The newest ones with three of their scores."""
    listed = _list_runs().annotate(
        n_images=KT("answer__n_images"),
        gt_known=F("answer__gt_known"),
        v1=F("answer__v1"),
        pxap=F("answer__pxap"),
        boxes=Coalesce(KT("options__boxes"), KT("options__masks")),
    )
    rows = listed.only("id", "architecture", "state", "asked_at", "refusal", "is_kept")[:N_LISTED]
    return show(
        request,
        "dashboard/localizing/localizations.html",
        title="Localization",
        runs=[{"question": one, "boxes": _name(one.boxes)} for one in rows],
        days=KEPT_FOR.days,
    )


@needs(Role.VIEWER)
def show_localization(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """A report: every score with its interval, and the photographs where the box is worst and best."""
    question = _find(question_id)
    told: dict[str, Any] = {}
    if question.state == Question.State.ANSWERED:
        told = {
            "counts": tell_counts(question.answer),
            "scores": [(words, value.strip()) for value, words in tell_scores(question.answer)],
            "groups": [(words, _place(shown)) for words, shown in list_shown(question.answer)],
            "published": tell_published(LOCALIZATION),
        }
    return show(
        request,
        "dashboard/localizing/localization.html",
        title="Localization",
        subtitle=question.architecture,
        question=question,
        weights=_name(question.weights),
        boxes=_name(question.options.get("boxes") or question.options["masks"]),
        deleted_at=question.asked_at + KEPT_FOR,
        **told,
        **_describe(question),
    )


@needs(Role.VIEWER)
def show_localization_progress(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """How far it is, as the open page asks for it every few seconds."""
    question = _find(question_id)
    response = show_part(request, "dashboard/localizing/progress.html", {"question": question, **_describe(question)})
    if question.state != Question.State.ASKED:
        response["HX-Refresh"] = "true"  # the page has a report to show now
    return response


@needs(Role.VIEWER)
def send_picture(request: HttpRequest, question_id: UUID, group: str, place: int) -> HttpResponse:
    """A photograph with its boxes, as the GPU process drew it."""
    if group not in GROUPS:
        raise Http404
    try:
        content = open_store(_find(question_id).folder).read(contract.picture_name(group, place))
    except NotStored:
        raise Http404 from None
    except StoreError:
        return HttpResponse(status=503)
    return HttpResponse(content, "image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _list_runs() -> Any:
    return Question.objects.filter(kind=Question.Kind.LOCALIZE)


def _find(question_id: UUID) -> Question:
    found: Question = get_object_or_404(_list_runs(), pk=question_id)
    return found


def _name(address: str) -> str:
    """Of a file or folder: people need not know where it lies."""
    return address.rstrip("/").rpartition("/")[2]


def _place(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each photograph of a group with what its picture's address is made of."""
    found = []
    for one in shown:
        group, _, place = one["picture"].rpartition("/")[2].removesuffix(".jpg").rpartition("-")
        found.append({**one, "group": group, "place": int(place)})
    return found


def _describe(question: Question) -> dict[str, Any]:
    """What the GPU processes do."""
    if question.state != Question.State.ASKED:
        return {}
    word = dividing.read_progress(question)
    return {"stage": say_stage(word), "word": word}
