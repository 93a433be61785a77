"""Rejects work, one assignment at a time, with a reason, evidence and a second person; overturns a rejection."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from annotator.crowd.judging.approving import CannotReview, decide_review, read_again
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import Overturn, Reject
from annotator.crowd.models import Assignment, OutwardAct, Rejection
from annotator.crowd.outbox.acts import Decision
from annotator.crowd.outbox.session import Session
from workers.engine.plurals import say_count

MIN_REASON = 20
MAX_REASON = 900
State = Assignment.State


def propose_rejection(
    *, assignment: Assignment, reason: str, evidence: Mapping[str, Any], proposed_by: str, now: datetime
) -> Rejection:
    """Writes the proposal; nothing is sent. The reason is a sentence that the worker can reply to."""
    if assignment.state != State.SUBMITTED:
        raise CannotReview(f"{assignment} is {assignment.state}; only submitted work can be rejected.")
    if not MIN_REASON <= len(reason.strip()) <= MAX_REASON:
        raise CannotReview(f"A rejection needs a reason of {MIN_REASON} to {MAX_REASON} characters.")
    if not evidence:
        raise CannotReview("A rejection needs evidence beside its reason.")
    rejection, is_new = Rejection.objects.get_or_create(
        assignment=assignment,
        defaults={
            "reason": reason.strip(),
            "evidence": dict(evidence),
            "proposed_by": proposed_by,
            "proposed_at": now,
        },
    )
    if not is_new:
        raise CannotReview(f"A rejection of {assignment} was proposed by {rejection.proposed_by} before.")
    return rejection


def withdraw_proposal(*, rejection: Rejection) -> None:
    proposals = Rejection.objects.filter(pk=rejection.pk, confirmed_at=None)
    deleted, _ = proposals.exclude(assignment__state=State.REJECTED).delete()
    if not deleted:
        raise CannotReview("This rejection was made already; it can be overturned.")


def confirm_rejection(session: Session, *, rejection: Rejection, confirmed_by: str) -> None:
    """Sends the rejection. The person who proposed it cannot confirm it."""
    if confirmed_by == rejection.proposed_by:
        raise CannotReview("A rejection takes a second person.")
    now = session.clock()
    with session.hold():
        assignment = read_again(rejection.assignment, must_be=State.SUBMITTED, to_be="rejected", rival=Verb.APPROVE)
        with transaction.atomic():
            claimed = Rejection.objects.filter(pk=rejection.pk, confirmed_at=None)
            if not claimed.update(confirmed_by=confirmed_by, confirmed_at=now):
                raise CannotReview("This rejection was confirmed or withdrawn already.")
            act = Reject(assignment_id=assignment.external_id or "", feedback=rejection.reason)
            decision = decide_review(assignment, act, "RejectAssignment", str(rejection.pk))
            _write_again(session, decision, instead="Withdraw the proposal and propose anew.")
        session.settle()


def overturn_rejection(session: Session, *, rejection: Rejection, overturned_by: str, feedback: str) -> None:
    """Approves rejected work, and so pays it. Raises CannotReview if the marketplace's time for this is over.

    When it was rejected is unknown here if a person gave the rejection up, and the marketplace made it all the same.
    """
    now = session.clock()
    with session.hold():
        assignment = read_again(rejection.assignment, must_be=State.REJECTED, to_be="overturned", rival=None)
        rejection.refresh_from_db()
        within = session.marketplace.facts.overturn_within
        if within and rejection.confirmed_at and now - rejection.confirmed_at > within:
            raise CannotReview(
                f"A rejection can be overturned for {say_count(within.days, 'day')}, and these are over."
            )
        with transaction.atomic():
            first = Rejection.objects.filter(pk=rejection.pk, overturned_at=None)
            first.update(overturned_by=overturned_by, overturned_at=now)
            act = Overturn(assignment_id=assignment.external_id or "", feedback=feedback)
            decision = decide_review(assignment, act, "ApproveAssignment", "overturn")
            _write_again(session, decision, instead="Overturn it at the marketplace's own page, and collect.")
        session.settle()


def _write_again(session: Session, decision: Decision, *, instead: str) -> None:
    """Raises CannotReview if a person gave it up; `instead` says what to do."""
    act = session.write(decision)
    act.refresh_from_db(fields=["state"])
    if act.state == OutwardAct.State.FAILED:
        raise CannotReview(f"A person gave this up, and it may have been done, so it is not sent again. {instead}")
