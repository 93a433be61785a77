"""Collects what people submitted. The marketplace's list says what is paid; our own rows say what was answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet, Sum

from annotator.crowd.assignments import (
    fill_answers,
    find_orders,
    make_receipt,
    read_work,
    show_units,
)
from annotator.crowd.campaigns.openness import count_wanted
from annotator.crowd.campaigns.telling import plan_notices
from annotator.crowd.eligibility import leave_out_if_barred, lock_person
from annotator.crowd.hit_types.answers import BadAnswer
from annotator.crowd.hit_types.templates import find_hit_type, load_template
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import Marketplace, Published, Submission
from annotator.crowd.models import GOING, HIT, OPEN, Assignment, Campaign, OutwardAct, Worker, was_paid_by_bonus
from annotator.crowd.outbox.session import Session
from annotator.crowd.pseudonyms import find_erased, keep_worker

State = Assignment.State
# By this long after it was stored here, a submission should have reached the marketplace.
HAND_OVER = timedelta(minutes=10)


@dataclass(frozen=True)
class Collected:
    n_new: int
    n_listed: int
    n_asked: int
    n_unreadable: int
    is_complete: bool


def collect_campaign(session: Session) -> Collected:
    """Reads every HIT's assignments once; repeating it changes nothing more."""
    campaign, now = session.campaign, session.clock()
    n_new = n_listed = n_unreadable = n_at_work = 0
    for hit in campaign.hits.select_related("campaign", "hit_type").exclude(external_id="").order_by("id"):
        # Asked first: who submits in between is counted twice, and nothing that is owed is released.
        at_work = session.marketplace.count_at_work(Published(hit_id=hit.external_id)) if _is_releasing(hit) else 0
        listed = list(session.marketplace.list_submissions(Published(hit_id=hit.external_id)))
        with transaction.atomic():
            people = _lock_people(hit, listed, marketplace=session.marketplace, now=now)
            rows = [_keep(hit, entry, worker=people[entry.assignment_id], now=now) for entry in listed]
            n_new += sum(is_new for _, is_new in rows)
            silent = Assignment.objects.filter(pk__in=[row.pk for row, _ in rows], answers__says__isnull=True)
            n_unreadable += silent.distinct().count()
            # As it is now: more may have been asked for, or the HIT withdrawn, since it was read.
            asked = HIT.objects.filter(pk=hit.pk, state=HIT.State.PUBLISHED, n_assignments__lte=len(listed))
            asked.update(state=HIT.State.COMPLETE)
            if _is_releasing(hit):
                release_untaken(hit, n_taken=len(listed) + at_work)
        n_at_work += at_work
        n_listed += len(listed)
    _set_returned_aside(session)
    return Collected(
        n_new=n_new,
        n_listed=n_listed,
        n_asked=count_wanted(campaign),
        n_unreadable=n_unreadable,
        is_complete=_note_progress(campaign, n_listed=n_listed, n_at_work=n_at_work, now=now),
    )


def _is_releasing(hit: HIT) -> bool:
    """Withdrawn. Some of its money may be free, or somebody may be at work."""
    return hit.state == HIT.State.CANCELED


def release_untaken(hit: HIT, *, n_taken: int) -> None:
    """What a withdrawn HIT reserved for assignments that nobody took is free under the cap again (the caller's
    transaction). `n_taken`: submitted or being worked on.
    """
    locked = HIT.objects.select_for_update().get(pk=hit.pk)
    n_more = locked.n_assignments - n_taken - locked.n_released
    if n_more <= 0:
        return
    reserved = locked.outward_acts.filter(verb__in=[Verb.PUBLISH, Verb.EXTEND], purpose="", state=OutwardAct.State.DONE)
    paid_usd = reserved.aggregate(sum=Sum("cost_usd"))["sum"] or Decimal(0)
    free_usd = (paid_usd * n_more / locked.n_assignments).quantize(Decimal("0.0001"), "ROUND_DOWN")
    HIT.objects.filter(pk=hit.pk).update(n_released=F("n_released") + n_more)
    Campaign.objects.filter(pk=hit.campaign_id).update(committed_usd=F("committed_usd") - free_usd)


def _lock_people(
    hit: HIT, listed: Sequence[Submission], *, marketplace: Marketplace, now: datetime
) -> dict[str, Worker]:
    """By assignment, who submitted it, locked in one order until the end of the caller's transaction."""
    in_order = sorted(listed, key=lambda entry: entry.worker_id)
    return {entry.assignment_id: _lock_person(hit, entry, marketplace=marketplace, now=now) for entry in in_order}


def _lock_person(hit: HIT, entry: Submission, *, marketplace: Marketplace, now: datetime) -> Worker:
    """A person who is erased at this moment comes back as a new one: the marketplace has named them again."""
    is_simulated = marketplace.is_simulated(entry.worker_id)
    while True:
        worker = find_erased(hit=hit, assignment_id=entry.assignment_id) or keep_worker(
            marketplace=marketplace.facts.name, worker_id=entry.worker_id, is_simulated=is_simulated, now=now
        )
        if lock_person(worker.pk).pseudonym == worker.pseudonym:
            return worker


