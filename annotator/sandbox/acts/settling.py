"""What happens with time: deadlines, expirations, automatic approvals, deletions after 120 days.

Nothing runs by itself. Every request first settles what is due at its time, so that what anybody sees has happened.
"""

import datetime as dt

from django.db import transaction
from django.db.models import QuerySet

from annotator.sandbox.acts import publishing, transitions, working
from annotator.sandbox.acts.transitions import approve
from annotator.sandbox.models import HIT, Assignment
from annotator.sandbox.rules.states import AssignmentState, HITStatus

DISPOSED_AFTER = dt.timedelta(days=120)


def settle_due(*, now: dt.datetime) -> int:
    """How many HITs were changed. Each is one transaction under its row lock: several processes may do this at once."""
    n_touched = 0
    while hits := _due_hits(now):
        for hit_id in hits:
            n_touched += _settle_hit(hit_id, now=now)
    return n_touched


def _due_hits(now: dt.datetime) -> list[int]:
    """In portions, if much is due. In the ordinary case nothing is due, and this is one query."""
    running = Assignment.objects.filter(state=AssignmentState.ACCEPTED, deadline__lte=now)
    waiting = Assignment.objects.filter(state=AssignmentState.SUBMITTED, auto_approve_at__lte=now)
    expiring = HIT.objects.filter(is_expired=False, expires_at__lte=now)
    of_work = [work.order_by().values_list("hit_id", flat=True) for work in (running, waiting)]
    of_hits = [hits.order_by().values_list("id", flat=True) for hits in (expiring, _disposable(now))]
    due = of_work[0].union(of_work[1], *of_hits, all=True)[:200]
    return sorted(set(due))


def _disposable(now: dt.datetime) -> QuerySet[HIT]:
    return HIT.objects.filter(
        status__in=[HITStatus.REVIEWABLE, HITStatus.REVIEWING], n_submitted=0, expired_at__lte=now - DISPOSED_AFTER
    )


@transaction.atomic
def _settle_hit(hit_id: int, *, now: dt.datetime) -> int:
    hit = transitions.lock_hit(id=hit_id)
    # The assignments below are read through this object, so that each has it as its `hit` and changes its counts.
    if not hit.is_expired and hit.expires_at <= now:
        publishing.expire(hit, now=now)
    for assignment in hit.assignments.filter(state=AssignmentState.ACCEPTED, deadline__lte=now):
        working.abandon(assignment, now=now)
    due = hit.assignments.filter(state=AssignmentState.SUBMITTED, auto_approve_at__lte=now).select_related("person")
    for assignment in due:
        assert assignment.auto_approve_at is not None
        approve(assignment, feedback="", is_override=False, now=assignment.auto_approve_at)
    if _disposable(now).filter(id=hit.pk).exists():
        publishing.delete_hit(hit, now=now)
    return 1
