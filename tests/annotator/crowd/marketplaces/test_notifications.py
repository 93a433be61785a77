"""Notifications wake the collecting of the campaigns they name, and can do nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.test import Client
from moto.server import ThreadedMotoServer

from annotator.crowd import tasks
from annotator.crowd.marketplaces import notifications
from annotator.crowd.marketplaces.mturk.events import read_event
from annotator.crowd.models import HIT, Campaign
from annotator.sandbox import delivering
from workers.app import app

EVENT = {"EventType": "AssignmentSubmitted", "HITId": "HIT1", "AssignmentId": "A1"}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"Events": [EVENT, {"HITId": "HIT2"}]}, {"HIT1", "HIT2"}),
        ({"Type": "Notification", "Message": json.dumps({"Events": [EVENT]})}, {"HIT1"}),
        ({"Events": "x"}, set()),
        ({"Events": [None, 3, {"HITId": 5}]}, set()),
        ({"Message": "{"}, set()),
        ([EVENT], set()),
        (None, set()),
    ],
)
def test_the_hits_that_a_document_names(document: Any, found: set[str]) -> None:
    assert read_event(document) == found


def test_an_endless_envelope_ends() -> None:
    document: dict[str, Any] = {"HITId": "DEEP"}
    for _ in range(8):
        document = {"Message": json.dumps(document)}
    assert read_event(document) == set()


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    monkeypatch.setattr(app, "send_task", lambda name, args, queue: calls.extend(args))
    return calls


@pytest.mark.django_db
def test_a_notification_wakes_its_campaign_once(campaign: Campaign, woken: list[int]) -> None:
    Campaign.objects.update(state="published")
    HIT.objects.filter(pk__in=campaign.hits.values("pk")[:1]).update(external_id="HIT1")
    address = f"/hit/notifications/own/{notifications.make_address_key('own')}"
    answer = Client().post(address, json.dumps({"Events": [EVENT, EVENT]}), "application/json")
    assert (answer.status_code, woken) == (204, [campaign.pk])


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/hit/notifications/own/forged", "/hit/notifications/mturk/"])
def test_a_forged_address_wakes_nothing(campaign: Campaign, woken: list[int], address: str) -> None:
    HIT.objects.update(external_id="HIT1")
    key = notifications.make_address_key("own") if address.endswith("/") else ""
    answer = Client().post(address + key, json.dumps({"Events": [EVENT]}), "application/json")
    assert (answer.status_code, woken) == (403, [])


@pytest.fixture
def queue(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A real SQS, in the settings of the web and of the sandbox."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "anything")
    monkeypatch.setattr(notifications, "MAX_POLL_SECONDS", 0)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings.NOTIFICATION_QUEUE_ENDPOINT = settings.SANDBOX_SQS_ENDPOINT = f"http://{host}:{port}"
    client = boto3.client("sqs", region_name="us-east-1", endpoint_url=settings.SANDBOX_SQS_ENDPOINT)
    settings.NOTIFICATION_QUEUE_URL = client.create_queue(QueueName="unitscope")["QueueUrl"]
    yield client
    server.stop()


@pytest.mark.django_db(transaction=True)
def test_a_submission_reaches_the_queue_and_wakes_its_campaign(
    queue: Any, market: Any, campaign: Campaign, hit: HIT, woken: list[int], settings: Any
) -> None:
    market.publish(campaign)
    tasks.listen()
    assert woken == []
    market.work(hit, "ada")
    queue.send_message(QueueUrl=settings.NOTIFICATION_QUEUE_URL, MessageBody="not ours")
    assert delivering.deliver_due(now=market.clock()) == 1
    assert notifications.read_queue() == 1
    assert woken == [campaign.pk]
    assert notifications.read_queue() == 0  # what was read is gone


def test_a_queue_that_is_away_is_told_and_does_no_harm(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.NOTIFICATION_QUEUE_URL = "http://127.0.0.1:9/1/unitscope"
    settings.NOTIFICATION_QUEUE_ENDPOINT = "http://127.0.0.1:9"
    tasks.listen()
    assert "The queue of notifications cannot be read" in caplog.text
