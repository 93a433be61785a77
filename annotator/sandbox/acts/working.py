"""What a person does to a HIT: accept, submit, return; and what happens at the deadline."""

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from annotator.sandbox import notifying
from annotator.sandbox.acts import catalog, policing, qualifying, transitions
from annotator.sandbox.acts.standing import Standing
from annotator.sandbox.acts.transitions import lock_assignment
from annotator.sandbox.models import HIT, Assignment, Person, UploadedFile
from annotator.sandbox.rules import fees
from annotator.sandbox.rules.refusals import Code, Refused
from annotator.sandbox.rules.states import LIVE, AssignmentState, HITStatus, check_assignment_move

# As at Amazon: nobody keeps more HITs from others than they can work on.
MAX_ACCEPTED_AT_ONCE = 25


@transaction.atomic
def accept(person: Person, *, hit_id: int, now: dt.datetime) -> Assignment:
    """Gives this person an assignment. Raises Refused: none left, not qualified, blocked, or worked on before."""
    hit = transitions.lock_hit(id=hit_id)
    _check_open(person, hit, now=now)
    _check_eligible(person, hit)
    try:
        with transaction.atomic():
            return _give(person, hit, now=now)
    except IntegrityError as error:
        raise Refused(Code.WORKER_NOT_ELIGIBLE, "You have worked on this HIT already.") from error


def accept_any(person: Person, *, group_id: str, now: dt.datetime) -> Assignment | None:
    """An assignment of the oldest HIT of the group that nobody else is taking; None if there is none for this person.

    Raises Refused if the person may not accept.
    """
    open_hits = catalog.offered_hits(person, now=now).filter(hit_type__group_id=group_id)
    while True:
        try:
            if (assignment := _accept_first(person, open_hits, now=now)) is not None:
                return assignment
        except IntegrityError:
            continue  # the same person pressed twice, and has this HIT; now it is seen
        # One that was returned meanwhile was not seen by the query that waited.
        if not open_hits.exists():
            return None


@transaction.atomic
def _accept_first(person: Person, open_hits: QuerySet[HIT], *, now: dt.datetime) -> Assignment | None:
    """Tries those that nobody has locked first, so that many at once do not wait for each other; then waits for any."""
    rows = open_hits.order_by("id").select_related("hit_type__notification_setting", "requester").defer("question")
    for is_skipping in (True, False):
        hit = rows.select_for_update(of=("self",), skip_locked=is_skipping).first()
        if hit is not None:
            _check_eligible(person, hit)
            return _give(person, hit, now=now)
    return None


def _give(person: Person, hit: HIT, *, now: dt.datetime) -> Assignment:
    """The caller holds the HIT's lock and has checked that this person may accept it."""
    reward = hit.hit_type.reward_usd
    assignment = Assignment.objects.create(
        hit=hit, person=person, reward_usd=reward,
        fee_usd=fees.fee_usd(amount_usd=reward, max_assignments=hit.max_assignments),
        auto_approval_seconds=hit.hit_type.auto_approval_seconds, accepted_at=now,
        deadline=now + dt.timedelta(seconds=hit.hit_type.duration_seconds),
    )  # fmt: skip
    hit.n_accepted += 1
    transitions.advance_hit(hit, moves_money=False, now=now)
    notifying.record("AssignmentAccepted", hit=hit, assignment=assignment, now=now)
    return assignment


def _check_open(person: Person, hit: HIT, *, now: dt.datetime) -> None:
    if hit.status != HITStatus.ASSIGNABLE or hit.expires_at <= now:
        raise Refused(Code.INVALID_HIT_STATE, "There are no more assignments of this HIT.")
    if hit.assignments.filter(person=person, state__in=LIVE).exists():
        raise Refused(Code.WORKER_NOT_ELIGIBLE, "You have worked on this HIT already.")
    if hit.requester.blocks.filter(person=person).exists():
        raise Refused(Code.DOES_NOT_MEET_REQUIREMENTS, "This requester does not offer you HITs.")


