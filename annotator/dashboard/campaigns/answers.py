"""A campaign's answers, one by one: approve, leave out of the count, or reject with a second person."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.crowd.assignments import tell_answer
from annotator.crowd.judging.rejecting import MIN_REASON
from annotator.crowd.models import Assignment, Campaign
from annotator.dashboard.campaigns.answer_table import COLUMNS, AnswerFilter, list_answers
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.work.performing import UnderWay
from annotator.work.table import STEPS

CHOSEN = ("approve-chosen", "leave-out-chosen")


@needs(Role.VIEWER)
def show_answers(request: SignedInRequest, name: str) -> HttpResponse:
    """A campaign's answers, one by one: filtered by state, suspicion, unit and person, sorted by any column."""
    campaign, form = get_object_or_404(Campaign, name=name), AnswerFilter(request.GET)
    if unknown := sorted(set(request.GET) - set(form.fields) - {"page"}):
        return show_refusal(request, f"Answers cannot be filtered by {unknown[0][:40]}.", status=400)
    if not form.is_valid():
        field, errors = next(iter(form.errors.items()))
        return show_refusal(request, f"{field}: {errors[0]}", status=400)
    return show(
        request,
        "dashboard/campaigns/answers.html",
        title=f"Answers of {name}",
        campaign=campaign,
        form=form,
        columns=COLUMNS,
        min_reason=MIN_REASON,
        sort=form.cleaned_data["sort"] or "answer",
        table=list_answers(campaign, asked=form.cleaned_data, given=request.GET),
    )


@require_POST
@needs(Role.REVIEWER)
def decide_chosen(request: SignedInRequest, name: str) -> HttpResponse:
    """One step about all answers that were ticked."""
    campaign, decision = get_object_or_404(Campaign, name=name), request.POST.get("decision", "")
    if decision not in CHOSEN:
        return show_refusal(request, "There is no such decision on several answers.", status=400)
    try:
        job = ask_step(request, STEPS[decision], campaign)
        messages.success(request, job.sentence or f"{STEPS[decision].title}: it is being done.")
    except UnderWay as under_way:
        messages.info(request, str(under_way))
    return redirect(f"{reverse('answers', args=[name])}?{request.GET.urlencode()}")


@require_POST
@needs(Role.REVIEWER)
def decide_answer(request: SignedInRequest, name: str, assignment_id: int) -> HttpResponse:
    """One step of the table of steps about one answer."""
    rows = Assignment.objects.select_related("hit__campaign", "hit__hit_type", "rejection")
    row = get_object_or_404(rows, pk=assignment_id, hit__campaign__name=name)
    decision = request.POST.get("decision", "")
    step = STEPS.get(decision)
    if step is None or step.subject != "assignment":
        return show_refusal(request, "There is no such decision on an answer.", status=400)
    ask_step(request, step, row)
    messages.success(
        request, f"{step.title}: {', '.join(tell_answer(row).values()) or 'an answer that cannot be read'}"
    )
    # Return to the same page with the same filter.
    return redirect(f"{reverse('answers', args=[name])}?{request.GET.urlencode()}#answer-{row.pk}")
