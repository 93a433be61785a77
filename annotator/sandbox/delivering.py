"""Sends the notifications that wait in the outbox: to the SQS or SNS endpoint of the settings, and to a webhook."""

import datetime as dt
import json
import logging
import random
import threading
import urllib.request
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import connection, transaction

from annotator.sandbox import switchboard
from annotator.sandbox.models import Notification
from annotator.sandbox.switchboard import Switchboard

log = logging.getLogger(__name__)
MAX_TRIES = 10
FIRST_WAIT = dt.timedelta(seconds=2)
TIMEOUT_SECONDS = 5
IDLE_SECONDS = 20
_has_work = threading.Event()
_starting = threading.Lock()
_thread: threading.Thread | None = None


class NotDelivered(Exception):
    """No endpoint accepted the notification; the message says why."""


def wake() -> None:
    """Starts delivery in a thread of this process; other processes only write into the outbox."""
    global _thread
    if settings.SITE != "sandbox":
        return
    with _starting:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_deliver_forever, name="sandbox-notifications", daemon=True)
            _thread.start()
    _has_work.set()


def _deliver_forever() -> None:
    while True:
        _has_work.wait(IDLE_SECONDS)
        _has_work.clear()
        try:
            deliver_due(now=switchboard.read().now())
        except Exception:  # the thread continues when the database is reachable again
            log.exception("Notifications could not be delivered; trying again.")
        finally:
            connection.close()


def deliver_due(*, now: dt.datetime) -> int:
    """Sends all that is due, oldest first; returns how many were sent. Several processes may do this at once."""
    n_sent = 0
    board = switchboard.read()
    while (sent := _deliver_one(now=now, board=board)) is not None:
        n_sent += sent
    return n_sent


@transaction.atomic
def _deliver_one(*, now: dt.datetime, board: Switchboard) -> bool | None:
    """True if the next one was sent; None if none is due."""
    row = (
        Notification.objects.select_for_update(skip_locked=True)
        .filter(next_try_at__lte=now)
        .order_by("next_try_at", "id")
        .first()
    )
    if row is None:
        return None
    lots = random.Random(f"{board.seed}/notification/{row.pk}")
    is_lost = lots.random() < board.notification_loss_rate
    is_doubled = lots.random() < board.notification_duplicate_rate
    if lots.random() < board.notification_reorder_rate and row.n_tries == 0:
        row.n_tries, row.next_try_at = 1, now + dt.timedelta(seconds=1 + 4 * lots.random())
        row.save(update_fields=["n_tries", "next_try_at"])
        return False
    try:
        for _ in range(0 if is_lost else 1 + is_doubled):
            send(row)
    except NotDelivered as problem:
        _postpone(row, problem, now=now)
        return False
    row.delivered_at, row.next_try_at, row.problem = now, None, "lost by the switchboard" if is_lost else ""
    row.save(update_fields=["delivered_at", "next_try_at", "problem"])
    return not is_lost


def _postpone(row: Notification, problem: NotDelivered, *, now: dt.datetime) -> None:
    row.n_tries += 1
    row.problem = str(problem)
    row.next_try_at = now + FIRST_WAIT * 2**row.n_tries if row.n_tries < MAX_TRIES else None
    row.save(update_fields=["n_tries", "problem", "next_try_at"])


def send(row: Notification) -> None:
    """To each endpoint that the settings name. Raises NotDelivered if there is none or one does not answer.

    What was asked for by e-mail needs none: it is kept, and `sandbox_messages` prints it.
    """
    webhook = settings.SANDBOX_WEBHOOK_URL
    endpoints = {"SQS": settings.SANDBOX_SQS_ENDPOINT, "SNS": settings.SANDBOX_SNS_ENDPOINT}
    endpoint = endpoints.get(row.transport, "")
    if row.transport in endpoints and not webhook and not endpoint:
        raise NotDelivered(f"Neither SANDBOX_{row.transport}_ENDPOINT nor SANDBOX_WEBHOOK_URL is set.")
    if endpoint:
        _send_to_aws(row, endpoint)
    if webhook:
        _post(webhook, row.document)


def _send_to_aws(row: Notification, endpoint: str) -> None:
    """The destination is only a name at the endpoint of the settings: this server opens no address of a requester."""
    client = botocore.session.Session().create_client(
        row.transport.lower(), region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106  the endpoint is the operator's own
        config=Config(connect_timeout=TIMEOUT_SECONDS, read_timeout=TIMEOUT_SECONDS, retries={"total_max_attempts": 1}),
    )  # fmt: skip
    body = json.dumps(row.document)
    try:
        if row.transport == "SQS":
            client.send_message(QueueUrl=row.destination, MessageBody=body)
        else:
            client.publish(TopicArn=row.destination, Message=body)
    except (BotoCoreError, ClientError) as error:
        raise NotDelivered(f"{row.transport} did not take it: {error}") from error


def _post(address: str, document: Any) -> None:
    request = urllib.request.Request(  # noqa: S310  the operator's own setting, checked to be http or https
        address, json.dumps(document).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return
    except (OSError, ValueError) as error:
        raise NotDelivered(f"The webhook did not take it: {error}") from error
