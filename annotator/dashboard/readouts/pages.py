"""Read-outs: their list, one with its evaluation and a form, and what one says of a photograph."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part, show_refusal
from annotator.dashboard.frame.stages import say_stage
from annotator.dashboard.readouts.fitting_form import FitForm, fill_in_like
from annotator.dashboard.readouts.forms import MoreForm, ReadForm
from annotator.dashboard.readouts.reading import Reading, View, find_map
from annotator.dashboard.trying.overlays import draw_map
from annotator.dashboard.trying.pages import STORE_SILENT, describe_progress, may_change
from annotator.dashboard.trying.pictures import BRIEFLY
from annotator.dashboard.trying.sending import send, warn_if_silent
from annotator.evidence import dividing, trying
from annotator.evidence.asking import KEPT_FOR, CannotAsk
from annotator.evidence.models import Question
from annotator.readouts.fitting import begin_fit, cancel_fit, delete_readout, take_fit
from annotator.readouts.models import Readout
from annotator.readouts.showing import CannotShow
from annotator.readouts.telling import TOY, list_figures
from annotator.refusals import Refusal
from workers.store import StoreError

N_LISTED, N_READINGS = 100, 12
# Of a report, what stands elsewhere on the page.
UNTOLD = ("task", "layer", "note")
FACTS = {
    "n_training": "to train on",
    "n_test": "to test on",
    "n_unreadable": "photographs that cannot be read",
    "c": "inverse strength of the penalty (C)",
    "hard_negatives": "rounds of hard negatives",
    "n_mapped_labels": "labels with maps of pixels",
}


@needs(Role.VIEWER)
def show_readouts(request: SignedInRequest) -> HttpResponse:
    """All read-outs with their main figures and the baselines beside them, and a form that has one fitted."""
    is_sent = request.method == "POST"
    if is_sent and not may(request.role, Role.RESEARCHER):
        return show_refusal(request, f"You need the role {Role.RESEARCHER.value} or a higher one.", status=403)
    like = Readout.objects.filter(name=request.GET.get("like", "")).first()
    form = FitForm(request.POST) if is_sent else FitForm(initial=fill_in_like(like) if like else None)
    if is_sent and form.is_valid() and (begun := _begin(request, form)) is not None:
        return redirect("readout", begun.name)
    found = Readout.objects.order_by("-created_at")[:N_LISTED]
    rows = [{"readout": one, "figures": list_figures(one)[:2]} for one in found]
    return show(
        request, "dashboard/readouts/readouts.html", title="Read-outs", rows=rows, form=form, is_open=is_sent or like,
    )  # fmt: skip


def _begin(request: SignedInRequest, form: FitForm) -> Readout | None:
    """None if the fit is refused; the form says why."""
    given = form.cleaned_data
    try:
        readout = begin_fit(
            name=given["name"], network=form.asked_network(), task=given["task"], layer=given["layer"],
            options=form.options(), now=timezone.now(), by=request.user,
        )  # fmt: skip
    except Refusal as refused:
        form.add_error(None, str(refused))
    except StoreError:
        form.add_error(None, STORE_SILENT)
    else:
        _write(request, "fit read-out", readout)
        warn_if_silent(request)
        return readout
    return None


@needs(Role.VIEWER)
def show_readout(request: SignedInRequest, name: str) -> HttpResponse:
    """One read-out: every figure of its evaluation, and the form that asks it about a photograph."""
    readout = _find(name)
    is_sent = request.method == "POST"
    if is_sent and not may(request.role, Role.RESEARCHER):
        return show_refusal(request, f"You need the role {Role.RESEARCHER.value} or a higher one.", status=403)
    form = ReadForm(request.POST, request.FILES, readout=readout) if is_sent else ReadForm(readout=readout)
    if is_sent and form.is_valid():
        try:
            question = send(request, form, form.wanted(), now=timezone.now())
        except (CannotAsk, CannotShow) as refused:
            form.add_error(None, str(refused))
        except StoreError:
            form.add_error(None, STORE_SILENT)
        else:
            return redirect("reading", question.pk)
    is_without_fit = readout.state in (Readout.State.REFUSED, Readout.State.CANCELED)
    return show(
        request,
        "dashboard/readouts/readout.html",
        title=f"Read-out {readout.name}",
        subtitle=f"{readout.get_task_display()}, {readout.architecture}",
        readout=readout,
        form=form,
        toy=TOY if readout.is_toy else "",
        figures=list_figures(readout),
        counts=_list_counts(readout.report),
        classes=readout.report.get("classes", []),
        clusters=readout.report.get("clusters", []),
        readings=_list_readings(readout),
        hourly=trying.MAX_PER_HOUR,
        days=KEPT_FOR.days,
        can_fit_again=is_without_fit and bool(fill_in_like(readout)),
        **_describe(readout),
    )


@needs(Role.VIEWER)
def show_readout_progress(request: SignedInRequest, name: str) -> HttpResponse:
    """How far its fit is, as the open page asks for it every few seconds."""
    readout = _find(name)
    response = show_part(request, "dashboard/readouts/progress.html", {"readout": readout, **_describe(readout)})
    if readout.state != Readout.State.FITTING:
        response["HX-Refresh"] = "true"  # the page has more to show now
    return response


@require_POST
@needs(Role.RESEARCHER)
def cancel_one(request: SignedInRequest, name: str) -> HttpResponse:
    """Stops a fit; the read-out stays listed, and can be fitted again."""
    readout, now = _find(name), timezone.now()
    if not cancel_fit(readout, now=now):
        return show_refusal(request, f"{readout.name} is not being fitted any more.", status=409)
    _write(request, "cancel read-out", readout)
    messages.success(request, f"The fit of {readout.name} is canceled.")
    return redirect("readout", readout.name)


@require_POST
@needs(Role.RESEARCHER)
def delete_readout_page(request: SignedInRequest, name: str) -> HttpResponse:
    """Deletes a read-out with its weights. What was asked of it stays until it is old."""
    readout = _find(name)
    try:
        delete_readout(readout)
    except (StoreError, OSError):
        return show_refusal(request, "Not deleted: the artifact store does not answer. Try again later.", status=503)
    _write(request, "delete read-out", readout)
    messages.success(request, f"{name} is deleted.")
    return redirect("readouts")


@needs(Role.VIEWER)
def show_reading(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """What a read-out says of a photograph, where, by which words and by which units."""
    question = _find_question(question_id)
    readout = _find_asked(question)
    is_answered = question.state == Question.State.ANSWERED
    may_ask = readout is not None and may(request.role, Role.RESEARCHER)
    return show(
        request,
        "dashboard/readouts/reading.html",
        title=f"Photograph {question.title}" if question.title else "A photograph",
        subtitle=readout.name if readout else "",
        question=question,
        readout=readout,
        toy=TOY if readout and readout.is_toy else "",
        reading=Reading(question, readout, View.read(request.GET.dict())) if is_answered else None,
        more=MoreForm(readout=readout) if readout and may_ask else None,
        may_change=may_change(request, question),
        deleted_at=question.asked_at + KEPT_FOR,
        **describe_progress(question),
    )


@needs(Role.VIEWER)
def show_reading_progress(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """How far the answer is, as the open page asks for it every second."""
    question = _find_question(question_id)
    told = {"question": question, **describe_progress(question)}
    response = show_part(request, "dashboard/trying/progress.html", told)
    if question.state != Question.State.ASKED:
        response["HX-Refresh"] = "true"  # the page has more to show now
    return response


@require_POST
@needs(Role.RESEARCHER)
def read_again(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """The same photograph: another question, another answer, or two answers compared. It gets a page of its own."""
    first = _find_question(question_id)
    readout = _find_asked(first)
    if readout is None:
        return show_refusal(request, "The read-out was deleted.", status=409)
    form = MoreForm(request.POST, readout=readout)
    if not form.is_valid():
        said = next(error for errors in form.errors.values() for error in errors)
        return show_refusal(request, str(said), status=422)
    try:
        question = trying.try_again(first=first, wanted=form.wanted(), asked_by=request.user, now=timezone.now())
    except StoreError:
        return show_refusal(request, STORE_SILENT, status=503)
    warn_if_silent(request)
    return redirect("reading", question.pk)


@needs(Role.VIEWER)
def send_map(request: HttpRequest, question_id: UUID, word: int | None = None) -> HttpResponse:
    """The signed evidence for the answer, or for one word of a caption, over the photograph."""
    found = find_map(_find_question(question_id).answer, word)
    if found is None:
        raise Http404
    return HttpResponse(draw_map(found), content_type="image/png", headers={"Cache-Control": BRIEFLY})


def _find(name: str) -> Readout:
    readout: Readout = get_object_or_404(Readout.objects.select_related("question"), name=name)
    if readout.question is not None:
        take_fit(readout.question, now=timezone.now())
        readout.refresh_from_db()
    return readout


def _find_question(question_id: UUID) -> Question:
    asked = Question.objects.select_related("asked_by").filter(kind=Question.Kind.READ, options__in_full=True)
    found: Question = get_object_or_404(asked, pk=question_id)
    return found


def _find_asked(question: Question) -> Readout | None:
    return Readout.objects.filter(pk=question.options.get("readout")).first()


def _list_readings(readout: Readout) -> list[Question]:
    asked = Question.objects.filter(kind=Question.Kind.READ, options__in_full=True, options__readout=str(readout.pk))
    return list(asked.order_by("-asked_at")[:N_READINGS])


def _list_counts(report: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Plain facts of the report: counts, the split, the baseline's answer."""
    return [
        (FACTS.get(name, name.removeprefix("n_").replace("_", " ")), f"{value:,}" if isinstance(value, int) else value)
        for name, value in report.items()
        if isinstance(value, (int, float, str)) and name not in UNTOLD
    ]


def _describe(readout: Readout) -> dict[str, Any]:
    """What the GPU process does."""
    if readout.state != Readout.State.FITTING:
        return {}
    word = dividing.read_progress(readout.question) if readout.question is not None else None
    return {"word": word, "stage": say_stage(word)}


def _write(request: SignedInRequest, action: str, readout: Readout) -> None:
    subject = f"read-out {readout.name}"
    write_audit_entry(actor=request.user, action=action, subject=subject, details={}, now=timezone.now())
