"""Operations on people: block them, write to them."""

from typing import Any

from annotator.sandbox.api import find, pagination
from annotator.sandbox.api.call import Call
from annotator.sandbox.api.limits import MAX_WORKERS_NOTIFIED
from annotator.sandbox.models import Message, Person, WorkerBlock
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
    """A message to each person whose work this requester has judged; the answer names the others."""
    sought = call.values["WorkerIds"]
    if not 1 <= len(sought) <= MAX_WORKERS_NOTIFIED:
        raise bad_parameter(f"WorkerIds must name 1 to {MAX_WORKERS_NOTIFIED} Workers.")
    judged = Person.objects.filter(
        mturk_id__in=sought, assignments__hit__requester=call.requester,
        assignments__state__in=[AssignmentState.APPROVED, AssignmentState.REJECTED],
    ).distinct()  # fmt: skip
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


def _failure(worker_id: str) -> dict[str, Any]:
    return {
        "NotifyWorkersFailureCode": "HardFailure",
        "NotifyWorkersFailureMessage": "You have neither approved nor rejected work of this Worker.",
        "WorkerId": worker_id,
    }
