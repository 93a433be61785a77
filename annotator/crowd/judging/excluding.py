"""Leaves answers out of the count on evidence, with the reason beside them. Nobody is paid less for it."""

from annotator.crowd.judging.suspicions import Evidence, Given, gather_evidence
from annotator.crowd.models import Assignment, Campaign

State = Assignment.State


def list_given(campaign: Campaign) -> list[Given]:
    """The campaign's answers as evidence reads them; two queries whatever their number."""
    rows = Assignment.objects.filter(hit__campaign=campaign, precision__isnull=False)
    rows = rows.filter(state__in=[State.STORED, State.SUBMITTED, State.APPROVED, State.REJECTED])
    return [
        Given(
            assignment=row.pk,
            unit=row.hit.unit_id,
            worker=row.worker.pseudonym if row.worker else None,
            description=row.description,
            category=row.category,
            precision=row.precision or 0.0,
            n_marked=len(row.marked_ranks),
            n_planted=len(row.planted_ranks),
            n_planted_missed=row.n_planted_missed or 0,
            active_seconds=row.active_seconds,
        )
        for row in rows.select_related("hit", "worker").order_by("id")
    ]


def gather_campaign_evidence(campaign: Campaign) -> Evidence:
    return gather_evidence(list_given(campaign))


def leave_out_flagged(*, campaign: Campaign) -> int:
    """Leaves out what the evidence speaks against, and takes nothing back that a person decided; how many are new."""
    given = list_given(campaign)
    reasons = gather_evidence(given).find_left_out(given)
    n_new = 0
    for pk, reason in reasons.items():
        n_new += Assignment.objects.filter(pk=pk, is_left_out=False, left_out_reason="").update(
            is_left_out=True, left_out_reason=reason
        )
    return n_new