def _check_eligible(person: Person, hit: HIT) -> None:
    if Person.objects.exclude(paused_at=None, left_at=None).filter(pk=person.pk).exists():
        raise Refused(
            Code.WORKER_NOT_ELIGIBLE,
            "Your account is paused, so that you can accept nothing. Your account page says why.",
        )
    if person.assignments.filter(state=AssignmentState.ACCEPTED).count() >= MAX_ACCEPTED_AT_ONCE:
        raise Refused(
            Code.WORKER_NOT_ELIGIBLE,
            f"You hold {MAX_ACCEPTED_AT_ONCE} HITs; submit or return one before you accept another.",
        )
    unmet = qualifying.find_unmet(hit.hit_type, standing=Standing(person, [hit.hit_type]), action="Accept")
    if unmet is not None:
        raise Refused(Code.DOES_NOT_MEET_REQUIREMENTS, unmet.words)


@transaction.atomic
def submit(
    assignment_id: str, *, answer: str, files: dict[str, tuple[str, bytes]] | None = None, now: dt.datetime
) -> Assignment:
    """Keep the answer, and files by question as (name, content). Raises Refused unless in progress and in time."""
    assignment = _read_with_locked_hit(assignment_id)
    _check_in_progress(assignment, now=now)
    check_assignment_move(AssignmentState(assignment.state), AssignmentState.SUBMITTED)
    hit = assignment.hit
    changes = {
        "state": AssignmentState.SUBMITTED, "answer": answer, "submitted_at": now,
        "auto_approve_at": now + dt.timedelta(seconds=assignment.auto_approval_seconds),
    }  # fmt: skip
    # The assignment was read before the HIT's lock was taken. It is submitted only if it is still accepted.
    if not Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.ACCEPTED).update(**changes):
        raise Refused(Code.INVALID_ASSIGNMENT_STATE, "This assignment is no longer in progress.")
    for field, value in changes.items():
        setattr(assignment, field, value)
    for question, (name, content) in (files or {}).items():
        UploadedFile.objects.create(assignment=assignment, question_identifier=question, name=name, content=content)
    hit.n_accepted -= 1
    hit.n_submitted += 1
    notifying.record("AssignmentSubmitted", hit=hit, assignment=assignment, now=now)
    # An approval by the policy may have made the HIT reviewable already; then `advance_hit` finds nothing to do.
    became_reviewable = policing.review_assignment(assignment, now=now)
    if transitions.advance_hit(hit, moves_money=False, now=now) or became_reviewable:
        policing.review_hit(hit, now=now)
    return assignment


@transaction.atomic
def give_back(assignment_id: str, *, person: Person, now: dt.datetime) -> Assignment:
    """Return the HIT, so that somebody else may have it."""
    assignment = lock_assignment(mturk_id=assignment_id, person=person)
    _check_in_progress(assignment, now=now)
    _leave(assignment, state=AssignmentState.RETURNED, at=now, now=now)
    return assignment


def abandon(assignment: Assignment, *, now: dt.datetime) -> None:
    """The deadline has passed; the caller holds the HIT's lock."""
    _leave(assignment, state=AssignmentState.ABANDONED, at=assignment.deadline, now=now)


def _leave(assignment: Assignment, *, state: AssignmentState, at: dt.datetime, now: dt.datetime) -> None:
    hit = assignment.hit
    check_assignment_move(AssignmentState(assignment.state), state)
    assignment.state = state
    assignment.ended_at = at
    assignment.save(update_fields=["state", "ended_at"])
    hit.n_accepted -= 1
    notifying.record(f"Assignment{state.value}", hit=hit, assignment=assignment, now=now)
    if transitions.advance_hit(hit, now=now):
        policing.review_hit(hit, now=now)


def _read_with_locked_hit(assignment_id: str) -> Assignment:
    """One query, since this is the most frequent act; only the HIT's row is locked."""
    rows = Assignment.objects.select_for_update(of=("hit",)).select_related(
        "person", "hit__requester", "hit__hit_type__notification_setting"
    )
    try:
        return rows.defer("answer", "hit__question").get(mturk_id=assignment_id)
    except Assignment.DoesNotExist:
        raise Refused(Code.ASSIGNMENT_DOES_NOT_EXIST, "There is no such assignment.") from None


def _check_in_progress(assignment: Assignment, *, now: dt.datetime) -> None:
    if assignment.state != AssignmentState.ACCEPTED:
        raise Refused(Code.INVALID_ASSIGNMENT_STATE, f"This assignment is {assignment.state.lower()}.")
    if now >= assignment.deadline:
        raise Refused(Code.INVALID_ASSIGNMENT_STATE, "The time for this assignment is over.")
