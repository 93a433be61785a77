""" "Try a photograph": one form, and a permanent page for each photograph that somebody tried."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.choices import list_networks
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part, show_refusal
from annotator.dashboard.frame.stages import say_stage
from annotator.dashboard.trying.forms import AgainForm, TryForm
from annotator.dashboard.trying.parts import View
from annotator.dashboard.trying.sending import send, warn_if_silent
from annotator.dashboard.trying.trial import Trial
from annotator.evidence import trying
from annotator.evidence.asking import KEPT_FOR, CannotAsk
from annotator.evidence.models import Question
from annotator.evidence.trying import Wanted
from annotator.units import gpu_queue
from annotator.units.models import Layer, Network
from annotator.units.settling import same_preprocessing
from workers import contract
from workers.store import StoreError, open_store

N_LISTED = 24
STORE_SILENT = "The store of photographs does not answer. Try again later."


@needs(Role.VIEWER)
def try_one(request: SignedInRequest) -> HttpResponse:
    """The form, and what was tried last. Researchers may try; everybody who is signed in may look."""
    is_sent = request.method == "POST"
    if is_sent and not may(request.role, Role.RESEARCHER):
        return show_refusal(request, f"You need the role {Role.RESEARCHER.value} or a higher one.", status=403)
    initial = {"network": request.GET.get("network")}
    form = TryForm(request.POST, request.FILES) if is_sent else TryForm(initial=initial)
    if is_sent and form.is_valid():
        try:
            question = send(request, form, Wanted(form.cleaned_data["network"]), now=timezone.now())
        except (CannotAsk, StoreError) as refused:
            form.add_error(None, str(refused) if isinstance(refused, CannotAsk) else STORE_SILENT)
        else:
            return redirect("trial", question.pk)
    tried = (
        Question.objects.filter(options__in_full=True, kind=Question.Kind.EXPLAIN)
        .exclude(title="")
        .order_by("-asked_at")
    )
    return show(
        request,
        "dashboard/trying/try.html",
        title="Try a photograph",
        form=form,
        has_networks=list_networks().exists(),
        tried=tried.only("id", "title", "architecture", "state", "asked_at", "is_kept")[:N_LISTED],
        days=KEPT_FOR.days,
        hourly=trying.MAX_PER_HOUR,
    )


@needs(Role.VIEWER)
def show_trial(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """A photograph: predictions, where and why, the difference of two classes, and the units that fire."""
    question = _find(question_id)
    if question.kind == Question.Kind.READ:
        return redirect("reading", question.pk)
    trial = Trial(question, View.read(request.GET.dict())) if question.state == Question.State.ANSWERED else None
    return show(
        request,
        "dashboard/trying/trial.html",
        title=f"Photograph {question.title}" if question.title else "A photograph",
        subtitle=question.architecture,
        question=question,
        trial=trial,
        again=_make_again(question) if may(request.role, Role.RESEARCHER) else None,
        ranking=question.answer.get("ranking", []),
        may_change=may_change(request, question),
        deleted_at=question.asked_at + KEPT_FOR,
        **describe_progress(question),
    )


@needs(Role.VIEWER)
def show_trial_progress(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """How far the answer is, as the open page asks for it every second."""
    question = _find(question_id)
    response = show_part(
        request, "dashboard/trying/progress.html", {"question": question, **describe_progress(question)}
    )
    if question.state != Question.State.ASKED:
        response["HX-Refresh"] = "true"  # the page has more to show now
    return response


def describe_progress(question: Question) -> dict[str, Any]:
    """Whether the photograph can be shown yet, what is to be said of it, and what the GPU process does."""
    try:
        store = open_store(question.folder)
        about = json.loads(store.read(contract.ABOUT_PHOTOGRAPH)) if _is_read(store) else None
    except (StoreError, OSError):
        about = None
    is_asked = question.state == Question.State.ASKED
    return {"about": about, "stage": say_stage(gpu_queue.read_progress(question.id, 0)) if is_asked else ""}


def _is_read(store: Any) -> bool:
    return bool(store.exists(contract.SHOWN_PHOTOGRAPH) and store.exists(contract.ABOUT_PHOTOGRAPH))


def _find(question_id: UUID) -> Question:
    return get_object_or_404(Question.objects.select_related("asked_by"), pk=question_id, options__in_full=True)


def may_change(request: SignedInRequest, question: Question) -> bool:
    """Whoever tried it first, and admins."""
    return may(request.role, Role.ADMIN) or trying.is_owner(request.user, question)


def _make_again(question: Question, data: Any = None) -> AgainForm:
    alike = list_networks().filter(same_preprocessing(question.preprocessing), architecture=question.architecture)
    alike = alike.filter(weights=question.weights)
    same = alike.filter(code_folder=question.code_folder).first() or alike.first()
    of_its_network = Layer.objects.filter(network__architecture=question.architecture)
    paths = of_its_network.values_list("path", flat=True).distinct().order_by("path")
    return AgainForm(
        data,
        layers=list(paths),
        names=question.answer.get("class_names", []),
        initial={"network": same.name if same else None, "layer": question.options.get("layer", "")},
    )


@require_POST
@needs(Role.RESEARCHER)
def ask_again(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """The same photograph for another class, layer or network: a question with a page of its own."""
    first = _find(question_id)
    if first.kind != Question.Kind.EXPLAIN:
        raise Http404
    form = _make_again(first, request.POST)
    if not form.is_valid():
        said = next(error for errors in form.errors.values() for error in errors)
        return show_refusal(request, str(said), status=422)
    wanted, shown = _read_again(first, form.cleaned_data)
    if shown is not None:
        return redirect(f"{reverse('trial', args=[first.pk])}?class={_top(first)}&against={shown}#difference")
    try:
        question = trying.try_again(first=first, wanted=wanted, asked_by=request.user, now=timezone.now())
    except StoreError:
        return show_refusal(request, STORE_SILENT, status=503)
    warn_if_silent(request)
    address, named = reverse("trial", args=[question.pk]), form.cleaned_data["named"]
    if named is None:
        return redirect(address)
    if not _is_of(first, form.cleaned_data["network"]):
        messages.warning(request, "The class was left out: it is one of the other network's.")
        return redirect(address)
    return redirect(f"{address}?class={_top(first)}&against={named}")


def _read_again(first: Question, given: dict[str, Any]) -> tuple[Wanted, int | None]:
    """What is wanted, and the class to compare with if nothing else is and the answer has it already."""
    named, network, layer = given["named"], given["network"], given["layer"]
    known = [one["class_index"] for one in first.answer.get("predictions", [])]
    if named is None or not _is_of(first, network):
        return Wanted(network, layer), None
    wanted = Wanted(network, layer, tuple(dict.fromkeys([*known[:5], named])))
    return wanted, named if named in known and layer == first.options.get("layer", "") else None


def _is_of(question: Question, network: Network) -> bool:
    """True if the question was put to this network."""
    parts = ("architecture", "weights", "preprocessing", "code_folder")
    return all(getattr(question, part) == getattr(network, part) for part in parts)


def _top(question: Question) -> int:
    return int(question.answer["predictions"][0]["class_index"])


@require_POST
@needs(Role.RESEARCHER)
def keep_one(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """Keeps a photograph beyond the stated time, or no longer."""
    question = _find(question_id)
    if not may_change(request, question):
        return show_refusal(request, "Whoever tried this photograph, or an admin, says whether it is kept.", status=403)
    trying.set_kept(question, is_kept="keep" in request.POST, by=request.user, now=timezone.now())
    return redirect("trial", question.pk)


@require_POST
@needs(Role.RESEARCHER)
def delete_one(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """Deletes a photograph with everything that was asked about it."""
    question = _find(question_id)
    if not may_change(request, question):
        return show_refusal(request, "Whoever tried this photograph, or an admin, may delete it.", status=403)
    try:
        trying.delete_photograph(question, by=request.user, now=timezone.now())
    except (StoreError, OSError):
        return show_refusal(request, f"Not deleted. {STORE_SILENT}", status=503)
    messages.success(request, "The photograph and what was asked about it are deleted.")
    return redirect("try" if question.kind == Question.Kind.EXPLAIN else "readouts")
