"""The row of a decision to act outward, written before the call."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from annotator.crowd.models import HIT, Assignment, Campaign, OutwardAct
from annotator.crowd.outbox.crash_points import reach
from annotator.refusals import Refusal


class BudgetExceeded(Refusal):
    """The act would cost more than is left under the campaign's cap; nothing was written."""


@dataclass(frozen=True)
class Decision:
    """What is to be done at the marketplace, once for this key; its cost in dollars with fees."""

    operation: str
    key: str
    request: dict[str, Any]
    hit: HIT | None = None
    assignment: Assignment | None = None
    cost_usd: Decimal = Decimal(0)
    expected: dict[str, Any] = field(default_factory=dict)
    purpose: str = ""


def make_key(*parts: object) -> str:
    """A token of 64 characters for one decision: the same decision written twice is the same row."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()


def write_act(*, campaign: Campaign, decision: Decision, now: datetime) -> OutwardAct:
    """The row of a decision, its cost reserved under the cap by the database; a known key gives the existing row."""
    known = OutwardAct.objects.filter(key=decision.key).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            act = OutwardAct.objects.create(campaign=campaign, created_at=now, **vars(decision))
            if act.cost_usd:
                Campaign.objects.filter(pk=campaign.pk).update(committed_usd=F("committed_usd") + act.cost_usd)
    except IntegrityError as error:
        if "spending_within_cap" in str(error):
            raise BudgetExceeded(
                f"{decision.operation} costs ${decision.cost_usd:.2f}, and less is left of the cap of "
                f"${campaign.budget_cap_usd:.2f} that the campaign {campaign} has for good."
            ) from None
        known = OutwardAct.objects.filter(key=decision.key).first()
        if known is None:
            raise
        return known
    reach("after decision", decision.operation)
    return act
