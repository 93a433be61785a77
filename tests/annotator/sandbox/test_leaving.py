"""Who leaves: nobody and nothing stops them, they hold no HIT afterwards, and their payout address is kept exactly as
long as somebody may have to pay them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from annotator.sandbox.models import HIT, Person

pytestmark = pytest.mark.django_db
NewPerson = Callable[..., Person]
NewHit = Callable[..., HIT]


def leave(browser: Client, person: Person) -> int:
    return browser.post("/worker/account/leave", {"worker_id": person.mturk_id}).status_code


def test_no_name_that_somebody_chose_stops_another_from_leaving(
    new_person: NewPerson, visit: Any, stranger: Client
) -> None:
    ada, fields = new_person(), {"country": "US", "of_age": "1"}
    stranger.post("/worker/sign-up", {**fields, "name": f"left-{ada.mturk_id}"})
    assert leave(visit(ada), ada) == 200
    ada.refresh_from_db()
    assert ada.left_at is not None
    assert ada.mturk_id in ada.name
    assert stranger.post("/worker/sign-up", {**fields, "name": ada.name}).context["problem"].startswith("Choose a name")
