"""CreateHITType, and what CreateHIT shares with it."""

from decimal import Decimal
from typing import Any

from annotator.sandbox.acts import publishing
from annotator.sandbox.api import requirements
from annotator.sandbox.api.call import Call
from annotator.sandbox.models import HITType

# As at Amazon: after 30 days answers are approved automatically.
DEFAULT_AUTO_APPROVAL_SECONDS = 30 * 24 * 3600


def create_hit_type(call: Call) -> dict[str, Any]:
    return {"HITTypeId": register(call).mturk_id}


def register(call: Call) -> HITType:
    values = call.values
    requirements.check(values.get("QualificationRequirements", []), requester=call.requester)
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
