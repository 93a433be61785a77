"""What happens with time: deadlines, expirations, automatic approvals, deletions after 120 days.

Nothing runs by itself. Every request first settles what is due at its time, so that what anybody sees has happened.
"""

import datetime as dt

from django.db import connection, transaction

from annotator.sandbox.acts import publishing, transitions, working
from annotator.sandbox.acts.transitions import approve
from annotator.sandbox.models import HIT
from annotator.sandbox.rules.states import AssignmentState, HITStatus

DISPOSED_AFTER = dt.timedelta(days=120)


def settle_due(*, now: dt.datetime) -> int:
    """How many HITs were changed. Each is one transaction under its row lock: several processes may do this at once."""
    n_touched = 0
    while hits := _due_hits(now):
        for hit_id in hits:
            n_touched += _settle_hit(hit_id, now=now)
    return n_touched


# As text, because every request asks it: Django takes longer to build it than PostgreSQL to answer it.
_DUE = """
    SELECT hit_id FROM sandbox_assignment WHERE state = 'Accepted' AND deadline <= %(now)s
    UNION ALL SELECT hit_id FROM sandbox_assignment WHERE state = 'Submitted' AND auto_approve_at <= %(now)s
    UNION ALL SELECT id FROM sandbox_hit WHERE NOT is_expired AND expires_at <= %(now)s
    UNION ALL SELECT id FROM sandbox_hit
        WHERE status IN ('Reviewable', 'Reviewing') AND n_submitted = 0 AND expired_at <= %(disposable)s
    LIMIT 200
"""


def _due_hits(now: dt.datetime) -> list[int]:
    """In portions, if much is due. In the ordinary case nothing is due, and this is one query."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": now, "disposable": now - DISPOSED_AFTER})
        return sorted({hit_id for (hit_id,) in cursor})


def _is_disposable(hit: HIT, *, now: dt.datetime) -> bool:
    return (
        hit.status in (HITStatus.REVIEWABLE, HITStatus.REVIEWING)
        and hit.n_submitted == 0
        and hit.expired_at is not None
        and hit.expired_at <= now - DISPOSED_AFTER
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
    if _is_disposable(hit, now=now):
        publishing.delete_hit(hit, now=now)
    return 1
