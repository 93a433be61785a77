"""Workers by keyed pseudonym. The marketplace's id of a person is stored in one table only, and can be erased."""

import hashlib
import hmac
import secrets
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from annotator.crowd.linked import forget_link
from annotator.crowd.models import HIT, Assignment, Campaign, OutwardAct, Worker, was_paid_by_bonus
from annotator.refusals import Refusal
from workers.engine.plurals import say_count


class CannotErase(Refusal):
    """The person has work that is not paid yet, or is not known."""


def make_pseudonym(*, marketplace: str, worker_id: str) -> str:
    message = f"{marketplace}\x1f{worker_id}".encode()
    return "W" + hmac.new(settings.PSEUDONYM_KEY.encode(), message, hashlib.sha256).hexdigest()[:19]


def find_worker(*, marketplace: str, worker_id: str) -> Worker | None:
    return Worker.objects.filter(pseudonym=make_pseudonym(marketplace=marketplace, worker_id=worker_id)).first()


def keep_worker(*, marketplace: str, worker_id: str, is_simulated: bool, now: datetime) -> Worker:
    """The row of this person; it is made when they are first seen."""
    worker, _ = Worker.objects.get_or_create(
        pseudonym=make_pseudonym(marketplace=marketplace, worker_id=worker_id),
        defaults={
            "marketplace": marketplace,
            "external_id": worker_id,
            "is_simulated": is_simulated,
            "created_at": now,
        },
    )
    if worker.external_id is None:  # known from a file, under the same pseudonym
        worker.marketplace, worker.external_id = marketplace, worker_id
        worker.save(update_fields=["marketplace", "external_id"])
    return worker


def find_erased(*, hit: HIT, assignment_id: str) -> Worker | None:
    """The nameless person whose settled work this is, if they were erased after it."""
    settled = Q(state__in=[Assignment.State.APPROVED, Assignment.State.REJECTED]) | was_paid_by_bonus()
    work = Assignment.objects.filter(settled, hit=hit, external_id=assignment_id)
    return Worker.objects.filter(external_id__isnull=True, assignments__in=work).first()


def list_worker_ids(campaign: Campaign) -> list[tuple[str, str, str]]:
    """(pseudonym, marketplace, the marketplace's id) of everyone who worked in it and was not erased."""
    workers = Worker.objects.filter(assignments__hit__campaign=campaign, external_id__isnull=False).distinct()
    return [(row.pseudonym, row.marketplace, row.external_id or "") for row in workers.order_by("pseudonym")]


def erase_worker(*, marketplace: str, worker_id: str) -> int:
    """What names the person is gone, what they answered stays under a code that leads nowhere.

    worker_id: the marketplace's id; or a pseudonym, for a person whom a file brought without an id.
    Returns how many answers stay behind, nameless. Refused while pay is due: a bonus or approval needs the id.
    """
    with transaction.atomic():
        named = Q(marketplace=marketplace, external_id=worker_id)
        # The pseudonym of a file's person is this id's if the file was written with the key of this installation.
        pseudonyms = [make_pseudonym(marketplace=marketplace, worker_id=worker_id), worker_id]
        imported = Q(external_id__isnull=True, pseudonym__in=pseudonyms)
        worker = Worker.objects.select_for_update().filter(named | imported).order_by("external_id").first()
        if worker is None:
            raise CannotErase(
                f"The marketplace {marketplace} has no worker of this id here. "
                "People of an imported file can also be named by their pseudonym."
            )
        # Nothing is paid here for imported answers.
        own = worker.assignments.filter(hit__campaign__is_imported=False)
        unsettled = [Assignment.State.STORED, Assignment.State.SUBMITTED]
        open_work = own.filter(~was_paid_by_bonus(), state__in=unsettled)
        if open_work.exists():
            raise CannotErase(
                say_count(open_work.count(), "assignment of this worker is", "assignments of this worker are")
                + " not settled yet; settle first."
            )
        bonuses = OutwardAct.objects.filter(assignment__in=own, verb="pay_bonus")
        if bonuses.exclude(state__in=[OutwardAct.State.DONE, OutwardAct.State.FAILED]).exists():
            raise CannotErase("A bonus that was decided for this worker is not settled yet; settle first.")
        if marketplace == "links":
            forget_link(worker_id)
        worker.letters.update(subject="", text="")
        # The old pseudonym could be computed from the id by who holds the key, so it goes too.
        Assignment.objects.filter(claimed_by=worker.pseudonym).update(claimed_by="")
        worker.pseudonym = f"E{secrets.token_hex(9)}"
        worker.external_id = None
        worker.save(update_fields=["pseudonym", "external_id"])
        return worker.assignments.count()
