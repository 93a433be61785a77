"""Takes a reviewer's last decision back. Its rows stay, marked as undone; labels are as if it had not been made."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from annotator.crowd.models import Campaign
from annotator.labels.models import ConceptRevision, UnitLabel
from annotator.labels.recording import keep_record
from annotator.labels.relabeling import BadRevision, relabel_without


def find_last_decision(*, campaign: Campaign, reviewer: str) -> list[ConceptRevision]:
    """The rows of this person's newest decision that is in force; empty if there is none.

    A renamed or merged label is accepted at the same moment, so that a decision has one or two rows.
    """
    mine = campaign.concept_revisions.filter(reviewer=reviewer, undone_at=None).select_related("unit__layer__network")
    newest = mine.order_by("-pk").first()
    return list(mine.filter(revised_at=newest.revised_at).order_by("pk")) if newest else []


@transaction.atomic
def undo_decision(
    *, campaign: Campaign, decision: Sequence[ConceptRevision], reviewer: str, now: datetime
) -> list[UnitLabel]:
    """The labels that it reached, named by all decisions that are left. Raises BadRevision, OtherLexicon."""
    rows = ConceptRevision.objects.filter(pk__in=[row.pk for row in decision], undone_at=None)
    if not decision or rows.update(undone_at=now, undone_by=reviewer) != len(decision):
        raise BadRevision("This decision was undone meanwhile.")
    labels = relabel_without(campaign=campaign, undone=decision, now=now)
    keep_record(units=[label.unit_id for label in labels], now=now)
    return labels
