"""What people decided about a campaign's answers and concepts, as rows: answers that do not count, and judgements."""

from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from annotator.crowd.models import ANSWERED, Answer, Assignment, Campaign, Rejection
from annotator.labels.models import ConceptRevision

Row = dict[str, Any]


def list_set_aside(campaign: Campaign) -> list[Row]:
    """One row for each answer that does not count, with the reason or that of its rejection."""
    not_counted = Q(assignment__is_left_out=True) | Q(assignment__state=Assignment.State.REJECTED)
    rows = Answer.objects.filter(not_counted, assignment__hit__campaign=campaign, assignment__state__in=ANSWERED)
    values = rows.order_by("assignment_id", "hit_unit__position").values(
        "description", "category", "precision", "n_planted_missed", layer=F("hit_unit__unit__layer__path"),
        index=F("hit_unit__unit__index"), worker=F("assignment__worker__pseudonym"),
        is_simulated=Coalesce(F("assignment__worker__is_simulated"), False), state=F("assignment__state"),
        reason=F("assignment__left_out_reason"),
        decided_by=F("assignment__count_decided_by"), rejected_because=F("assignment__rejection__reason"),
    )  # fmt: skip
    return [dict(row) for row in values]


def list_decisions(campaign: Campaign) -> list[Row]:
    """Reviewers' judgements on concepts that are in force, and rejections; the earliest first."""
    in_force = ConceptRevision.objects.filter(campaign=campaign, undone_at=None)
    revisions = in_force.select_related("unit__layer").order_by("pk")
    rejections = Rejection.objects.filter(assignment__hit__campaign=campaign).select_related("assignment__worker")
    # Many are proposed at the same moment.
    rejections = rejections.order_by("assignment_id", "pk")
    rows = [*map(_tell_revision, revisions), *map(_tell_rejection, rejections)]
    return sorted(rows, key=lambda row: str(row["at"]))


def _tell_revision(row: ConceptRevision) -> Row:
    return {
        "at": row.revised_at.isoformat(),
        "by": row.reviewer,
        "decision": row.kind,
        "about": ", ".join(row.words),
        "layer": row.unit.layer.path if row.unit else None,
        "index": row.unit.index if row.unit else None,
        "into": row.into,
        "is_simulated": None,
    }


def _tell_rejection(row: Rejection) -> Row:
    """`by`: who proposed it; `into`: what became of it."""
    worker = row.assignment.worker
    outcome = "overturned" if row.overturned_at else "confirmed" if row.confirmed_at else "proposed"
    return {
        "at": row.proposed_at.isoformat(),
        "by": row.proposed_by,
        "decision": "reject",
        "about": row.reason,
        "layer": None,
        "index": None,
        "into": f"{outcome}: an answer of {worker.pseudonym if worker else 'a person'}",
        "is_simulated": bool(worker and worker.is_simulated),
    }
