"""The web queue's tasks for questions: a GPU process's hint, and the sweep that needs none."""

import contextlib
import uuid

from celery import shared_task
from django.utils import timezone

from annotator.evidence import asking
from annotator.evidence.models import Question
from workers import contract


@shared_task(name=contract.TAKE_ANSWER)
def take_answer(question_id: str) -> None:
    with contextlib.suppress(Question.DoesNotExist):  # a late hint; the row is gone
        asking.advance(question_id=uuid.UUID(question_id), now=timezone.now())


@shared_task(name="evidence.sweep")
def sweep_questions() -> None:
    now = timezone.now()
    asking.advance_all(now=now)
    asking.forget_old(now=now)
