"""The sign-in page: it leads on to where one was going, and nowhere else."""

import ipaddress
from typing import Any

import pytest
from django.test import Client

from annotator.accounts.models import Role
from tests.annotator.dashboard.making import make_person


@pytest.fixture
def rosa(db: None) -> dict[str, str]:
    make_person(Role.VIEWER, "rosa")
    return {"username": "rosa", "password": "five-green-lamps"}


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("", "/"),
        ("/units/?concept=sky", "/units/?concept=sky"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_signing_in_leads_to_a_page_of_ours(rosa: dict[str, str], wanted: str, reached: str) -> None:
    response = Client().post("/sign-in/", {**rosa, "next": wanted})
    assert response.status_code == 302
    assert response.headers["Location"] == reached


def test_a_wrong_password_is_told_and_slowed_down(rosa: dict[str, str]) -> None:
    client = Client()
    for _ in range(3):
        response = client.post("/sign-in/", {**rosa, "password": "guess"})
        assert "The user name or the password is not right." in response.content.decode()
    assert "Too many failures" in client.post("/sign-in/", rosa).content.decode()


def test_others_failures_do_not_lock_out_who_signed_in_here_before(rosa: dict[str, str]) -> None:
    known, other = Client(), Client()
    known.post("/sign-in/", rosa)
    known.post("/sign-out/")
    for turn in range(9):
        other.post("/sign-in/", {"username": f"invented{turn}", "password": "guess"})
        other.post("/sign-in/", {**rosa, "password": "guess"})
    assert "Too many failures" in other.post("/sign-in/", rosa).content.decode()
    assert known.post("/sign-in/", rosa).status_code == 302


def test_behind_a_trusted_proxy_each_client_has_its_own_address(rosa: dict[str, str], settings: Any) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.1")]
    for _ in range(9):
        Client().post("/sign-in/", {**rosa, "password": "guess"}, HTTP_X_FORWARDED_FOR="198.51.100.7")
    assert Client().post("/sign-in/", rosa, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 302


def test_signing_out_ends_it_and_takes_a_post(rosa: dict[str, str]) -> None:
    client = Client()
    client.post("/sign-in/", rosa)
    assert client.get("/sign-out/").status_code == 405
    assert client.get("/people/").status_code == 200
    client.post("/sign-out/")
    assert client.get("/people/").status_code == 302


def test_no_page_registers_anybody(db: None) -> None:
    page = Client().get("/sign-in/").content.decode()
    assert "An admin makes accounts" in page
    for address in ("/sign-up/", "/register/", "/accounts/signup/"):
        assert Client().get(address).status_code == 404
