"""Event notifications: written into the outbox with the event, sent after its commit."""

import datetime as dt
import uuid

from django.db import transaction

from annotator.sandbox import delivering
from annotator.sandbox.models import HIT, Assignment, HITType, Notification, NotificationSetting, Requester

EVENT_DOCUMENT_VERSION = "2014-08-15"


def record(event: str, *, hit: HIT, assignment: Assignment | None = None, now: dt.datetime) -> None:
    """Writes one row if the HIT's type asks for this event, in the caller's transaction."""
    if not is_asked_for(event, hit.hit_type):
        return
    fields = {"HITTypeId": hit.hit_type.mturk_id, "HITId": hit.mturk_id}
    if assignment is not None:
        fields["AssignmentId"] = assignment.mturk_id
    specification = hit.hit_type.notification_setting.specification
    enqueue(specification, requester=hit.requester, event=event, fields=fields, now=now)


def is_asked_for(event: str, kind: HITType) -> bool:
    """Needs no query if the setting was read with the HIT type, as on every submission."""
    try:
        setting = kind.notification_setting
    except NotificationSetting.DoesNotExist:
        return False
    return setting.is_active and event in setting.specification["EventTypes"]


def enqueue(
    specification: dict[str, str], *, requester: Requester, event: str, fields: dict[str, str], now: dt.datetime
) -> Notification:
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {
        "EventDocId": uuid.uuid4().hex,
        "EventDocVersion": EVENT_DOCUMENT_VERSION,
        "CustomerId": requester.mturk_id,
        "SourceAccount": f"{requester.pk:012d}",
        "Events": [{"EventType": event, "EventTimestamp": stamp, **fields}],
    }
    transaction.on_commit(delivering.wake)
    return Notification.objects.create(
        requester=requester, transport=specification["Transport"], destination=specification["Destination"],
        document=document, created_at=now, next_try_at=now,
    )  # fmt: skip
