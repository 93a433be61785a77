"""What a worker does on a HIT page: agree and start, save drafts, submit. Decided here, never in the browser."""

import uuid
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from annotator.crowd.assignments import Work, fill_answers, find_orders, list_shown, read_work, show_units
from annotator.crowd.hit_types.answers import BadAnswer, read_seconds
from annotator.crowd.hit_types.templates import find_hit_type, load_template
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import HIT, Assignment, Campaign, Worker
from annotator.crowd.page.consent import Consent, has_agreed, write_consent
from annotator.crowd.pseudonyms import find_worker, keep_worker
from annotator.refusals import Refusal

MAX_SENT_BACK = 3
SENT_BACK = (
    "At least one crop that does not fit is still unmarked. Please look through the crops again, then submit once more."
)


class CannotStart(Refusal):
    """This person may not work on this HIT; the message says why, and that it costs them nothing."""


class AlreadyStored(Exception):
    """The work was submitted before; drafts of it are not taken any more."""


def start_assignment(
    *, hit: HIT, assignment_id: str, worker_id: str, agrees: bool, now: datetime
) -> Assignment | Consent:
    """The person's row, or the consent that they have not agreed to yet (in this campaign, or just now)."""
    campaign = hit.campaign
    consent = write_consent(campaign=campaign, template=load_template(hit.hit_type.template))
    worker = find_worker(marketplace=campaign.marketplace, worker_id=worker_id)
    if worker is not None:
        known = Assignment.objects.filter(external_id=assignment_id, worker=worker, hit=hit).first()
        if known is not None:
            return known
        check_eligible(hit=hit, worker=worker)
    if not (agrees or has_agreed(worker, campaign=campaign, consent=consent)):
        return consent
    is_simulated = open_marketplace(campaign.marketplace).is_simulated(worker_id)
    worker = keep_worker(marketplace=campaign.marketplace, worker_id=worker_id, is_simulated=is_simulated, now=now)
    return _make_assignment(
        hit=hit, worker=worker, worker_id=worker_id, assignment_id=assignment_id, version=consent.version, now=now
    )


def _make_assignment(
    *, hit: HIT, worker: Worker, worker_id: str, assignment_id: str, version: str, now: datetime
) -> Assignment:
    seed, orders = find_orders(hit=hit, worker_id=worker_id)
    # A person who returned this HIT and took it again meets the same crops and finds their work.
    earlier = Assignment.objects.filter(hit=hit, worker=worker, state=Assignment.State.STARTED).last()
    with transaction.atomic():
        assignment, _ = Assignment.objects.get_or_create(
            external_id=assignment_id,
            worker=worker,
            defaults={
                "hit": hit,
                "seed": seed,
                "draft": earlier.draft if earlier else {},
                "consent_version": version,
                "consented_at": now,
                "started_at": now,
            },
        )
        show_units(assignment, orders)
    return assignment


def check_eligible(*, hit: HIT, worker: Worker) -> None:
    """One assignment a worker a unit, of whatever HIT type, and at most the campaign's share a worker."""
    done = Assignment.objects.filter(worker=worker).exclude(state=Assignment.State.STARTED)
    if done.filter(hit__hit_units__unit__in=hit.hit_units.values("unit")).exists():
        raise CannotStart(
            "You have already worked on this set of crops, and each person may do so once. "
            "Please return this HIT: returning it costs you nothing."
        )
    excluded = hit.campaign.qualifications.get("excluded_campaigns", [])
    if excluded and done.filter(hit__campaign__name__in=excluded).exists():
        raise CannotStart(
            "You took part in an earlier study of ours that shows the same pictures, so you cannot take this one too. "
            "Please return this HIT: returning it costs you nothing."
        )
    most = hit.campaign.max_hits_per_worker
    if most is not None and done.filter(hit__campaign=hit.campaign).count() >= most:
        raise CannotStart(
            f"This study takes at most {most} HITs from one person, so that many people are heard, and you have done "
            "them all. Thank you! Please return this HIT: returning it costs you nothing."
        )


def save_draft(*, assignment: Assignment, draft: dict[str, Any], revision: int) -> bool:
    """Keeps the draft if it builds on the newest one, which the assignment carries afterwards. False if it does not."""
    hit_type = find_hit_type(assignment.hit.hit_type.template)
    cleaned = hit_type.clean_draft(draft, list_shown(assignment))
    kept = cleaned | {"active_seconds": read_seconds(draft.get("active_seconds"))}
    taken = Assignment.objects.filter(pk=assignment.pk, draft_revision=revision, state=Assignment.State.STARTED).update(
        draft=kept, draft_revision=revision + 1, active_seconds=kept["active_seconds"]
    )
    assignment.refresh_from_db()
    if assignment.state != Assignment.State.STARTED:
        raise AlreadyStored("This work was submitted already; nothing more needs to be saved.")
    return bool(taken)


def store_answer(*, assignment: Assignment, values: dict[str, Any], client_id: uuid.UUID, now: datetime) -> Assignment:
    """Stores the answer once. Repeats, of whatever client id, give the row that was stored first.

    The row stays `started` if the answer is sent back, because planted negatives are unmarked.
    """
    with transaction.atomic():
        rows = Assignment.objects.select_for_update(of=("self",)).select_related("hit__campaign", "hit__hit_type")
        row = rows.get(pk=assignment.pk)
        if row.state != Assignment.State.STARTED:
            return row
        work = read_work(row, values)
        must_find = row.hit.campaign.policy == Campaign.Policy.MUST_FIND
        n_missed = sum(finding.n_planted_missed or 0 for finding in work.findings)
        if must_find and n_missed and row.n_sent_back < MAX_SENT_BACK:
            row.n_sent_back += 1
            row.save(update_fields=["n_sent_back"])
            return row
        _write_answer(row, work=work, client_id=client_id, now=now)
        return row


def _write_answer(row: Assignment, *, work: Work, client_id: uuid.UUID, now: datetime) -> None:
    fill_answers(row, work=work)
    row.client_id = client_id
    row.state = Assignment.State.STORED
    row.stored_at = now
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise BadAnswer("This submission carries the mark of another one: please reload the page.", field="") from None
