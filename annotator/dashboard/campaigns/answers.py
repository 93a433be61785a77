"""A campaign's answers, one by one: approve, leave out of the count, or reject with a second person."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Role
from annotator.accounts.roles import LEAST_ROLE, Permission, may
from annotator.crowd.judging.approving import CannotReview, leave_out
from annotator.crowd.judging.rejecting import propose_rejection, withdraw_proposal
from annotator.crowd.models import ANSWERED, Assignment, Campaign
from annotator.dashboard.campaigns.answer_flags import read_flags
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.work.sending import send_work

PAGE_SIZE = 50
# What a person may do with an answer, and the role it takes. What reaches the marketplace goes through the web queue.
DECISIONS = {
    "approve": LEAST_ROLE[Permission.APPROVE],
    "leave out": Role.REVIEWER,
    "count again": Role.REVIEWER,
    "propose rejection": Role.REVIEWER,
    "withdraw proposal": Role.REVIEWER,
    "confirm rejection": LEAST_ROLE[Permission.REJECT],
    "overturn rejection": LEAST_ROLE[Permission.APPROVE],
}
QUEUED = {"approve": "approve-one", "confirm rejection": "reject-one", "overturn rejection": "overturn"}


@needs(Role.VIEWER)
def show_answers(request: SignedInRequest, name: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign, name=name)
    state = request.GET.get("state", "")
    states = [one.value for one in ANSWERED]
    if set(request.GET) - {"state", "page"} or state not in ("", *states):
        return show_refusal(request, f"state is one of {', '.join(states)}.", status=400)
    answers = (
        Assignment.objects.filter(hit__campaign=campaign, state__in=[state] if state else states)
        .select_related("worker", "hit__unit__layer__network", "rejection")
        .defer("shown_ranks", "draft", "raw_answer")
        .order_by("id")
    )
    page, flags = Paginator(answers, PAGE_SIZE).get_page(request.GET.get("page")), read_flags(campaign)
    return show(
        request,
        "dashboard/campaigns/answers.html",
        title=f"Answers of {name}",
        campaign=campaign,
        states=states,
        state=state,
        answers=page,
        rows=[(answer, (flags or {}).get(answer.pk, ())) for answer in page],
        is_judged=flags is not None,
    )


@require_POST
@needs(Role.REVIEWER)
def decide_answer(request: SignedInRequest, name: str, assignment_id: int) -> HttpResponse:
    rows = Assignment.objects.select_related("hit__campaign", "hit__unit__layer__network", "rejection")
    row = get_object_or_404(rows, pk=assignment_id, hit__campaign__name=name)
    decision, reason = request.POST.get("decision", ""), request.POST.get("reason", "")
    if decision not in DECISIONS:
        return show_refusal(request, f"A decision is one of {', '.join(DECISIONS)}.", status=400)
    if not may(request.role, DECISIONS[decision]):
        return show_refusal(request, f"This takes the role {DECISIONS[decision].value} or one above it.", status=403)
    try:
        with transaction.atomic():
            _decide(request, row, decision, reason)
            details = {"answer": row.pk, "reason": reason} if reason else {"answer": row.pk}
            subject = f"campaign {name}"
            write_audit_entry(actor=request.user, action=decision, subject=subject, details=details, now=timezone.now())
    except CannotReview as refused:
        return show_refusal(request, str(refused), status=422)
    if decision in QUEUED:
        send_work(campaign=name, kind=QUEUED[decision], user=request.user, values=[row.pk])
    messages.success(request, f"{decision}: {row.description or 'an answer without words'}")
    # Back to the same page of the same filter.
    return redirect(f"{reverse('answers', args=[name])}?{request.GET.urlencode()}#answer-{row.pk}")


def _decide(request: SignedInRequest, row: Assignment, decision: str, reason: str) -> None:
    """What the database alone decides; the others are checked again by the task that carries them out."""
    match decision:
        case "leave out" | "count again":
            leave_out(assignment=row, reason=reason, is_left_out=decision == "leave out")
        case "propose rejection":
            propose_rejection(
                assignment=row,
                reason=reason,
                evidence=_evidence(row),
                proposed_by=request.user.get_username(),
                now=timezone.now(),
            )
        case "withdraw proposal":
            withdraw_proposal(rejection=_rejection(row))
        case "confirm rejection":
            if _rejection(row).proposed_by == request.user.get_username():
                raise CannotReview("A rejection takes a second person.")
        case "overturn rejection":
            if _rejection(row).confirmed_at is None:
                raise CannotReview("This rejection was never sent; it can be withdrawn.")


def _rejection(row: Assignment) -> Any:
    rejection = getattr(row, "rejection", None)
    if rejection is None:
        raise CannotReview("Nobody has proposed to reject this answer.")
    return rejection


def _evidence(row: Assignment) -> dict[str, Any]:
    """What the proposer saw on the page."""
    return {
        "planted negatives missed": row.n_planted_missed,
        "precision": row.precision,
        "active seconds": row.active_seconds,
        "description": row.description,
    }
