"""Rejects work, one assignment at a time, with a reason, evidence and a second person; overturns a rejection."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from annotator.crowd.judging.approving import CannotReview, decide_review, read_again
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import Overturn, Reject
from annotator.crowd.models import Assignment, Rejection
from annotator.crowd.outbox.acts import revive_act
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
    deleted, _ = Rejection.objects.filter(pk=rejection.pk, confirmed_at=None).delete()
    if not deleted:
        raise CannotReview("This rejection was confirmed already; it can be overturned.")


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
            revive_act(session.write(decide_review(assignment, act, "RejectAssignment", str(rejection.pk))))
        session.settle()


def overturn_rejection(session: Session, *, rejection: Rejection, overturned_by: str, feedback: str) -> None:
    """Approves rejected work, and so pays it. Raises CannotReview if the marketplace's time for this is over."""
    now = session.clock()
    with session.hold():
        assignment = read_again(rejection.assignment, must_be=State.REJECTED, to_be="overturned", rival=None)
        rejection.refresh_from_db()
        if rejection.confirmed_at is None:
            raise CannotReview(f"{assignment} was not rejected here, so this cannot be overturned here.")
        within = session.marketplace.facts.overturn_within
        if within is not None and now - rejection.confirmed_at > within:
            raise CannotReview(
                f"A rejection can be overturned for {say_count(within.days, 'day')}, and these are over."
            )
        with transaction.atomic():
            first = Rejection.objects.filter(pk=rejection.pk, overturned_at=None)
            first.update(overturned_by=overturned_by, overturned_at=now)
            act = Overturn(assignment_id=assignment.external_id or "", feedback=feedback)
            revive_act(session.write(decide_review(assignment, act, "ApproveAssignment", "overturn")))
        session.settle()
