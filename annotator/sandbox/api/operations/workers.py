"""Operations on people: block them, write to them."""

from typing import Any

from django.db.models import Exists, OuterRef

from annotator.sandbox.api import find, pagination, wire
from annotator.sandbox.api.call import Call
from annotator.sandbox.api.limits import MAX_WORKERS_NOTIFIED
from annotator.sandbox.models import Assignment, Message, Person, WorkerBlock
from annotator.sandbox.rules.refusals import bad_parameter
from annotator.sandbox.rules.states import AssignmentState


def create_worker_block(call: Call) -> dict[str, Any]:
    person = find.person(call.values["WorkerId"])
    if not call.values["Reason"].strip():
        raise bad_parameter("Reason must not be empty.")
    WorkerBlock.objects.update_or_create(
        requester=call.requester, person=person, defaults={"reason": call.values["Reason"]},
        create_defaults={"reason": call.values["Reason"], "created_at": call.now},
    )  # fmt: skip
    return {}


def delete_worker_block(call: Call) -> dict[str, Any]:
    """Does nothing if there is no block."""
    WorkerBlock.objects.filter(requester=call.requester, person=find.person(call.values["WorkerId"])).delete()
    return {}


def list_worker_blocks(call: Call) -> dict[str, Any]:
    rows = WorkerBlock.objects.filter(requester=call.requester).select_related("person")
    blocks, members = pagination.take(rows, call.page())
    shown = [{"WorkerId": block.person.mturk_id, "Reason": block.reason} for block in blocks]
    return {**members, "WorkerBlocks": shown}


def notify_workers(call: Call) -> dict[str, Any]:
    """A message to each person whose work this requester has judged, or who wrote, and who has not left; the answer
    names the others."""
    sought = call.values["WorkerIds"]
    if not 1 <= len(sought) <= MAX_WORKERS_NOTIFIED:
        raise bad_parameter(f"WorkerIds must name 1 to {MAX_WORKERS_NOTIFIED} Workers.")
    is_judged = Exists(
        Assignment.objects.filter(
            person=OuterRef("pk"), hit__requester=call.requester,
            state__in=[AssignmentState.APPROVED, AssignmentState.REJECTED],
        )
    )  # fmt: skip
    has_written = Exists(Message.objects.filter(person=OuterRef("pk"), requester=call.requester, is_from_person=True))
    judged = Person.objects.filter(is_judged | has_written, mturk_id__in=sought, left_at=None)
    Message.objects.bulk_create(
        Message(
            requester=call.requester, person=person, subject=call.values["Subject"], text=call.values["MessageText"],
            sent_at=call.now,
        )
        for person in judged
    )  # fmt: skip
    reached = {person.mturk_id for person in judged}
    failures = [_failure(worker_id) for worker_id in dict.fromkeys(sought) if worker_id not in reached]
    return {"NotifyWorkersFailureStatuses": failures}


def list_worker_messages(call: Call) -> dict[str, Any]:
    """Not Amazon's: there such messages come by e-mail."""
    rows = Message.objects.filter(requester=call.requester, is_from_person=True).select_related("person")
    messages, members = pagination.take(rows, call.page(), is_newest_first=True)
    return {**members, "WorkerMessages": [wire.message_members(message) for message in messages]}


def _failure(worker_id: str) -> dict[str, Any]:
    return {
        "NotifyWorkersFailureCode": "HardFailure",
        "NotifyWorkersFailureMessage": (
            "You have not judged work of this Worker and were not written to, or the Worker has left."
        ),
        "WorkerId": worker_id,
    }
