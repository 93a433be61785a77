"""A person's qualifications: what they hold, what they can request, tests."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotator.sandbox import switchboard
from annotator.sandbox.acts import granting, qualifying
from annotator.sandbox.acts.standing import Standing
from annotator.sandbox.models import Person, QualificationRequest, QualificationType
from annotator.sandbox.questions import documents, question_form
from annotator.sandbox.worker import form_answers, session

MAX_SHOWN = 200
State = QualificationRequest.State


@require_GET
@session.for_people
def show_all(request: HttpRequest, person: Person) -> HttpResponse:
    """Qualifications that this person has or may ask for."""
    now = session.settled_now()
    words = session.clean(request.GET.get("words", "")[:200])
    held = person.qualifications.filter(is_revoked=False).select_related("type__requester")
    is_open = Q(state=State.PENDING) | Q(state=State.STARTED, ends_at__gte=now)
    asked = person.qualification_requests.filter(is_open).select_related("type")
    offered = QualificationType.objects.filter(is_active=True, deleted_at=None).select_related("requester")
    if words:
        offered = offered.filter(
            Q(name__icontains=words) | Q(description__icontains=words) | Q(keywords__icontains=words)
        )
    once = person.qualification_requests.filter(type__retry_delay_seconds=None)
    revoked = person.qualifications.filter(is_revoked=True, type__is_auto_granted=True, type__retry_delay_seconds=None)
    offered = offered.exclude(id__in=held.values("type")).exclude(id__in=revoked.values("type"))
    offered = offered.exclude(id__in=asked.values("type")).exclude(id__in=once.values("type")).order_by("name", "id")
    standing = Standing(person)
    own = [(name, qualifying.compute(standing, type_id).in_words) for type_id, name in _COMPUTED.items()]
    return session.show(
        request, "qualifications", person, held=held, asked=asked, offered=offered[:MAX_SHOWN], own=own, words=words
    )


_COMPUTED = {
    qualifying.PERCENT_APPROVED: gettext_noop("Assignments approved (percent)"),
    qualifying.N_APPROVED: gettext_noop("HITs approved"),
    qualifying.LOCALE: gettext_noop("Location"),
}


@require_POST
@session.for_people
def request_one(request: HttpRequest, person: Person, type_id: str) -> HttpResponse:
    """Asks for a qualification."""
    kind = QualificationType.objects.filter(mturk_id=type_id, deleted_at=None).first()
    if kind is None:
        return session.show_problem(request, person, "There is no such qualification.", status=404)
    asked = granting.start_request(kind, person, now=switchboard.read().now())
    if asked is not None and asked.state == State.STARTED:
        return redirect("sandbox-test", asked.mturk_id)
    return redirect("sandbox-qualifications")


@require_http_methods(["GET", "POST"])
@session.for_people
def take_test(request: HttpRequest, person: Person, request_id: str) -> HttpResponse:
    """The test of a qualification."""
    now = switchboard.read().now()
    asked = person.qualification_requests.select_related("type__requester").filter(mturk_id=request_id).first()
    if asked is None or not asked.test:
        return session.show_problem(request, person, "There is no such test.", status=404)
    if asked.state != State.STARTED:
        return redirect("sandbox-qualifications")
    granting.check_test_runs(asked, now=now)
    form = documents.read_question(asked.test)
    assert isinstance(form, question_form.QuestionForm)
    problems: list[str] = []
    if request.method == "POST":
        filled = form_answers.read_filled(form, request)
        problems = filled.problems
        if not problems:
            value = granting.submit_test(asked, filled.answers, now=now)
            return session.show(request, "test_done", person, asked=asked, value=value)
    seconds = int((asked.ends_at - now).total_seconds()) if asked.ends_at else 0
    return session.show(
        request, "test", person, status=400 if problems else 200, asked=asked, form=form, problems=problems,
        n_seconds_left=max(0, seconds),
    )  # fmt: skip
