"""The row of a decision to act outward, written before the call."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from annotator.crowd.marketplaces.marketplace import Act
from annotator.crowd.models import HIT, Assignment, Campaign, OutwardAct
from annotator.crowd.outbox.crash_points import reach
from annotator.refusals import Refusal

# How the problem of an act begins that a person gave up. It may have been done, so it is never sent again.
GIVEN_UP = "Given up by a person."


class BudgetExceeded(Refusal):
    """The act would cost more than is left under the campaign's cap; nothing was written."""


@dataclass(frozen=True)
class Decision:
    """What is to be done at the marketplace, once for this key; its cost in dollars with fees."""

    act: Act
    key: str
    hit: HIT | None = None
    assignment: Assignment | None = None
    cost_usd: Decimal = Decimal(0)
    expected: dict[str, Any] = field(default_factory=dict)
    purpose: str = ""


def make_key(*parts: object) -> str:
    """A token of 64 characters for one decision: the same decision written twice is the same row."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()


def write_act(*, campaign: Campaign, decision: Decision, request: dict[str, Any], now: datetime) -> OutwardAct:
    """The row of a decision, with the request that will be sent; a known key gives the existing row.

    One that the marketplace refused is due again: what it lacked may be there by now. The database reserves the cost
    under the cap. Raises BudgetExceeded.
    """
    decided = {"request": request, "expected": decision.expected, "cost_usd": decision.cost_usd}
    values = {
        "campaign": campaign,
        "verb": decision.act.verb,
        "purpose": decision.purpose,
        "hit": decision.hit,
        "assignment": decision.assignment,
        "created_at": now,
        **decided,
    }
    with transaction.atomic():
        act, is_new = OutwardAct.objects.get_or_create(key=decision.key, defaults=values)
        if is_new or _revive(act, **decided):
            _reserve(act, campaign=campaign)
    if is_new:
        reach("after decision", decision.act.verb)
    return act


def _revive(act: OutwardAct, **decided: Any) -> bool:
    """What the marketplace refused was not done: it is due again, as it is decided now, and as if it had not been sent.

    What a person gave up stays so.
    """
    failed = OutwardAct.objects.filter(pk=act.pk, state=OutwardAct.State.FAILED)
    refused = failed.exclude(problem__startswith=GIVEN_UP)
    if not refused.update(state=OutwardAct.State.PENDING, sent_at=None, **decided):
        return False
    act.refresh_from_db()
    return True


def _reserve(act: OutwardAct, *, campaign: Campaign) -> None:
    """The caller's transaction ends with this refusal."""
    try:
        if act.cost_usd:
            Campaign.objects.filter(pk=campaign.pk).update(committed_usd=F("committed_usd") + act.cost_usd)
    except IntegrityError as error:
        if "spending_within_cap" not in str(error):
            raise
        raise BudgetExceeded(
            f"The act {act.verb} costs ${act.cost_usd:.2f}, and less is left of the cap of "
            f"${campaign.budget_cap_usd:.2f} that the campaign {campaign} has. A payer can raise the cap."
        ) from None
