"""What a person does to a HIT: accept, submit, return; and what happens at the deadline."""

import contextlib
import datetime as dt

from django.db import IntegrityError, transaction
from django.utils.translation import gettext, gettext_noop

from annotator.sandbox import notifying
from annotator.sandbox.acts import catalog, policing, qualifying, transitions
from annotator.sandbox.acts.standing import Standing
from annotator.sandbox.acts.transitions import lock_assignment
from annotator.sandbox.models import HIT, Assignment, HITType, Person, UploadedFile
from annotator.sandbox.questions import documents
from annotator.sandbox.questions.question_form import QuestionForm
from annotator.sandbox.rules import fees, ids
from annotator.sandbox.rules.refusals import Code, Refused
from annotator.sandbox.rules.states import LIVE, AssignmentState, HITStatus, check_assignment_move

# As at Amazon: nobody keeps more HITs from others than they can work on.
MAX_ACCEPTED_AT_ONCE = 25
NONE_LEFT = gettext_noop("There are no more assignments of this HIT.")
WORKED_ALREADY = gettext_noop("You have worked on this HIT already.")


def accept(person: Person, *, hit_id: int, now: dt.datetime) -> Assignment:
    """Gives this person, as read for this request, an assignment.

    Raises Refused: none left, not qualified, paused, blocked, or worked on before.
    """
    hit = HIT.objects.select_related("hit_type__notification_setting", "requester").get(id=hit_id)
    _check_open(person, hit, now=now)
    _check_standing(person, hit.hit_type)
    _check_room(person)
    try:
        assignment = _take(person, hit.hit_type, _THIS, hit=hit_id, barred=[*LIVE], now=now)
    except IntegrityError as error:
        raise Refused(Code.WORKER_NOT_ELIGIBLE, WORKED_ALREADY) from error
    if assignment is None:
        _check_still_here(person)
        raise Refused(Code.INVALID_HIT_STATE, NONE_LEFT)
    return assignment


def accept_any(person: Person, *, group_id: str, now: dt.datetime) -> Assignment | None:
    """An assignment of the oldest HIT of the group that nobody else is taking; None if there is none for this person.

    `person`: as read for this request. Raises Refused if the person may not accept.
    """
    kind = HITType.objects.select_related("notification_setting").filter(group_id=group_id).first()
    if kind is None:
        return None
    _check_standing(person, kind)
    # What nobody has locked is tried first, so that many at once do not wait for each other; then any is waited for.
    while True:
        for which in (f"{_OLDEST} SKIP LOCKED", _OLDEST):
            # The same person may have pressed twice, and has this HIT; then that is seen at the next try.
            with contextlib.suppress(IntegrityError):
                assignment = _take(person, kind, which, barred=[*LIVE, AssignmentState.RETURNED], now=now)
                if assignment is not None:
                    return assignment
        _check_still_here(person)
        # One that was returned meanwhile was not seen by the statement that waited.
        if not catalog.offered_hits(person, now=now).filter(hit_type=kind).exists():
            return None
        _check_room(person)


