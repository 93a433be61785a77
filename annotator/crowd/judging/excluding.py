"""Stops counting answers because of suspicions, and keeps the reason. Nobody is paid less for it."""

from annotator.crowd.judging.suspicions import JudgedAnswer, Suspicions, find_suspicions
from annotator.crowd.models import ANSWERED, Answer, Assignment, Campaign


def list_judged_answers(campaign: Campaign) -> list[JudgedAnswer]:
    """The campaign's answers in the form that suspicions are found in."""
    rows = Answer.objects.filter(assignment__hit__campaign=campaign, assignment__state__in=ANSWERED)
    rows = rows.filter(precision__isnull=False).select_related("hit_unit", "assignment__worker")
    return [
        JudgedAnswer(
            assignment=row.assignment_id,
            unit=row.hit_unit.unit_id,
            worker=row.assignment.worker.pseudonym if row.assignment.worker else None,
            description=row.description or "",
            category=row.category or "",
            precision=row.precision or 0.0,
            n_marked=len(row.marked_ranks or ()),
            n_planted=len(row.planted_ranks),
            n_planted_missed=row.n_planted_missed or 0,
            active_seconds=row.assignment.active_seconds,
        )
        for row in rows.order_by("assignment_id", "hit_unit__position")
    ]


def find_campaign_suspicions(campaign: Campaign) -> Suspicions:
    return find_suspicions(list_judged_answers(campaign))


def leave_out_flagged(*, campaign: Campaign) -> int:
    """Stops counting suspicious answers, except if a person decided otherwise. Returns how many are new."""
    given = list_judged_answers(campaign)
    reasons = find_suspicions(given).find_left_out(given)
    undecided = Assignment.objects.filter(is_left_out=False, left_out_reason="")
    return sum(
        undecided.filter(pk=pk).update(is_left_out=True, left_out_reason=reason) for pk, reason in reasons.items()
    )
