"""The crowd: what is left to spend at each marketplace, and what people wrote to whoever asks them."""

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.crowd.letters import (
    MAX_TEXT,
    CannotAnswer,
    claim_again,
    find_campaigns,
    find_unread,
    list_marketplaces,
    send_answer,
    write_answer,
)
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import Letter
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part
from annotator.dashboard.frame.paging import read_page
from annotator.refusals import Refusal

PAGE_SIZE = 10


@needs(Role.RESEARCHER)
def show_crowd(request: SignedInRequest) -> HttpResponse:
    """Balances, and the letters of people, the newest first, each with its answers."""
    return _show(request, _list_letters())


@needs(Role.RESEARCHER)
def show_balance(request: SignedInRequest, marketplace: str) -> HttpResponse:
    """What can still be spent at a marketplace, which is asked now."""
    if marketplace not in list_marketplaces():
        raise Http404
    balance, problem = None, ""
    try:
        account = open_marketplace(marketplace).account
        balance = account.read_balance() if account else None
    except Refusal as reason:
        problem = str(reason)
    return show_part(request, "dashboard/crowd/balance.html", {"balance": balance, "problem": problem})


@require_POST
@needs(Role.REVIEWER)
def answer_one(request: SignedInRequest, letter_id: int) -> HttpResponse:
    """Writes to the person; what was written is kept, with the reason if it did not reach them."""
    letter = get_object_or_404(Letter.objects.select_related("worker"), pk=letter_id, answered_to=None)
    now, text = timezone.now(), request.POST.get("text", "")
    try:
        with transaction.atomic():
            answer = write_answer(letter, text=text, by=request.user.get_username(), now=now)
            _note(request, "answer letter", letter)
    except CannotAnswer as reason:
        return _show(request, _list_letters().filter(pk=letter.pk), refusal=str(reason), kept=text)
    return _send(request, answer)


@require_POST
@needs(Role.REVIEWER)
def send_again(request: SignedInRequest, letter_id: int) -> HttpResponse:
    """Sends an answer that did not reach the person."""
    answers = Letter.objects.select_related("worker").exclude(answered_to=None)
    answer = get_object_or_404(answers, pk=letter_id)
    with transaction.atomic():
        claim_again(answer, now=timezone.now())
        _note(request, "send answer again", answer)
    return _send(request, answer)


@require_POST
@needs(Role.REVIEWER)
def mark_read(request: SignedInRequest, letter_id: int) -> HttpResponse:
    """The letter needs no answer."""
    Letter.objects.filter(pk=letter_id, read_at=None).update(read_at=timezone.now())
    return redirect("crowd")


def _list_letters() -> "QuerySet[Letter]":
    letters = Letter.objects.filter(answered_to=None).exclude(text="")
    return letters.select_related("worker").prefetch_related("answers")


def _show(request: SignedInRequest, letters: "QuerySet[Letter]", *, refusal: str = "", kept: str = "") -> HttpResponse:
    """`refusal`: why an answer was not taken; `kept`: its text, which stands in the form again."""
    page = read_page(letters, number=request.GET.get("page"), size=PAGE_SIZE)
    campaigns = find_campaigns(list(page))
    return show(
        request,
        "dashboard/crowd/crowd.html",
        title="Crowd",
        status=422 if refusal else 200,
        page=page,
        letters=[(one, campaigns.get(one.pk, "")) for one in page],
        n_unread=find_unread().count(),
        marketplaces=list_marketplaces(),
        max_text=MAX_TEXT,
        refusal=refusal,
        kept=kept,
    )


def _note(request: SignedInRequest, action: str, letter: Letter) -> None:
    told = {"to": letter.worker.pseudonym, "marketplace": letter.marketplace}
    write_audit_entry(
        actor=request.user, action=action, subject=f"letter {letter.pk}", details=told, now=timezone.now()
    )


def _send(request: SignedInRequest, answer: Letter) -> HttpResponse:
    if problem := send_answer(answer):
        messages.error(request, f"It did not reach the person. {problem}")
    else:
        messages.success(request, "Your answer was sent.")
    return redirect("crowd")