# Choosing a HIT, counting and giving it in one statement, which is one transaction: no lock on a HIT waits for this
# process, whose threads wait for each other. The HIT's conditions are those of `catalog.open_hits`. The person's row is
# locked first, so that one who leaves or is paused at the same moment has either got this HIT before or gets none.
_TAKE = """
    WITH here AS (
        SELECT FROM sandbox_person
        WHERE id = %(person)s AND paused_at IS NULL AND left_at IS NULL FOR SHARE
    ), free AS (
        SELECT hit.id FROM sandbox_hit hit
        WHERE EXISTS (SELECT FROM here)
            AND hit.hit_type_id = %(kind)s AND hit.status = 'Assignable' AND hit.expires_at > %(now)s
            AND NOT EXISTS (SELECT FROM sandbox_assignment mine
                WHERE mine.hit_id = hit.id AND mine.person_id = %(person)s AND mine.state = ANY(%(barred)s))
            AND NOT EXISTS (SELECT FROM sandbox_workerblock block
                WHERE block.requester_id = hit.requester_id AND block.person_id = %(person)s)
            AND %(most)s > (SELECT count(*) FROM sandbox_assignment
                WHERE person_id = %(person)s AND state = 'Accepted')
        {which}
    ), counted AS (
        UPDATE sandbox_hit hit SET n_accepted = hit.n_accepted + 1, status = CASE
            WHEN hit.n_accepted + hit.n_submitted + hit.n_approved + hit.n_rejected + 1 < hit.max_assignments
            THEN 'Assignable' ELSE 'Unassignable' END
        FROM free WHERE hit.id = free.id RETURNING hit.id, hit.max_assignments
    )
    INSERT INTO sandbox_assignment (mturk_id, hit_id, person_id, state, reward_usd, fee_usd, auto_approval_seconds,
        accepted_at, deadline, answer, feedback)
    SELECT %(mturk_id)s, id, %(person)s, 'Accepted', %(reward)s,
        CASE WHEN max_assignments < %(many)s THEN %(fee)s ELSE %(fee_of_many)s END, %(auto_approval)s,
        %(now)s, %(deadline)s, '', ''
    FROM counted RETURNING *
"""
_OLDEST = "ORDER BY hit.id LIMIT 1 FOR UPDATE OF hit"
_THIS = "AND hit.id = %(hit)s FOR UPDATE OF hit"


def _take(person: Person, kind: HITType, which: str, *, now: dt.datetime, **values: object) -> Assignment | None:
    """`which` of the HITs of this type; `barred`: the states of this person's assignments that rule out their HIT.

    Raises IntegrityError if the person has just been given this HIT.
    """
    values |= {
        "person": person.pk, "kind": kind.pk, "now": now, "most": MAX_ACCEPTED_AT_ONCE, "mturk_id": ids.new_entity_id(),
        "reward": kind.reward_usd, "fee": fees.fee_usd(amount_usd=kind.reward_usd), "many": fees.MANY_ASSIGNMENTS,
        "fee_of_many": fees.fee_usd(amount_usd=kind.reward_usd, max_assignments=fees.MANY_ASSIGNMENTS),
        "auto_approval": kind.auto_approval_seconds, "deadline": now + dt.timedelta(seconds=kind.duration_seconds),
    }  # fmt: skip
    is_told = notifying.is_asked_for("AssignmentAccepted", kind)
    with contextlib.ExitStack() as together:
        if is_told:
            together.enter_context(transaction.atomic())
        for assignment in Assignment.objects.raw(_TAKE.format(which=which), values):
            if is_told:
                notifying.record("AssignmentAccepted", hit=assignment.hit, assignment=assignment, now=now)
            return assignment
    return None


def _check_open(person: Person, hit: HIT, *, now: dt.datetime) -> None:
    if hit.status != HITStatus.ASSIGNABLE or hit.expires_at <= now:
        raise Refused(Code.INVALID_HIT_STATE, NONE_LEFT)
    if hit.assignments.filter(person=person, state__in=LIVE).exists():
        raise Refused(Code.WORKER_NOT_ELIGIBLE, WORKED_ALREADY)
    if hit.requester.blocks.filter(person=person).exists():
        raise Refused(Code.DOES_NOT_MEET_REQUIREMENTS, gettext_noop("This requester does not offer you HITs."))


def _check_standing(person: Person, kind: HITType) -> None:
    """Whether this person may accept HITs of this type at all."""
    _check_here(person)
    unmet = qualifying.find_unmet(kind, standing=Standing(person, [kind]), action="Accept")
    if unmet is not None:
        raise Refused(Code.DOES_NOT_MEET_REQUIREMENTS, unmet.words)


