"""What in a campaign needs a person, each with a sentence that says why."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from annotator.crowd.campaigns.collecting import HAND_OVER, find_unsubmitted
from annotator.crowd.campaigns.crops import describe_gone
from annotator.crowd.campaigns.openness import find_openness
from annotator.crowd.judging.settling import SETTLED_BY_HAND
from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.models import COUNTED, HIT, Assignment, Campaign, OutwardAct, Rejection

# An automatic approval is announced this long before it happens.
AUTO_APPROVAL_NOTICE = timedelta(days=1)
UNSUBMITTED = "This work is stored here, but the marketplace never listed it. Compensate it."
UNPROVED = (
    "{} pieces of work are stored here by visits that the marketplace has never confirmed, or of HITs that were "
    "returned. They are not counted, and no pay is proposed for them."
)
UNSTORED = "The marketplace listed this work, but our page never stored it. The answer is the marketplace's."
UNREADABLE = "The marketplace's answer could not be read. It is kept unchanged."
PROPOSED = "Proposed by {}; a second person who may pay decides."
APPROVED_AT = "Will be approved automatically at {:%Y-%m-%d %H:%M} UTC."

# What was to be done at the marketplace.
ACTS = {
    Verb.REGISTER: "The HIT type", Verb.QUALIFY: "The qualification", Verb.PUBLISH: "Publishing",
    Verb.EXTEND: "Asking for more answers", Verb.PROLONG: "Giving more time", Verb.STOP: "Withdrawing",
    Verb.APPROVE: "Approving", Verb.REJECT: "Rejecting", Verb.OVERTURN: "Overturning a rejection",
    Verb.PAY_BONUS: "A bonus",
}  # fmt: skip


@dataclass(frozen=True)
class Need:
    kind: str
    subject: str
    words: str
    # The act at the marketplace whose outcome a person is to say (the step `settle-payment`).
    act: int | None = None
    # The pseudonym of whoever gave the answer that this is about.
    person: str = ""


def find_attention(*, campaign: Campaign, now: datetime) -> list[Need]:
    """First crops that are gone and acts that only a person can settle, then unpaid work, then waiting decisions."""
    rows = Assignment.objects.filter(hit__campaign=campaign)
    submitted = rows.filter(state=Assignment.State.SUBMITTED)
    acts = campaign.outward_acts.filter(state__in=[OutwardAct.State.NEEDS_HUMAN, OutwardAct.State.FAILED])
    # What asks nobody any more need not be asked again.
    over = Q(state=OutwardAct.State.FAILED, hit__state=HIT.State.CANCELED, verb__in=[Verb.PUBLISH, Verb.EXTEND])
    unsubmitted = find_unsubmitted(campaign=campaign, now=now).exclude(compensation__hit_id__gt="")
    n_unproved = rows.filter(state=Assignment.State.KEPT, stored_at__lt=now - HAND_OVER).count()
    # It is counted and paid; a person may look into why our page never stored it.
    unstored = submitted.filter(is_from_marketplace=True)
    unreadable = rows.filter(state__in=COUNTED, answers__says__isnull=True).distinct()
    rejections = Rejection.objects.filter(assignment__in=submitted, confirmed_at=None)
    rejections = rejections.select_related("assignment__worker").order_by("pk")
    soon = submitted.filter(auto_approval_at__lt=now + AUTO_APPROVAL_NOTICE).select_related("worker")
    openness = find_openness(campaign, now=now)
    gone = describe_gone(campaign)
    return [
        *([Need("crops", str(campaign), gone)] if gone else []),
        *([Need("expired", str(campaign), openness.words)] if openness.is_expired else []),
        *(_name_act(act) for act in acts.exclude(over)),
        *_name_units("unsubmitted", unsubmitted, UNSUBMITTED),
        *([Need("unproved", str(campaign), UNPROVED.format(n_unproved))] if n_unproved else []),
        *_name_units("unstored", unstored, UNSTORED),
        *(_name("unreadable", row, UNREADABLE) for row in unreadable.select_related("worker")),
        *(_name("rejection", one.assignment, PROPOSED.format(one.proposed_by)) for one in rejections),
        *(_name("auto-approval", row, APPROVED_AT.format(row.auto_approval_at)) for row in soon),
        *([Need("problem", str(campaign), campaign.problem)] if campaign.problem else []),
    ]


def _name_act(act: OutwardAct) -> Need:
    can_be_settled = act.state == OutwardAct.State.NEEDS_HUMAN and act.verb in SETTLED_BY_HAND
    subject = f"{ACTS[Verb(act.verb)]}, act {act.pk}"
    return Need(act.get_state_display().lower(), subject, act.problem, act=act.pk if can_be_settled else None)


def _name_units(kind: str, rows: QuerySet[Assignment], words: str) -> list[Need]:
    """Three queries, however many rows."""
    named = rows.select_related("hit", "worker").prefetch_related("hit__hit_units__unit__layer")
    return [_name(kind, row, words, on=f" on {row.hit.name_units()}") for row in named]


def _name(kind: str, row: Assignment, words: str, *, on: str = "") -> Need:
    """`row` is read with its worker."""
    return Need(kind, f"assignment {row.pk}{on}", words, person=row.worker.pseudonym if row.worker else "")
