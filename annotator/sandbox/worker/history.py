"""A person's own pages: accepted HITs, work done and earnings, messages, writing to a requester."""

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods

from annotator.sandbox import switchboard
from annotator.sandbox.acts import paying_out
from annotator.sandbox.models import Message, Person, Requester
from annotator.sandbox.rules.states import LISTED, AssignmentState
from annotator.sandbox.worker import limits, session

MAX_SHOWN = 200


@require_GET
@session.for_people
def show_queue(request: HttpRequest, person: Person) -> HttpResponse:
    """The HITs that this person has accepted."""
    session.settled_now()
    held = person.assignments.filter(state=AssignmentState.ACCEPTED).select_related("hit__hit_type__requester")
    return session.show(request, "queue", person, assignments=held)


@require_GET
@session.for_people
def show_history(request: HttpRequest, person: Person) -> HttpResponse:
    """What this person submitted, and what was paid."""
    session.settled_now()
    done = person.assignments.filter(state__in=LISTED).select_related("hit__hit_type__requester").order_by("-id")
    earned = paying_out.find_earnings(person)
    waiting = done.filter(state=AssignmentState.SUBMITTED).aggregate(sum=Sum("reward_usd", default=0))["sum"]
    return session.show(
        request, "history", person, assignments=done.prefetch_related("bonuses")[:MAX_SHOWN], earned=earned,
        waiting=waiting, n_done=done.count(), payouts=person.payouts.order_by("-id"),
    )  # fmt: skip


@require_GET
@session.for_people
def show_messages(request: HttpRequest, person: Person) -> HttpResponse:
    """Messages between this person and requesters."""
    messages = list(person.messages.select_related("requester")[:MAX_SHOWN])
    response = session.show(request, "messages", person, messages=messages)
    # One that came meanwhile, or is older than those that are shown, was not read.
    shown = person.messages.filter(pk__in=[message.pk for message in messages])
    shown.filter(read_at=None, is_from_person=False).update(read_at=switchboard.read().now())
    return response


@require_http_methods(["GET", "POST"])
@session.for_people
def write_message(request: HttpRequest, person: Person, requester_id: str) -> HttpResponse:
    """Form fields: subject, text. A page about a HIT proposes the subject."""
    requester = Requester.objects.filter(mturk_id=requester_id).first()
    if requester is None:
        return session.show_problem(request, person, "There is no such requester.", status=404)
    fields = request.POST if request.method == "POST" else request.GET
    subject, text = (session.clean(fields.get(name, "")).strip() for name in ("subject", "text"))
    problem = ""
    if request.method == "POST":
        limits.check_person(person.pk, "message", most=limits.MESSAGES_PER_HOUR)
        if subject and text and len(subject) <= 200 and len(text) <= 4096:
            Message.objects.create(
                requester=requester, person=person, is_from_person=True, subject=subject, text=text,
                sent_at=switchboard.read().now(),
            )  # fmt: skip
            return redirect("sandbox-messages")
        problem = gettext_noop("Write a subject of at most 200 characters and a text of at most 4,096.")
    return session.show(
        request, "write", person, status=400 if problem else 200, requester=requester, problem=problem,
        subject=subject, text=text,
    )  # fmt: skip
