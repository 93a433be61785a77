"""Every operation of the API, by its name on the wire."""

from collections.abc import Callable
from typing import Any

from annotator.sandbox.api.call import Call
from annotator.sandbox.api.operations import assignments, hit_types, hits, money

OPERATIONS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "ApproveAssignment": assignments.approve_assignment,
    "CreateAdditionalAssignmentsForHIT": hits.create_additional_assignments_for_hit,
    "CreateHIT": hits.create_hit,
    "CreateHITType": hit_types.create_hit_type,
    "CreateHITWithHITType": hits.create_hit_with_hit_type,
    "DeleteHIT": hits.delete_hit,
    "GetAccountBalance": money.get_account_balance,
    "GetAssignment": assignments.get_assignment,
    "GetHIT": hits.get_hit,
    "ListAssignmentsForHIT": assignments.list_assignments_for_hit,
    "ListBonusPayments": money.list_bonus_payments,
    "ListHITs": hits.list_hits,
    "ListReviewableHITs": hits.list_reviewable_hits,
    "RejectAssignment": assignments.reject_assignment,
    "SendBonus": money.send_bonus,
    "UpdateExpirationForHIT": hits.update_expiration_for_hit,
    "UpdateHITReviewStatus": hits.update_hit_review_status,
    "UpdateHITTypeOfHIT": hits.update_hit_type_of_hit,
}