def _keep(hit: HIT, entry: Submission, *, worker: Worker, now: datetime) -> tuple[Assignment, bool]:
    """The row of the listed assignment, and True if it was not listed before."""
    _confirm_claim(hit, entry, worker=worker)
    # Another process may collect at the same time, or the page store this very answer.
    row, _ = Assignment.objects.get_or_create(external_id=entry.assignment_id, worker=worker, defaults={"hit": hit})
    rows = Assignment.objects.select_for_update(of=("self",)).select_related("hit__hit_type", "hit__campaign", "worker")
    row = rows.get(pk=row.pk)
    is_new = row.state in (State.STARTED, State.STORED)
    row.accepted_at = entry.accepted_at or row.accepted_at
    row.submitted_at = entry.submitted_at or row.submitted_at or now
    if row.state == State.STARTED:
        _take_answer(row, entry)
    if is_new:
        leave_out_if_barred(row)
    row.state = _merge_state(row.state, State(entry.state))
    row.auto_approval_at = entry.auto_approval_at or row.auto_approval_at
    if row.raw_answer is None or "marketplace_xml" not in row.raw_answer:
        row.raw_answer = (row.raw_answer or {}) | {"marketplace_xml": entry.raw}
    row.save()
    return row, is_new


def _confirm_claim(hit: HIT, entry: Submission, *, worker: Worker) -> None:
    """The answer of a claimed visit becomes this person's, if the list names the visit's ids and its own receipt.

    An answer that the marketplace has confirmed before is not replaced.
    """
    own = Assignment.objects.filter(external_id=entry.assignment_id, worker=worker)
    if own.exclude(state__in=OPEN).exists():
        return
    receipt = (entry.fields or {}).get("receipt")
    claims = Assignment.objects.filter(
        hit=hit, external_id=entry.assignment_id, claimed_by=worker.pseudonym, state=State.KEPT
    )
    claim = next((one for one in claims.select_related("hit").order_by("id") if make_receipt(one) == receipt), None)
    if claim is None:
        return
    own.delete()  # begun in another browser and not submitted
    claims.filter(pk=claim.pk).update(worker=worker, state=State.STORED, claimed_by="")


def _set_returned_aside(session: Session) -> None:
    """Work of an assignment that the person gave back is nobody's: it is kept, not counted, and never paid.

    One request for each row, and the last one for a row after the time in which it can be given back.
    """
    stored = Assignment.objects.filter(hit__campaign=session.campaign, state=State.STORED, worker__isnull=False)
    open_rows = stored.filter(compensation=None, is_past_return=False)
    for row in open_rows.select_related("worker", "hit__hit_type"):
        changes: dict[str, Any] = {"is_past_return": _is_past_return(row, now=session.clock())}
        if row.worker and row.external_id and session.marketplace.was_returned(row.external_id):
            changes = {"state": State.KEPT, "worker": None, "claimed_by": row.worker.pseudonym}
        Assignment.objects.filter(pk=row.pk, state=State.STORED).update(**changes)


def _is_past_return(row: Assignment, *, now: datetime) -> bool:
    """Read before the marketplace is asked. The person had taken the assignment before they stored their work."""
    limit = timedelta(seconds=load_template(row.hit.hit_type.template).assignment_seconds)
    return row.stored_at is not None and row.stored_at + limit + HAND_OVER < now


def _merge_state(ours: str, listed: Assignment.State) -> str:
    """The list may be older than our last approval or rejection, so a settled state never changes back."""
    settled = (State.APPROVED, State.REJECTED)
    return ours if ours in settled and listed == State.SUBMITTED else listed


def _take_answer(row: Assignment, entry: Submission) -> None:
    """Takes the answer from the marketplace, for work that our page did not store."""
    row.seed, orders = find_orders(hit=row.hit, worker_id=entry.worker_id)
    show_units(row, orders)
    row.is_from_marketplace = True
    try:
        if entry.fields is None:
            raise BadAnswer("The marketplace's answer cannot be read.", field="")
        values = find_hit_type(row.hit.hit_type.template).read_fields(entry.fields)
        work = read_work(row, values | {"active_seconds": entry.fields.get("active_seconds")})
        fill_answers(row, work=work, ended_at=None)
    except BadAnswer as error:
        row.raw_answer = {"problem": str(error)}


def _note_progress(campaign: Campaign, *, n_listed: int, n_at_work: int, now: datetime) -> bool:
    """True if nothing more can come: every HIT is complete or withdrawn, and nobody is at work on a withdrawn one."""
    with transaction.atomic():
        locked = Campaign.objects.select_for_update().get(pk=campaign.pk)  # nobody asks for more until this is written
        open_hits = campaign.hits.filter(state__in=[HIT.State.COMPOSED, HIT.State.PUBLISHED])
        is_complete = not n_at_work and not open_hits.exists()
        state = Campaign.State.COMPLETE if is_complete else Campaign.State.COLLECTING
        may_change = locked.state in (*GOING, Campaign.State.COMPLETE) and locked.state != state
        if may_change and (n_listed or is_complete):
            Campaign.objects.filter(pk=campaign.pk).update(state=state)
            if is_complete:
                plan_notices(campaign, now=now)
    campaign.refresh_from_db(fields=["state"])
    return is_complete


def find_unsubmitted(*, campaign: Campaign, now: datetime) -> QuerySet[Assignment]:
    """Work stored here that the marketplace has not listed, and that no bonus has paid: to be compensated."""
    stored = Assignment.objects.filter(hit__campaign=campaign, state=State.STORED, stored_at__lt=now - HAND_OVER)
    return stored.exclude(was_paid_by_bonus())
