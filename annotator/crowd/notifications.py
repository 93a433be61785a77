"""Notifications from a marketplace: they only wake the collecting, whose polling is the truth.

A notification may be lost, doubled, late or forged, and none of these does harm: the worst it can bring about is that a
campaign is collected once more.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from django.core import signing
from django.utils.crypto import constant_time_compare
from kombu.exceptions import OperationalError

from annotator.crowd.models import HIT
from annotator.crowd.tasks import GOING
from workers.app import app

SALT = "unitscope.crowd.notifications"
MOST_HITS = 100


def make_address_key(marketplace: str) -> str:
    """The secret part of the webhook's address."""
    return signing.Signer(salt=SALT).signature(marketplace)


def is_address_key(key: str, *, marketplace: str) -> bool:
    return constant_time_compare(key, make_address_key(marketplace))


def read_hit_ids(document: Any) -> set[str]:
    """The HITs that a document names: MTurk's events, bare or within SNS's envelope."""
    return set(list(_walk(document, depth=0))[:MOST_HITS])


def _walk(document: Any, *, depth: int) -> Iterator[str]:
    if depth > 5 or not isinstance(document, dict):
        return
    if isinstance(hit_id := document.get("HITId"), str):
        yield hit_id[:64]
    if isinstance(message := document.get("Message"), str):
        with contextlib.suppress(ValueError, RecursionError):
            yield from _walk(json.loads(message), depth=depth + 1)
    events = document.get("Events")
    for event in events if isinstance(events, list) else []:
        yield from _walk(event, depth=depth + 1)


def wake_campaigns(*, hit_ids: set[str], marketplace: str) -> int:
    """Sends the going campaigns of these HITs to the queue; a broker that is away costs a minute, no more."""
    hits = HIT.objects.filter(mturk_id__in=hit_ids, campaign__marketplace=marketplace, campaign__state__in=GOING)
    campaigns = sorted(set(hits.values_list("campaign_id", flat=True)))
    for pk in campaigns:
        with contextlib.suppress(OperationalError):
            app.send_task("crowd.go_on_with_campaign", args=[pk], queue="web")
    return len(campaigns)
