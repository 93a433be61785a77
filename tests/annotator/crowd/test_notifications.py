"""Notifications wake the collecting of the campaigns they name, and can do nothing else."""

import json
from typing import Any

import pytest
from django.test import Client

from annotator.crowd import notifications
from annotator.crowd.models import HIT, Campaign

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
    assert notifications.read_hit_ids(document) == found


def test_an_endless_envelope_ends() -> None:
    document: dict[str, Any] = {"HITId": "DEEP"}
    for _ in range(8):
        document = {"Message": json.dumps(document)}
    assert notifications.read_hit_ids(document) == set()


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    monkeypatch.setattr(notifications.app, "send_task", lambda name, args, queue: calls.extend(args))
    return calls


@pytest.mark.django_db
def test_a_notification_wakes_its_campaign_once(campaign: Campaign, woken: list[int]) -> None:
    Campaign.objects.update(state="published")
    HIT.objects.filter(pk__in=campaign.hits.values("pk")[:1]).update(mturk_id="HIT1")
    address = f"/hit/notifications/own/{notifications.make_address_key('own')}"
    answer = Client().post(address, json.dumps({"Events": [EVENT, EVENT]}), "application/json")
    assert (answer.status_code, woken) == (204, [campaign.pk])


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/hit/notifications/own/forged", "/hit/notifications/mturk/"])
def test_a_forged_address_wakes_nothing(campaign: Campaign, woken: list[int], address: str) -> None:
    HIT.objects.update(mturk_id="HIT1")
    key = notifications.make_address_key("own") if address.endswith("/") else ""
    answer = Client().post(address + key, json.dumps({"Events": [EVENT]}), "application/json")
    assert (answer.status_code, woken) == (403, [])
