"""Rows by the ids that a requester sends; another requester's rows are not found."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from annotator.sandbox.acts.transitions import lock_assignment, lock_hit
from annotator.sandbox.api.call import Call
from annotator.sandbox.models import HIT, Assignment, HITLayout, HITType, Person, QualificationType
from annotator.sandbox.rules.refusals import Code, Refused
from annotator.sandbox.rules.states import AssignmentState

Row = TypeVar("Row", bound=Model)


def missing(code: Code, what: str) -> Refused:
    return Refused(code, f"{what} does not exist.")


def first(rows: QuerySet[Row], code: Code, what: str) -> Row:
    """Raises Refused with this code if there is none."""
    found = rows.first()
    if found is None:
        raise missing(code, what)
    return found


def hit_type(call: Call) -> HITType:
    sought = call.values["HITTypeId"]
    rows = HITType.objects.filter(requester=call.requester, mturk_id=sought, is_deleted=False)
    found = first(rows, Code.HIT_TYPE_DOES_NOT_EXIST, f"Hit type {sought}")
    found.requester = call.requester
    return found


def layout(call: Call) -> HITLayout:
    sought = call.values["HITLayoutId"]
    rows = HITLayout.objects.filter(requester=call.requester, mturk_id=sought)
    return first(rows, Code.HIT_LAYOUT_DOES_NOT_EXIST, f"HIT layout {sought}")


def hit(call: Call) -> HIT:
    sought = call.values["HITId"]
    rows = HIT.objects.select_related("hit_type").filter(requester=call.requester, mturk_id=sought)
    return first(rows, Code.HIT_DOES_NOT_EXIST, f"Hit {sought}")


def locked_hit(call: Call) -> HIT:
    """With its row lock, for an operation that changes it."""
    sought = call.values["HITId"]
    try:
        return lock_hit(requester=call.requester, mturk_id=sought)
    except HIT.DoesNotExist:
        raise missing(Code.HIT_DOES_NOT_EXIST, f"Hit {sought}") from None


def assignment(call: Call) -> Assignment:
    """A submitted one: a requester does not see work in progress. Of one that was returned it is said that it was."""
    sought = call.values["AssignmentId"]
    own = Assignment.objects.filter(mturk_id=sought, hit__requester=call.requester)
    if own.filter(state=AssignmentState.RETURNED).exists():
        raise Refused(Code.ASSIGNMENT_DOES_NOT_EXIST, f"Assignment {sought} was returned.")
    if not own.filter(submitted_at__isnull=False).exists():
        raise missing(Code.ASSIGNMENT_DOES_NOT_EXIST, f"Assignment {sought}")
    return lock_assignment(mturk_id=sought)


def person(worker_id: str) -> Person:
    return first(Person.objects.filter(mturk_id=worker_id), Code.WORKER_DOES_NOT_EXIST, f"Worker {worker_id}")


def own_qualification_type(call: Call, *, is_locked: bool = False) -> QualificationType:
    """`is_locked`: with its row lock, for an operation that changes it."""
    sought = call.values["QualificationTypeId"]
    rows = QualificationType.objects.filter(requester=call.requester, mturk_id=sought, deleted_at=None)
    if is_locked:
        rows = rows.select_for_update(of=("self",))
    return first(rows, Code.QUALIFICATION_TYPE_DOES_NOT_EXIST, f"QualificationType {sought}")
