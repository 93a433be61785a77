"""Rows by the ids that a requester sends; another requester's rows are not found."""

from annotator.sandbox.acts import transitions
from annotator.sandbox.acts.transitions import lock_assignment
from annotator.sandbox.api.call import Call
from annotator.sandbox.models import HIT, Assignment, HITType, Person, QualificationType
from annotator.sandbox.rules.refusals import Code, Refused


def hit_type(call: Call, name: str = "HITTypeId") -> HITType:
    found = HITType.objects.filter(requester=call.requester, mturk_id=call.values[name], is_deleted=False).first()
    if found is None:
        raise Refused(Code.HIT_TYPE_DOES_NOT_EXIST, f"Hit type {call.values[name]} does not exist.")
    found.requester = call.requester
    return found


def hit(call: Call) -> HIT:
    found = HIT.objects.select_related("hit_type").filter(requester=call.requester, mturk_id=call.values["HITId"])
    return _first_hit(found.first(), call)


def locked_hit(call: Call) -> HIT:
    """With its row lock, for an operation that changes it."""
    try:
        found = transitions.lock_hit(requester=call.requester, mturk_id=call.values["HITId"])
    except HIT.DoesNotExist:
        found = None
    return _first_hit(found, call)


def _first_hit(found: HIT | None, call: Call) -> HIT:
    if found is None:
        raise Refused(Code.HIT_DOES_NOT_EXIST, f"Hit {call.values['HITId']} does not exist.")
    return found


def assignment(call: Call) -> Assignment:
    """A submitted one: a requester does not see work in progress."""
    sought = call.values["AssignmentId"]
    found = Assignment.objects.filter(mturk_id=sought, hit__requester=call.requester, submitted_at__isnull=False)
    if not found.exists():
        raise Refused(Code.ASSIGNMENT_DOES_NOT_EXIST, f"Assignment {sought} does not exist.")
    return lock_assignment(mturk_id=sought)


def person(worker_id: str) -> Person:
    found = Person.objects.filter(mturk_id=worker_id).first()
    if found is None:
        raise Refused(Code.WORKER_DOES_NOT_EXIST, f"Worker {worker_id} does not exist.")
    return found


def own_qualification_type(call: Call) -> QualificationType:
    sought = call.values["QualificationTypeId"]
    found = QualificationType.objects.filter(requester=call.requester, mturk_id=sought, deleted_at=None).first()
    if found is None:
        raise Refused(Code.QUALIFICATION_TYPE_DOES_NOT_EXIST, f"QualificationType {sought} does not exist.")
    return found
