"""Operations on money: the balance, bonuses."""

from decimal import Decimal
from typing import Any

from annotator.sandbox import ledger, request_tokens
from annotator.sandbox.api import find, pagination, wire
from annotator.sandbox.api.call import Call
from annotator.sandbox.models import BonusPayment, Requester
from annotator.sandbox.rules.refusals import Code, Refused, bad_parameter


def get_account_balance(call: Call) -> dict[str, Any]:
    requester = Requester.objects.get(id=call.requester.pk)
    if call.board.is_balance_exhausted:
        return {"AvailableBalance": Decimal(0), "OnHoldBalance": requester.held_usd}
    return {"AvailableBalance": requester.available_usd, "OnHoldBalance": requester.held_usd}


def send_bonus(call: Call) -> dict[str, Any]:
    values = call.values
    amount = Decimal(values["BonusAmount"])
    if amount <= 0:
        raise bad_parameter("BonusAmount must be at least 0.01.")
    if not values["Reason"].strip():
        raise bad_parameter("Reason must not be empty.")
    assignment = find.assignment(call)
    if assignment.person != find.person(values["WorkerId"]):
        raise bad_parameter(f"Worker {values['WorkerId']} did not do assignment {assignment}.")
    call.claim_token(request_tokens.BONUS, outcome=call.request_id)
    ledger.pay_bonus(assignment, amount_usd=amount, reason=values["Reason"], now=call.now)
    return {}


def list_bonus_payments(call: Call) -> dict[str, Any]:
    if "HITId" not in call.values and "AssignmentId" not in call.values:
        raise Refused(Code.MISSING_PARAMETER, "Either HITId or AssignmentId must be given.")
    rows = BonusPayment.objects.filter(requester=call.requester).select_related("person", "assignment")
    about = ""
    if "HITId" in call.values:
        hit = find.hit(call)
        rows, about = rows.filter(assignment__hit=hit), f"{hit.pk}"
    if "AssignmentId" in call.values:
        assignment = find.assignment(call)
        rows, about = rows.filter(assignment=assignment), f"{about}/{assignment.pk}"
    bonuses, members = pagination.take(rows, call.page(about))
    return {**members, "BonusPayments": [wire.bonus_members(bonus) for bonus in bonuses]}
