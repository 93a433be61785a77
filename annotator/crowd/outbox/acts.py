"""The row of a decision to act outward, written before the call."""

import hashlib
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


def make_key(*parts: object) -> str:
    """A token of 64 characters for one decision: the same decision written twice is the same row."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()


def write_act(
    *,
    campaign: Campaign,
    operation: str,
    key: str,
    request: dict[str, Any],
    now: datetime,
    hit: HIT | None = None,
    assignment: Assignment | None = None,
    cost_usd: Decimal = Decimal(0),
    expected: dict[str, Any] | None = None,
    purpose: str = "",
) -> OutwardAct:
    """The row of a decision, its cost reserved under the cap by the database; a known key gives the row that stands."""
    known = OutwardAct.objects.filter(key=key).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            act = OutwardAct.objects.create(
                campaign=campaign,
                operation=operation,
                purpose=purpose,
                key=key,
                request=request,
                hit=hit,
                assignment=assignment,
                cost_usd=cost_usd,
                expected=expected or {},
                created_at=now,
            )
            if cost_usd:
                Campaign.objects.filter(pk=campaign.pk).update(committed_usd=F("committed_usd") + cost_usd)
    except IntegrityError as error:
        if "spending_within_cap" in str(error):
            raise BudgetExceeded(
                f"{operation} costs ${cost_usd:.2f}, and less is left of the cap of ${campaign.budget_cap_usd:.2f} "
                f"that the campaign {campaign} has for good."
            ) from None
        known = OutwardAct.objects.filter(key=key).first()
        if known is None:
            raise
        return known
    reach("after decision", operation)
    return act
