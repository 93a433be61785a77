"""Erases a worker: what names the person is gone, what they answered stays under a code that leads nowhere."""

import secrets

from django.db import transaction

from annotator.crowd.models import Assignment, Worker
from annotator.refusals import Refusal


class CannotErase(Refusal):
    """The person has work that is not paid yet, or is not known."""


def erase_worker(*, marketplace: str, worker_id: str) -> int:
    """How many answers stay behind, nameless. Refused while pay is due: a bonus or approval needs the id."""
    with transaction.atomic():
        worker = Worker.objects.select_for_update().filter(marketplace=marketplace, external_id=worker_id).first()
        if worker is None:
            raise CannotErase(f"The marketplace {marketplace} has no worker of this id here.")
        open_work = worker.assignments.filter(state__in=[Assignment.State.STORED, Assignment.State.SUBMITTED])
        if open_work.exists():
            raise CannotErase(f"{open_work.count()} assignments of this worker are not settled yet; settle them first.")
        # The old pseudonym could be computed from the id by who holds the key, so it goes too.
        worker.pseudonym = f"E{secrets.token_hex(9)}"
        worker.external_id = None
        worker.save(update_fields=["pseudonym", "external_id"])
        return worker.assignments.count()
