"""Operations on who holds a qualification: grant, revoke, read, list, and people's requests."""

from typing import Any

from annotator.sandbox.acts import granting
from annotator.sandbox.api import find, pagination, wire
from annotator.sandbox.api.call import Call
from annotator.sandbox.models import Person, Qualification, QualificationRequest, QualificationType
from annotator.sandbox.rules.refusals import Code, Refused


def associate_qualification_with_worker(call: Call) -> dict[str, Any]:
    kind, person = find.own_qualification_type(call), find.person(call.values["WorkerId"])
    granting.grant(kind, person, value=call.values.get("IntegerValue", 1), now=call.now)
    if call.values.get("SendNotification", True):
        granting.tell(
            kind, person, f"Qualification granted: {kind.name}", "You can accept HITs that require it.", now=call.now
        )
    return {}


def disassociate_qualification_from_worker(call: Call) -> dict[str, Any]:
    kind, person = find.own_qualification_type(call), find.person(call.values["WorkerId"])
    granting.revoke(_held(kind, person), reason=call.values.get("Reason", ""), now=call.now)
    return {}


def get_qualification_score(call: Call) -> dict[str, Any]:
    kind, person = find.own_qualification_type(call), find.person(call.values["WorkerId"])
    held = _held(kind, person)
    granting.check_granted(held)
    return {"Qualification": wire.qualification_members(held)}


def _held(kind: QualificationType, person: Person) -> Qualification:
    held = Qualification.objects.select_related("type__requester", "person").filter(type=kind, person=person).first()
    if held is None:
        raise Refused(
            Code.QUALIFICATION_DOES_NOT_EXIST,
            f"The qualification {kind.mturk_id} of Worker {person.mturk_id} does not exist.",
        )
    return held


def list_workers_with_qualification_type(call: Call) -> dict[str, Any]:
    """Those who hold it, or, by Status, those who no longer do."""
    kind, status = find.own_qualification_type(call), call.values.get("Status", "Granted")
    rows = kind.qualifications.filter(is_revoked=status == "Revoked").select_related("type", "person")
    held, members = pagination.take(rows, call.page(f"{kind.pk}/{status}"))
    return {**members, "Qualifications": [wire.qualification_members(one) for one in held]}


def list_qualification_requests(call: Call) -> dict[str, Any]:
    rows = QualificationRequest.objects.filter(
        type__requester=call.requester, type__deleted_at=None, state=QualificationRequest.State.PENDING
    ).select_related("type", "person")
    about = ""
    if "QualificationTypeId" in call.values:
        kind = find.own_qualification_type(call)
        rows, about = rows.filter(type=kind), f"{kind.pk}"
    asked, members = pagination.take(rows, call.page(about))
    return {**members, "QualificationRequests": [wire.request_members(one) for one in asked]}


def accept_qualification_request(call: Call) -> dict[str, Any]:
    granting.accept_request(_pending(call), value=call.values.get("IntegerValue", 1), now=call.now)
    return {}


def reject_qualification_request(call: Call) -> dict[str, Any]:
    granting.reject_request(_pending(call), reason=call.values.get("Reason", ""))
    return {}


def _pending(call: Call) -> QualificationRequest:
    sought = call.values["QualificationRequestId"]
    rows = QualificationRequest.objects.select_for_update(of=("self",)).select_related("type", "person")
    rows = rows.filter(mturk_id=sought, type__requester=call.requester, submitted_at__isnull=False)
    asked = find.first(rows, Code.QUALIFICATION_REQUEST_DOES_NOT_EXIST, f"QualificationRequest {sought[:64]}")
    if asked.state != QualificationRequest.State.PENDING:
        raise Refused(Code.INVALID_QUALIFICATION_STATE, f"This qualification request is {asked.state} already.")
    return asked
