"""The answers to a QuestionForm that this site shows itself: checked, then submitted."""

import datetime as dt

from django.http import HttpRequest

from annotator.sandbox import working
from annotator.sandbox.models import Assignment
from annotator.sandbox.questions import answers
from annotator.sandbox.questions.question_form import QuestionForm


def find_problems(form: QuestionForm, request: HttpRequest) -> list[str]:
    return []


def submit(form: QuestionForm, request: HttpRequest, assignment: Assignment, *, now: dt.datetime) -> None:
    fields = {name: request.POST.getlist(name) for name in request.POST if name != "csrfmiddlewaretoken"}
    working.submit(assignment.mturk_id, answer=answers.write(answers.from_form(fields)), now=now)
