"""What a finished outward act changes in our own tables; called in the transaction that marks the act as done."""

from datetime import datetime
from typing import Any

from annotator.crowd.models import HIT, Assignment, Campaign, Compensation, HITType, OutwardAct


def record_outcome(act: OutwardAct, *, now: datetime) -> None:
    response: dict[str, Any] = act.response or {}
    match act.operation:
        case "CreateHITType":
            HITType.objects.filter(pk=act.expected["hit_type"]).update(external_id=response["HITTypeId"])
        case "CreateHITWithHITType" if act.purpose == "compensation":
            Compensation.objects.filter(pk=act.expected["compensation"]).update(hit_id=response["HIT"]["HITId"])
        case "CreateHITWithHITType":
            HIT.objects.filter(outward_acts=act).update(external_id=response["HIT"]["HITId"], state=HIT.State.PUBLISHED)
        case "CreateAdditionalAssignmentsForHIT":
            HIT.objects.filter(outward_acts=act).update(
                n_assignments=act.expected["max_assignments"], state=HIT.State.PUBLISHED
            )
            complete = Campaign.objects.filter(pk=act.campaign_id, state=Campaign.State.COMPLETE)
            complete.update(state=Campaign.State.COLLECTING)
        case "UpdateExpirationForHIT":
            HIT.objects.filter(outward_acts=act).update(state=HIT.State.CANCELED)
        case "ApproveAssignment":
            Assignment.objects.filter(outward_acts=act).update(state=Assignment.State.APPROVED)
        case "RejectAssignment":
            Assignment.objects.filter(outward_acts=act).update(state=Assignment.State.REJECTED)
        case _:  # a bonus: its row is its record
            pass
