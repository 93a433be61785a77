"""What fails is told in the product's own pages, whatever failed."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.test import Client

from annotator.dashboard.people import sign_in
from annotator.labels.models import UnitLabel
from tests.annotator.dashboard.addresses import PARTS, Shown
from tests.annotator.dashboard.making import World

ADVICE = {400: "reload the page", 403: "ask an admin", 404: "address may be wrong", 500: "tell the operator"}


@pytest.mark.parametrize("site", ["annotator.urls", "annotator.sandbox.urls"])
def test_what_does_not_exist_is_told(db: None, settings: Any, site: str) -> None:
    settings.ROOT_URLCONF = site
    page = Client().get("/no/such/page")
    assert page.status_code == 404
    assert ADVICE[404] in page.content.decode()
    assert "Unitscope" in page.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "advice"),
    [
        (RuntimeError("secret words"), 500, ADVICE[500]),
        (OperationalError("secret words"), 503, "The database does not answer"),
        (PermissionDenied("secret words"), 403, ADVICE[403]),
        (SuspiciousOperation("secret words"), 400, ADVICE[400]),
    ],
)
def test_a_failure_says_what_to_do(
    db: None, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, advice: str
) -> None:
    def fail(*arguments: object, **values: object) -> None:
        raise error

    monkeypatch.setattr(sign_in, "_show", fail)
    page = Client(raise_request_exception=False).get("/sign-in/")
    assert page.status_code == status
    assert advice in page.content.decode()
    assert "secret words" not in page.content.decode()
    assert "<script" not in page.content.decode()


def test_a_nul_character_is_a_bad_request_wherever_it_stands(viewer: Client) -> None:
    for address in ("/review/?campaign=a%00", "/units/?%00=1", "/campaigns/?page=%00"):
        page = viewer.get(address)
        assert (page.status_code, ADVICE[400] in page.content.decode()) == (400, True), address
    assert viewer.post("/people/password/", {"old_password": "a\0"}).status_code == 400


def test_a_form_without_its_token_is_told_what_to_do(db: None) -> None:
    page = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "a", "password": "b"})
    assert page.status_code == 403
    assert "This page was open for too long" in page.content.decode()


def test_a_part_that_is_opened_by_its_address_is_a_page(world: World, viewer: Client) -> None:
    shown = Shown(label=UnitLabel.objects.earliest("pk"), dissection=world.dissection)
    for address in shown.fill_in(one for found in PARTS.values() for one in found):
        whole, part = viewer.get(address), viewer.get(address, headers={"HX-Request": "true"})
        assert "<!doctype html>" in whole.content.decode().lower(), address
        assert "<!doctype html>" not in part.content.decode().lower(), address
