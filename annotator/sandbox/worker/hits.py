"""One HIT: preview, accept, work, return, submit, skip to the next."""

import datetime as dt
import hashlib
import hmac
import math
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from annotator.languages import find_chosen
from annotator.sandbox.acts import catalog, working
from annotator.sandbox.frames import content
from annotator.sandbox.frames.submissions import NO_ASSIGNMENT
from annotator.sandbox.models import HIT, Assignment, HITType, Person
from annotator.sandbox.questions import answers, documents, question_form
from annotator.sandbox.rules.states import AssignmentState, HITStatus
from annotator.sandbox.worker import form_answers, session


@require_GET
def preview(request: HttpRequest, hit_id: str) -> HttpResponse:
    """One HIT before it is accepted."""
    now = session.settled_now()
    person = session.find_person(request)
    shown = HIT.objects.exclude(status=HITStatus.DISPOSED).select_related("hit_type__requester")
    hit = shown.filter(mturk_id=hit_id).first()
    if hit is None:
        return session.show_problem(request, person, "There is no such HIT.", status=404)
    if person is not None and (mine := _running(person).filter(hit=hit).first()):
        return redirect("sandbox-work", mine.mturk_id)
    group = catalog.describe_one(hit.hit_type, person, n_open=1)
    if group is None:
        return session.show_problem(request, person, "There is no such HIT.", status=404)
    if not group.may_preview:
        return session.show_problem(request, person, group.unmet, status=403)
    is_open = catalog.open_hits(person, now=now).filter(id=hit.pk).exists()
    asked = _question(hit, None, language=find_chosen(request))
    return session.show(request, "preview", person, hit=hit, group=group, is_open=is_open, **asked)


@require_GET
def preview_next(request: HttpRequest, group_id: str) -> HttpResponse:
    """The group's next HIT after `after` (used for skipping); the list if there is none."""
    now = session.settled_now()
    kind = HITType.objects.filter(group_id=group_id).first()
    after = (
        HIT.objects.filter(mturk_id=session.clean(request.GET.get("after", ""))).values_list("id", flat=True).first()
        or 0
    )
    hit = catalog.next_hit(kind, session.find_person(request), after=after, now=now) if kind else None
    return redirect("sandbox-preview", hit.mturk_id) if hit else redirect("sandbox-list")


@require_POST
@session.for_people
def accept(request: HttpRequest, person: Person, hit_id: str) -> HttpResponse:
    """Accepts one HIT."""
    now = session.settled_now()
    hit = HIT.objects.filter(mturk_id=hit_id).first()
    if hit is None:
        return session.show_problem(request, person, "There is no such HIT.", status=404)
    assignment = working.accept(person, hit_id=hit.pk, now=now)
    return redirect("sandbox-work", assignment.mturk_id)


@require_POST
@session.for_people
def accept_next(request: HttpRequest, person: Person, group_id: str) -> HttpResponse:
    """Any free HIT of the group."""
    now = session.settled_now()
    assignment = working.accept_any(person, group_id=group_id, now=now)
    if assignment is not None:
        return redirect("sandbox-work", assignment.mturk_id)
    return session.show_problem(request, person, "There are no more HITs in this group for you.", status=409)


@require_GET
@session.for_people
def work(request: HttpRequest, person: Person, assignment_id: str) -> HttpResponse:
    """An accepted HIT in its frame."""
    now = session.settled_now()
    assignment = _own(person, assignment_id)
    if assignment is None:
        return session.show_problem(request, person, "You have no such HIT.", status=404)
    if assignment.state != AssignmentState.ACCEPTED:
        return session.show(request, "done", person, assignment=assignment, hit=assignment.hit)
    return _show_work(request, assignment, now=now)


@require_POST
@session.for_people
def give_back(request: HttpRequest, person: Person, assignment_id: str) -> HttpResponse:
    """Returns an accepted HIT."""
    assignment = working.give_back(assignment_id, person=person, now=session.settled_now())
    return redirect("sandbox-group", assignment.hit.hit_type.group_id)


