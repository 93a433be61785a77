"""Operations on submitted work: read, list, approve, reject."""

from typing import Any

from annotator.sandbox.acts.transitions import approve, reject
from annotator.sandbox.api import find, pagination, wire
from annotator.sandbox.api.call import Call
from annotator.sandbox.rules.states import LISTED


def get_assignment(call: Call) -> dict[str, Any]:
    assignment = find.assignment(call)
    return {"Assignment": wire.assignment_members(assignment), "HIT": wire.hit_members(assignment.hit)}


def list_assignments_for_hit(call: Call) -> dict[str, Any]:
    """In the order of submission, so that an assignment submitted between two pages comes after both."""
    hit = find.hit(call)
    states = sorted(call.values.get("AssignmentStatuses") or LISTED)
    rows = hit.assignments.filter(state__in=states).select_related("person", "hit")
    assignments, members = pagination.take(rows, call.page(f"{hit.pk}/{','.join(states)}"), by="submitted_at")
    return {**members, "Assignments": [wire.assignment_members(assignment) for assignment in assignments]}


def approve_assignment(call: Call) -> dict[str, Any]:
    approve(
        find.assignment(call), feedback=call.values.get("RequesterFeedback", ""),
        is_override=call.values.get("OverrideRejection", False), now=call.now,
    )  # fmt: skip
    return {}


def reject_assignment(call: Call) -> dict[str, Any]:
    reject(find.assignment(call), feedback=call.values["RequesterFeedback"], now=call.now)
    return {}
