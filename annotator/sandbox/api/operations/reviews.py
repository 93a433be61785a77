"""ListReviewPolicyResultsForHIT: what the review policies found and did."""

from typing import Any

from annotator.sandbox.api import find
from annotator.sandbox.api.call import Call
from annotator.sandbox.api.pagination import seal
from annotator.sandbox.models import ReviewAction, ReviewResult

LEVELS = ("Assignment", "HIT")


def list_review_policy_results_for_hit(call: Call) -> dict[str, Any]:
    """One page over the findings, then the actions, of both levels; MaxResults counts them together."""
    hit, values = find.hit(call), call.values
    levels = [level for level in LEVELS if level in values.get("PolicyLevels", LEVELS)]
    wants = (values.get("RetrieveResults", True), values.get("RetrieveActions", True))
    page = call.page(f"{hit.pk}/{levels}/{wants}")
    rows: list[ReviewResult | ReviewAction] = [
        *(hit.review_results.filter(level__in=levels) if wants[0] else []),
        *(hit.review_actions.filter(level__in=levels) if wants[1] else []),
    ]
    first = page.after or 0
    shown = rows[first : first + page.size]
    members: dict[str, Any] = {"HITId": hit.mturk_id}
    if shown:
        members["NextToken"] = seal(page, first + len(shown))
    for level in levels:
        policy = hit.assignment_review_policy if level == "Assignment" else hit.hit_review_policy
        if policy:
            members[f"{level}ReviewPolicy"] = {"PolicyName": policy["PolicyName"]}
            members[f"{level}ReviewReport"] = _report(shown, level)
    return members


def _report(rows: list[ReviewResult | ReviewAction], level: str) -> dict[str, Any]:
    mine = [row for row in rows if row.level == level]
    return {
        "ReviewResults": [_result_members(row) for row in mine if isinstance(row, ReviewResult)],
        "ReviewActions": [_action_members(row) for row in mine if isinstance(row, ReviewAction)],
    }


def _result_members(row: ReviewResult) -> dict[str, Any]:
    return {
        "ActionId": row.action_id, "SubjectId": row.subject_id, "SubjectType": row.subject_type,
        "QuestionId": row.question_id or None, "Key": row.key, "Value": row.value,
    }  # fmt: skip


def _action_members(row: ReviewAction) -> dict[str, Any]:
    return {
        "ActionId": row.action_id, "ActionName": row.name, "TargetId": row.target_id, "TargetType": row.target_type,
        "Status": row.status, "CompleteTime": row.completed_at, "Result": row.result,
        "ErrorCode": row.error_code or None,
    }  # fmt: skip