@require_POST
@session.for_people
def submit_form(request: HttpRequest, person: Person, assignment_id: str) -> HttpResponse:
    """The answers to a QuestionForm, which this site shows itself."""
    now = session.settled_now()
    assignment = _own(person, assignment_id)
    if assignment is None:
        return session.show_problem(request, person, "You have no such HIT.", status=404)
    form = documents.read_question(assignment.hit.question)
    if not isinstance(form, question_form.QuestionForm):
        return session.show_problem(request, person, "This HIT is answered in its own frame.", status=409)
    filled = form_answers.read_filled(form, request)
    # Of one that is not in progress any more nothing is asked for again: what is said is why it is not.
    if filled.problems and assignment.state == AssignmentState.ACCEPTED:
        return _show_work(request, assignment, now=now, status=400, problems=filled.problems)
    working.submit(assignment_id, answer=answers.write(filled.answers), files=filled.files, now=now)
    return redirect("sandbox-work", assignment_id)


def _show_work(
    request: HttpRequest, assignment: Assignment, *, now: dt.datetime, status: int = 200, problems: Sequence[str] = ()
) -> HttpResponse:
    return session.show(
        request, "work", assignment.person, status=status, assignment=assignment, hit=assignment.hit, problems=problems,
        n_seconds_left=max(0, int((assignment.deadline - now).total_seconds())),
        **_question(assignment.hit, assignment, language=find_chosen(request)),
    )  # fmt: skip


def _running(person: Person) -> QuerySet[Assignment]:
    return person.assignments.filter(state=AssignmentState.ACCEPTED)


def _own(person: Person, assignment_id: str) -> Assignment | None:
    return person.assignments.select_related("hit__hit_type__requester").filter(mturk_id=assignment_id).first()


def _question(hit: HIT, assignment: Assignment | None, *, language: str) -> dict[str, Any]:
    """What the page shows: the address of a frame, or a form of this site's own."""
    question = documents.read_question(hit.question)
    if isinstance(question, documents.ExternalQuestion):
        rights = f"{content.RIGHTS} {content.SAME_ORIGIN}"
        return _frame(
            frame_url(question.url, hit, assignment, language=language), question.frame_height_px, rights=rights
        )
    if isinstance(question, documents.HTMLQuestion):
        url = frame_url(content.content_url(hit), hit, assignment, language=language)
        rights = f"{content.RIGHTS} {content.SAME_ORIGIN}" if settings.SANDBOX_CONTENT_URL else content.RIGHTS
        return _frame(url, question.frame_height_px, rights=rights)
    return {"form": question}


def _frame(url: str, height_px: int, *, rights: str) -> dict[str, Any]:
    return {"frame_url": url, "frame_height": height_px, "frame_rights": rights, "frame_features": content.FEATURES}


def frame_url(url: str, hit: HIT, assignment: Assignment | None, *, language: str) -> str:
    """The page's address with Amazon's parameters; in a preview without the worker's.

    While somebody works, one more is added, which Amazon does not have: a proof for the requester that this worker
    holds this assignment; and `language`, if the person chose one. Pages that do not know them pass over them.
    """
    added = {
        "assignmentId": assignment.mturk_id if assignment else NO_ASSIGNMENT,
        "hitId": hit.mturk_id,
        "turkSubmitTo": settings.SANDBOX_URL,
    }
    if assignment is not None:
        added["workerId"] = assignment.person.mturk_id
        added["visitProof"] = sign_visit(hit, assignment)
    if language:
        added["lang"] = language
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(added)) if part)
    return urlunsplit(parts._replace(query=query))


def sign_visit(hit: HIT, assignment: Assignment) -> str:
    """Under the secret of the requester's account: who holds which assignment of which HIT, and until when."""
    expires = math.ceil(assignment.deadline.timestamp())
    message = "\n".join([
        "unitscope visit 1", assignment.mturk_id, assignment.person.mturk_id, hit.mturk_id, str(expires)
    ])  # fmt: skip
    secret = hit.hit_type.requester.secret_access_key
    return f"{expires}.{hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()}"
