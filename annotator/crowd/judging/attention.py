"""What in a campaign needs a person, each with a sentence that says why."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from annotator.crowd.campaigns.collecting import find_unsubmitted
from annotator.crowd.models import Assignment, Campaign, OutwardAct, Rejection

# An automatic approval is announced this long before it happens.
AUTO_APPROVAL_NOTICE = timedelta(days=1)


@dataclass(frozen=True)
class Need:
    kind: str
    subject: str
    words: str


def find_attention(*, campaign: Campaign, now: datetime) -> list[Need]:
    """First acts that only a person can settle, then unpaid work, then decisions that wait."""
    return [
        *_find_acts(campaign),
        *_find_unsubmitted(campaign, now),
        *_find_unstored(campaign),
        *_find_unreadable(campaign),
        *_find_rejections(campaign),
        *_find_auto_approvals(campaign, now),
        *([Need("problem", str(campaign), campaign.problem)] if campaign.problem else []),
    ]


def _find_acts(campaign: Campaign) -> list[Need]:
    acts = campaign.outward_acts.filter(state__in=[OutwardAct.State.NEEDS_HUMAN, OutwardAct.State.FAILED])
    return [Need(act.state, f"{act.verb} {act.pk}", act.problem) for act in acts]


def _find_unsubmitted(campaign: Campaign, now: datetime) -> list[Need]:
    rows = find_unsubmitted(campaign=campaign, now=now).filter(compensation=None).select_related("hit")
    words = "This work is stored here, but the marketplace never listed it. Pay it through a compensation HIT."
    return [Need("unsubmitted", f"assignment {row.pk} on {row.hit.name_units()}", words) for row in rows]


def _find_unstored(campaign: Campaign) -> list[Need]:
    """Submitted at the marketplace and never stored by our page. It is counted and paid; a person may look into why."""
    rows = Assignment.objects.filter(hit__campaign=campaign, is_from_marketplace=True, state=Assignment.State.SUBMITTED)
    words = "The marketplace listed this work, but our page never stored it. The answer is the marketplace's."
    return [
        Need("unstored", f"assignment {row.pk} on {row.hit.name_units()}", words) for row in rows.select_related("hit")
    ]


def _find_unreadable(campaign: Campaign) -> list[Need]:
    listed = [Assignment.State.SUBMITTED, Assignment.State.APPROVED]
    rows = Assignment.objects.filter(hit__campaign=campaign, state__in=listed, answers__says__isnull=True).distinct()
    words = "The marketplace's answer could not be read. It is kept unchanged."
    return [Need("unreadable", f"assignment {row.pk}", words) for row in rows]


def _find_rejections(campaign: Campaign) -> list[Need]:
    waiting = Rejection.objects.filter(assignment__hit__campaign=campaign, confirmed_at=None)
    return [
        Need("rejection", f"assignment {row.assignment_id}", f"Proposed by {row.proposed_by}; a second person decides.")
        for row in waiting
    ]


def _find_auto_approvals(campaign: Campaign, now: datetime) -> list[Need]:
    soon = Assignment.objects.filter(
        hit__campaign=campaign, state=Assignment.State.SUBMITTED, auto_approval_at__lt=now + AUTO_APPROVAL_NOTICE
    )
    words = "Will be approved automatically at {:%Y-%m-%d %H:%M} UTC."
    return [Need("auto-approval", f"assignment {row.pk}", words.format(row.auto_approval_at)) for row in soon]
