"""Operations on HITs and HIT types: create, read, list, extend, expire, mark, delete."""

import datetime as dt
from decimal import Decimal
from typing import Any

from annotator.sandbox import request_tokens
from annotator.sandbox.acts import publishing
from annotator.sandbox.acts.transitions import add_assignments
from annotator.sandbox.api import find, limits, pagination, requirements, wire
from annotator.sandbox.api.call import Call
from annotator.sandbox.models import HIT, HITType
from annotator.sandbox.questions import documents, layouts, policies
from annotator.sandbox.rules.refusals import Code, Refused, bad_parameter
from annotator.sandbox.rules.states import HITStatus

# As at Amazon: after 30 days answers are approved automatically.
DEFAULT_AUTO_APPROVAL_SECONDS = 30 * 24 * 3600
_POLICIES = {
    "Assignment": (policies.KNOWN_ANSWERS, policies.read_known_answers),
    "HIT": (policies.PLURALITY, policies.read_plurality),
}


def create_hit_type(call: Call) -> dict[str, Any]:
    return {"HITTypeId": _register(call).mturk_id}


def _register(call: Call) -> HITType:
    values = call.values
    requirements.check(values.get("QualificationRequirements", []))
    fields = publishing.HITTypeFields(
        title=values["Title"],
        description=values["Description"],
        keywords=values.get("Keywords", ""),
        reward_usd=Decimal(values["Reward"]),
        duration_seconds=values["AssignmentDurationInSeconds"],
        auto_approval_seconds=values.get("AutoApprovalDelayInSeconds", DEFAULT_AUTO_APPROVAL_SECONDS),
        requirements=values.get("QualificationRequirements", []),
    )
    return publishing.register_type(call.requester, fields, now=call.now)


def create_hit(call: Call) -> dict[str, Any]:
    new = read_new_hit(call)
    return _create(call, _register(call), new)


def create_hit_with_hit_type(call: Call) -> dict[str, Any]:
    hit_type = find.hit_type(call)
    return _create(call, hit_type, read_new_hit(call))


def read_new_hit(call: Call) -> publishing.NewHIT:
    values = call.values
    question = _read_question(call)
    documents.check_question(question)
    return publishing.NewHIT(
        question=question,
        hit_layout_id=values.get("HITLayoutId", ""),
        lifetime=dt.timedelta(seconds=values["LifetimeInSeconds"]),
        max_assignments=values.get("MaxAssignments", 1),
        annotation=values.get("RequesterAnnotation", ""),
        assignment_review_policy=_check_policy(values.get("AssignmentReviewPolicy"), level="Assignment"),
        hit_review_policy=_check_policy(values.get("HITReviewPolicy"), level="HIT"),
    )


def _read_question(call: Call) -> str:
    """The question itself, or the layout with its fields filled in."""
    values = call.values
    if "HITLayoutId" in values:
        if values.get("Question"):
            raise bad_parameter("Question and HITLayoutId cannot be given together.")
        given = {one["Name"]: one["Value"] for one in values.get("HITLayoutParameters", [])}
        layout = find.layout(call)
        question = layouts.fill_in(layout.content, given, frame_height_px=layout.frame_height_px)
        limits.check({"Question": question})
        return question
    if "HITLayoutParameters" in values:
        raise bad_parameter("HITLayoutParameters need a HITLayoutId.")
    if not values.get("Question"):
        raise Refused(Code.MISSING_PARAMETER, "Either Question or HITLayoutId must be given.")
    return str(values["Question"])


def _check_policy(policy: dict[str, Any] | None, *, level: str) -> dict[str, Any] | None:
    """The policy as it is stored. Raises Refused if it could not be carried out."""
    if policy is None:
        return None
    name, read = _POLICIES[level]
    if policy["PolicyName"] != name:
        raise bad_parameter(f"The review policy for a {level} is {name}, not {policy['PolicyName'][:80]!r}.")
    read(policy)
    return policy


def _create(call: Call, hit_type: HITType, new: publishing.NewHIT) -> dict[str, Any]:
    call.claim_token(request_tokens.HIT, outcome=new.mturk_id)
    return {"HIT": wire.hit_members(publishing.create_hit(hit_type, new, now=call.now))}


def get_hit(call: Call) -> dict[str, Any]:
    return {"HIT": wire.hit_members(find.hit(call))}


def list_hits(call: Call) -> dict[str, Any]:
    rows = HIT.objects.filter(requester=call.requester).exclude(status=HITStatus.DISPOSED).select_related("hit_type")
    hits, members = pagination.take(rows, call.page(), is_newest_first=True)
    return {**members, "HITs": [wire.hit_members(hit) for hit in hits]}


def list_reviewable_hits(call: Call) -> dict[str, Any]:
    status, type_id = call.values.get("Status", "Reviewable"), call.values.get("HITTypeId", "")
    rows = HIT.objects.filter(requester=call.requester, status=status).select_related("hit_type")
    if type_id:
        rows = rows.filter(hit_type=find.hit_type(call))
    hits, members = pagination.take(rows, call.page(f"{status}/{type_id}"), is_newest_first=True)
    return {**members, "HITs": [wire.hit_members(hit) for hit in hits]}


def create_additional_assignments_for_hit(call: Call) -> dict[str, Any]:
    hit = find.locked_hit(call)
    call.claim_token(request_tokens.EXTENSION, outcome=call.request_id)
    add_assignments(hit, n_more=call.values["NumberOfAdditionalAssignments"], now=call.now)
    return {}


def update_expiration_for_hit(call: Call) -> dict[str, Any]:
    publishing.set_expiration(find.locked_hit(call), expires_at=call.values["ExpireAt"], now=call.now)
    return {}


def update_hit_review_status(call: Call) -> dict[str, Any]:
    publishing.mark_reviewing(find.locked_hit(call), is_reverted=call.values.get("Revert", False))
    return {}


def update_hit_type_of_hit(call: Call) -> dict[str, Any]:
    publishing.change_type(find.locked_hit(call), find.hit_type(call), now=call.now)
    return {}


def delete_hit(call: Call) -> dict[str, Any]:
    publishing.delete_hit(find.locked_hit(call), now=call.now)
    return {}
