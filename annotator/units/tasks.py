"""The web queue's tasks for dissections: a GPU process's hint, and the sweep that needs none."""

import contextlib
import uuid

from celery import shared_task
from django.utils import timezone

from annotator.units import dissecting
from annotator.units.models import Dissection
from workers import contract


@shared_task(name=contract.ADVANCE)
def advance_dissection(dissection_id: str) -> None:
    with contextlib.suppress(Dissection.DoesNotExist):  # a late hint; the rows are gone
        dissecting.advance_dissection(dissection_id=uuid.UUID(dissection_id), now=timezone.now())


@shared_task
def sweep_dissections() -> None:
    dissecting.advance_all(now=timezone.now())
