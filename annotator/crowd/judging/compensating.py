"""Pays for work that was stored here and could not be submitted: a HIT of one assignment that one worker may take.

Each of its four steps at the marketplace is safe to repeat, so that the whole may be begun again after any crash: the
qualification type is found by its name, granting twice is once, the HIT type is the same by its fields, and the HIT
carries its token and annotation through the outbox.
"""

from typing import Any
from xml.sax.saxutils import escape

from annotator.crowd.assignments import make_receipt
from annotator.crowd.marketplaces.mturk.client import Requester
from annotator.crowd.marketplaces.mturk.qualifications import find_or_create_qualification
from annotator.crowd.marketplaces.mturk.wire import render_amount
from annotator.crowd.marketplaces.prices import find_hit_cost
from annotator.crowd.models import Assignment, Compensation
from annotator.crowd.outbox.acts import Decision, make_key
from annotator.crowd.outbox.session import Session
from annotator.refusals import Refusal

LIFETIME_SECONDS = 30 * 86_400
_SCHEMA = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd"


class CannotCompensate(Refusal):
    """There is nothing to compensate here."""


def compensate(session: Session, *, assignment: Assignment, decided_by: str) -> Compensation:
    """The HIT that pays this person; begun again, it goes on where it was."""
    worker = assignment.worker
    if assignment.state != Assignment.State.STORED or worker is None or not worker.external_id:
        raise CannotCompensate(
            f"{assignment} is {assignment.state}; only stored work of a known worker is compensated."
        )
    session.check_permit()
    compensation, _ = Compensation.objects.get_or_create(
        assignment=assignment, defaults={"decided_by": decided_by, "decided_at": session.clock()}
    )
    if compensation.hit_id:
        return compensation
    with session.hold():
        _qualify(compensation, worker_id=worker.external_id, requester=session.marketplace)
        _register(compensation, session=session)
        session.write(_decide(compensation, session=session))
        session.settle()
    compensation.refresh_from_db()
    return compensation


def approve_compensations(session: Session) -> int:
    """Approves what was submitted for compensation; approving twice is refused there and changes nothing here."""
    n_approved, requester = 0, session.marketplace
    for compensation in Compensation.objects.filter(assignment__hit__campaign=session.campaign).exclude(hit_id=""):
        for entry in requester.list_assignments(hit_id=compensation.hit_id):
            if entry["AssignmentStatus"] == "Submitted":
                requester.call("ApproveAssignment", {"AssignmentId": entry["AssignmentId"]})
                n_approved += 1
    return n_approved


def _qualify(compensation: Compensation, *, worker_id: str, requester: Requester) -> None:
    """A qualification of this one worker."""
    if not compensation.qualification_id:
        description = "Lets one worker take a HIT that pays for work they had done and could not submit."
        compensation.qualification_id = find_or_create_qualification(
            name=f"Compensation {compensation.public_id}", fields={"Description": description}, requester=requester
        )
        compensation.save(update_fields=["qualification_id"])
    grant = {"QualificationTypeId": compensation.qualification_id, "WorkerId": worker_id, "SendNotification": True}
    requester.call("AssociateQualificationWithWorker", grant)


def _register(compensation: Compensation, *, session: Session) -> None:
    fields: dict[str, Any] = {
        "Title": f"Pay for work you had done ({make_receipt(compensation.assignment)})",
        "Description": "Your work was stored and could not be submitted. Accept and press the button to be paid.",
        "Keywords": "compensation",
        "Reward": render_amount(session.campaign.reward_usd),
        "AssignmentDurationInSeconds": 3600,
        "AutoApprovalDelayInSeconds": 3600,
        "QualificationRequirements": [
            {
                "QualificationTypeId": compensation.qualification_id,
                "Comparator": "Exists",
                "ActionsGuarded": "DiscoverPreviewAndAccept",
            }
        ],
    }
    compensation.hit_type_id = session.marketplace.call("CreateHITType", fields)["HITTypeId"]
    compensation.save(update_fields=["hit_type_id"])


def _decide(compensation: Compensation, *, session: Session) -> Decision:
    key = make_key("CompensationHIT", compensation.public_id)
    marketplace = session.marketplace.marketplace
    return Decision(
        operation="CreateHITWithHITType",
        purpose="compensation",
        key=key,
        request={
            "HITTypeId": compensation.hit_type_id,
            "MaxAssignments": 1,
            "LifetimeInSeconds": LIFETIME_SECONDS,
            "Question": _render_question(compensation, submit_origin=marketplace.submit_origins[0]),
            "RequesterAnnotation": key,
            "UniqueRequestToken": key,
        },
        expected={"compensation": compensation.pk},
        assignment=compensation.assignment,
        cost_usd=find_hit_cost(reward_usd=session.campaign.reward_usd, n_assignments=1, fees=marketplace.fees),
    )


def _render_question(compensation: Compensation, *, submit_origin: str) -> str:
    receipt = make_receipt(compensation.assignment)
    page = (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Pay for your work</title></head><body>"
        f"<h1>Thank you for your work</h1><p>Your work with the receipt <b>{escape(receipt)}</b> is stored. "
        "Please submit this HIT, and you are paid for it. There is nothing else to do.</p>"
        f"<form method='post' action='{escape(submit_origin)}/mturk/externalSubmit'>"
        f"<input type='hidden' name='receipt' value='{escape(receipt)}'>"
        "<input type='hidden' name='assignmentId' id='assignmentId' value=''><button>Submit</button></form><script>"
        "const query = new URLSearchParams(location.search);"
        "document.getElementById('assignmentId').value = query.get('assignmentId') || '';"
        "</script></body></html>"
    )
    return (
        f'<HTMLQuestion xmlns="{_SCHEMA}"><HTMLContent><![CDATA[{page}]]></HTMLContent>'
        "<FrameHeight>400</FrameHeight></HTMLQuestion>"
    )
