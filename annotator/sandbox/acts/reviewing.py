"""What a requester does to finished work: approve, reject, overturn a rejection, pay a bonus."""

import datetime as dt
from decimal import Decimal

from annotator.sandbox import ledger
from annotator.sandbox.models import Assignment, BonusPayment
from annotator.sandbox.rules import fees
from annotator.sandbox.rules.refusals import Code, Refused
from annotator.sandbox.rules.states import LISTED


def grant_bonus(assignment: Assignment, *, amount_usd: Decimal, reason: str, now: dt.datetime) -> BonusPayment:
    if assignment.state not in LISTED:
        raise Refused(Code.INVALID_ASSIGNMENT_STATE, "A bonus needs a submitted, approved or rejected assignment.")
    fee = fees.fee_usd(amount_usd=amount_usd)
    ledger.pay_bonus(assignment, amount_usd=amount_usd, fee_usd=fee, now=now)
    return BonusPayment.objects.create(
        requester=assignment.hit.requester, person=assignment.person, assignment=assignment, amount_usd=amount_usd,
        fee_usd=fee, reason=reason, granted_at=now,
    )  # fmt: skip
