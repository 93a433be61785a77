"""Operations on submitted work: read, list, approve, reject, fetch a file."""

from typing import Any

from annotator.sandbox import uploads
from annotator.sandbox.acts.transitions import approve, reject
from annotator.sandbox.api import find, pagination, wire
from annotator.sandbox.api.call import Call
from annotator.sandbox.models import UploadedFile
from annotator.sandbox.rules.refusals import bad_parameter
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


def get_file_upload_url(call: Call) -> dict[str, Any]:
    """An address at which the file of an answer can be read for a minute."""
    assignment = find.assignment(call)
    sought = call.values["QuestionIdentifier"]
    file = UploadedFile.objects.filter(assignment=assignment, question_identifier=sought).first()
    if file is None:
        raise bad_parameter(f"Assignment {assignment} has no file for the question {sought[:80]!r}.")
    return {"FileUploadURL": uploads.make_url(file, now=call.now)}
