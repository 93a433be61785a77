"""Notifications from a marketplace. They only start a collection earlier; polling finds everything without them.

A notification may be lost, doubled, late or forged, without harm: at worst a campaign is collected once
more.
"""

import contextlib

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare

from annotator.crowd.marketplaces.mturk.events import read_event
from annotator.crowd.models import GOING, HIT
from annotator.json_texts import read_json
from annotator.refusals import Refusal
from workers.valkey import send_task

SALT = "unitscope.crowd.notifications"
# A queue that does not answer must not delay the next poll.
MAX_POLL_SECONDS = 5


class QueueSilent(Refusal):
    """The queue of notifications cannot be read; the message says why. Polling goes on without it."""


def make_address_key(marketplace: str) -> str:
    """The secret part of the webhook's address."""
    return signing.Signer(salt=SALT).signature(marketplace)


def is_address_key(key: str, *, marketplace: str) -> bool:
    return constant_time_compare(key, make_address_key(marketplace))


def read_queue() -> int:
    """Takes the messages in the queue and collects the campaigns they name. Returns how many. Raises QueueSilent."""
    if not settings.NOTIFICATION_QUEUE_URL:
        return 0
    queue = boto3.client(
        "sqs",
        endpoint_url=settings.NOTIFICATION_QUEUE_ENDPOINT or None,
        region_name=settings.NOTIFICATION_QUEUE_REGION,
        config=Config(connect_timeout=5, read_timeout=MAX_POLL_SECONDS + 5, retries={"total_max_attempts": 1}),
    )
    address = {"QueueUrl": settings.NOTIFICATION_QUEUE_URL}
    try:
        answer = queue.receive_message(**address, MaxNumberOfMessages=10, WaitTimeSeconds=MAX_POLL_SECONDS)
        messages = answer.get("Messages", [])
        hit_ids = {hit_id for message in messages for hit_id in _read_body(message.get("Body", ""))}
        n_woken = wake_campaigns(hit_ids=hit_ids)
        for message in messages:
            queue.delete_message(**address, ReceiptHandle=message["ReceiptHandle"])
    except (BotoCoreError, ClientError) as error:
        raise QueueSilent(f"The queue of notifications cannot be read: {error}.") from error
    return n_woken


def _read_body(body: str) -> set[str]:
    with contextlib.suppress(ValueError):
        return read_event(read_json(body))
    return set()


def wake_campaigns(*, hit_ids: set[str], marketplace: str | None = None) -> int:
    """Asks the web queue to collect the campaigns of these HITs. Without a broker this happens a minute later."""
    hits = HIT.objects.filter(external_id__in=hit_ids, campaign__state__in=GOING)
    if marketplace is not None:
        hits = hits.filter(campaign__marketplace=marketplace)
    campaigns = sorted(set(hits.values_list("campaign_id", flat=True)))
    for pk in campaigns:
        send_task("crowd.go_on_with_campaign", pk, queue="web")
    return len(campaigns)