def _check_here(person: Person) -> None:
    if person.paused_at is not None or person.left_at is not None:
        raise Refused(
            Code.WORKER_NOT_ELIGIBLE,
            gettext_noop("Your account is paused, so that you can accept nothing. Your account page says why."),
        )


def _check_still_here(person: Person) -> None:
    """As it is now, and not as this request has read it."""
    person.refresh_from_db(fields=["paused_at", "left_at"])
    _check_here(person)


def _check_room(person: Person) -> None:
    if person.assignments.filter(state=AssignmentState.ACCEPTED).count() >= MAX_ACCEPTED_AT_ONCE:
        raise Refused(
            Code.WORKER_NOT_ELIGIBLE,
            gettext("You hold {n} HITs; submit or return one before you accept another.").format(
                n=MAX_ACCEPTED_AT_ONCE
            ),
        )


def submit_from_frame(assignment_id: str, *, answer: str, now: dt.datetime) -> Assignment:
    """As `submit`, for what a requester's own page sends. Raises Refused for a form of this site, which checks it."""
    question = HIT.objects.filter(assignments__mturk_id=assignment_id).values_list("question", flat=True).first()
    if question and isinstance(documents.read_question(question), QuestionForm):
        raise Refused(
            Code.INVALID_ASSIGNMENT_STATE,
            gettext_noop("This HIT is a form of this site: submit it with the button on the page of the HIT."),
        )
    return submit(assignment_id, answer=answer, now=now)


@transaction.atomic
def submit(
    assignment_id: str, *, answer: str, files: dict[str, tuple[str, bytes]] | None = None, now: dt.datetime
) -> Assignment:
    """Keep the answer, and files by question as (name, content). Raises Refused unless in progress and in time.

    The same answer once more changes nothing: whoever sends it has not heard that it arrived.
    """
    assignment = _read_with_locked_hit(assignment_id)
    if _has_arrived(assignment, answer):
        return assignment
    _check_in_progress(assignment, now=now)
    check_assignment_move(AssignmentState(assignment.state), AssignmentState.SUBMITTED)
    hit = assignment.hit
    changes = {
        "state": AssignmentState.SUBMITTED, "answer": answer, "submitted_at": now,
        "auto_approve_at": now + dt.timedelta(seconds=assignment.auto_approval_seconds),
    }  # fmt: skip
    # The assignment was read before the HIT's lock was taken. It is submitted only if it is still accepted.
    if not Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.ACCEPTED).update(**changes):
        assignment.refresh_from_db(fields=["state"])
        if _has_arrived(assignment, answer):
            return assignment
        raise Refused(Code.INVALID_ASSIGNMENT_STATE, gettext_noop("This assignment is no longer in progress."))
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


def _has_arrived(assignment: Assignment, answer: str) -> bool:
    """The answer is compared in the database, since assignments are read without it."""
    if assignment.state in (AssignmentState.ACCEPTED, AssignmentState.RETURNED, AssignmentState.ABANDONED):
        return False
    return Assignment.objects.filter(pk=assignment.pk, answer=answer).exists()


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
    """One query, since this is the most frequent act; only the HIT's row is locked. People and requester are read if
    a policy or a notification needs them."""
    rows = Assignment.objects.select_for_update(of=("hit",)).select_related("hit__hit_type__notification_setting")
    try:
        return rows.defer("answer", "hit__question").get(mturk_id=assignment_id)
    except Assignment.DoesNotExist:
        raise Refused(Code.ASSIGNMENT_DOES_NOT_EXIST, gettext_noop("There is no such assignment.")) from None


def _check_in_progress(assignment: Assignment, *, now: dt.datetime) -> None:
    if assignment.state != AssignmentState.ACCEPTED:
        said = gettext("This assignment is {state}.").format(state=gettext(assignment.state).lower())
        raise Refused(Code.INVALID_ASSIGNMENT_STATE, said)
    if now >= assignment.deadline:
        raise Refused(Code.INVALID_ASSIGNMENT_STATE, gettext_noop("The time for this assignment is over."))
