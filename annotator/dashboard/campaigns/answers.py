"""A campaign's answers, one by one: approve, leave out of the count, or reject with a second person."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from annotator.accounts.models import Role
from annotator.crowd.assignments import list_findings, tell_answer
from annotator.crowd.hit_types.templates import render_summary
from annotator.crowd.judging.excluding import list_judged_answers
from annotator.crowd.judging.suspicions import Flag, JudgedAnswer, find_suspicions
from annotator.crowd.models import ANSWERED, Answer, Assignment, Campaign
from annotator.dashboard.campaigns.counts import read_campaign_counts
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.asking import ask_step
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.work.performing import UnderWay
from annotator.work.table import STEPS

PAGE_SIZE = 50
FILTERS = {"state", "flagged", "person", "page"}
CHOSEN = ("approve-chosen", "leave-out-chosen")
# Each answer is judged against all others of the campaign. With more answers, a page would take too long.
MAX_JUDGED = 20_000


@needs(Role.VIEWER)
def show_answers(request: SignedInRequest, name: str) -> HttpResponse:
    """A campaign's answers, one by one, filtered by state, suspicion and person."""
    campaign = get_object_or_404(Campaign, name=name)
    state, person = request.GET.get("state", ""), request.GET.get("person", "")
    states = [one.value for one in ANSWERED]
    if set(request.GET) - FILTERS or state not in ("", *states):
        return show_refusal(request, f"state is one of {', '.join(states)}.", status=400)
    flags = _read_flags(campaign)
    answers = (
        Assignment.objects.filter(hit__campaign=campaign, state__in=[state] if state else states)
        .select_related("worker", "hit__hit_type", "rejection")
        .prefetch_related(Prefetch("answers", _with_units()))
        .defer("draft", "raw_answer")
        .order_by("id")
    )
    if is_flagged := request.GET.get("flagged") == "1":
        answers = answers.filter(pk__in=[pk for pk, found in (flags or {}).items() if found])
    if person:
        answers = answers.filter(worker__pseudonym=person)
    page = Paginator(answers, PAGE_SIZE).get_page(request.GET.get("page"))
    return show(
        request,
        "dashboard/campaigns/answers.html",
        title=f"Answers of {name}",
        campaign=campaign,
        states=states,
        state=state,
        is_flagged=is_flagged,
        person=person,
        answers=page,
        rows=[(answer, _summarize(answer), (flags or {}).get(answer.pk, ())) for answer in page],
        is_judged=flags is not None,
    )


def _read_flags(campaign: Campaign) -> Mapping[int, Sequence[Flag]] | None:
    """The suspicions by answer. None if the campaign has too many answers to judge during a request."""
    n_answers = read_campaign_counts([campaign.pk])[campaign.pk].n_answers
    return _find_flags(tuple(list_judged_answers(campaign))) if n_answers <= MAX_JUDGED else None


@lru_cache(maxsize=8)
def _find_flags(answers: tuple[JudgedAnswer, ...]) -> Mapping[int, Sequence[Flag]]:
    """By the answers themselves: an answer may change, or another one take its place, while their number stays."""
    return find_suspicions(answers).flags


def _with_units() -> QuerySet[Answer]:
    return Answer.objects.select_related("hit_unit__unit__layer__network").order_by("hit_unit__position")


def _summarize(row: Assignment) -> str:
    return render_summary(row.hit.hit_type.template, list_findings(row.answers.all()))


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
