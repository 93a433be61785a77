"""Operations on event notifications."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from annotator.sandbox import notifying
from annotator.sandbox.api import find
from annotator.sandbox.api.call import Call
from annotator.sandbox.models import NotificationSetting
from annotator.sandbox.questions.structure import split_web_address
from annotator.sandbox.rules import ids
from annotator.sandbox.rules.refusals import Code, Refused, bad_parameter

# The documentation names the first; Amazon's own examples for SQS and SNS use the second.
VERSIONS = ("2006-05-05", "2014-08-15")


def update_notification_settings(call: Call) -> dict[str, Any]:
    hit_type, values = find.hit_type(call), call.values
    if "Notification" not in values and "Active" not in values:
        raise Refused(Code.MISSING_PARAMETER, "Either Notification or Active must be given.")
    changes: dict[str, Any] = {"is_active": values["Active"]} if "Active" in values else {}
    if "Notification" in values:
        check_specification(values["Notification"], is_test=False)
        changes["specification"] = values["Notification"]
        NotificationSetting.objects.update_or_create(hit_type=hit_type, defaults=changes)
    elif not NotificationSetting.objects.filter(hit_type=hit_type).update(**changes):
        raise bad_parameter("This HIT type has no notification to make active or inactive.")
    return {}


def send_test_event_notification(call: Call) -> dict[str, Any]:
    """Sent even if the specification does not ask for this event; it names a HIT that does not exist."""
    specification = call.values["Notification"]
    check_specification(specification, is_test=True)
    fields = {"HITTypeId": ids.new_entity_id(), "HITId": ids.new_entity_id(), "AssignmentId": ids.new_entity_id()}
    notifying.enqueue(
        specification, requester=call.requester, event=call.values["TestEventType"], fields=fields, now=call.now
    )
    return {}


def check_specification(specification: dict[str, Any], *, is_test: bool) -> None:
    """Raises Refused."""
    transport, destination = specification["Transport"], specification["Destination"]
    if specification["Version"] not in VERSIONS:
        raise bad_parameter(f"Version must be one of {', '.join(VERSIONS)}.")
    if not specification["EventTypes"]:
        raise bad_parameter("EventTypes must name at least one event.")
    if "Ping" in specification["EventTypes"] and not is_test:
        raise bad_parameter("Ping is for SendTestEventNotification only.")
    if transport == "Email" and not _is_email(destination):
        raise Refused(Code.INVALID_TRANSPORT_ENDPOINT, "The destination of Email is an e-mail address.")
    is_queue = split_web_address(destination) is not None and len(destination) <= 1024
    if transport == "SQS" and not is_queue:
        raise Refused(Code.INVALID_TRANSPORT_ENDPOINT, "The destination of SQS is the queue's URL.")
    if transport == "SNS" and not (destination.startswith("arn:") and len(destination) <= 1024):
        raise Refused(Code.INVALID_TRANSPORT_ENDPOINT, "The destination of SNS is the topic's ARN.")


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
