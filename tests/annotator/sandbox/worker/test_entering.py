"""Who may sign up, comes back with the key, and is simulated."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from annotator.sandbox.acts import accounts
from annotator.sandbox.models import HIT, Person
from tests.annotator.sandbox.conftest import Accept, NewPerson

FIELDS = {"name": "Ada", "country": "us", "of_age": "1"}


def test_on_loopback_anybody_signs_up_and_comes_back_with_the_key(stranger: Client) -> None:
    page = stranger.post("/worker/sign-up", FIELDS)
    key = page.context["key"]
    person = Person.objects.get()
    assert (person.name, person.country, person.is_simulated) == ("Ada", "US", False)
    assert person.mturk_id in page.content.decode()
    other = Client(headers={"Host": "127.0.0.1:8001"})
    assert other.post("/worker/sign-in", {"key": key}).status_code == 302
    assert "Ada" in other.get("/worker/").content.decode()
    assert other.post("/worker/sign-in", {"key": "another"}).status_code == 400
    assert key not in other.get("/worker/history").content.decode()


def test_elsewhere_an_invitation_is_needed_and_used_up(stranger: Client, settings: Any, capsys: Any) -> None:
    settings.SANDBOX_URL = "https://crowd.example.org"
    assert stranger.post("/worker/sign-up", FIELDS).status_code == 400
    call_command("sandbox_invite", "--people", "1")
    link = capsys.readouterr().out.strip()
    assert link.startswith("https://crowd.example.org/worker/sign-up?invitation=")
    code = link.partition("=")[2]
    assert f'value="{code}"' in stranger.get(f"/worker/sign-up?invitation={code}").content.decode()
    assert stranger.post("/worker/sign-up", {**FIELDS, "invitation": code}).status_code == 200
    assert stranger.post("/worker/sign-up", {**FIELDS, "name": "Bo", "invitation": code}).status_code == 400
    assert Person.objects.count() == 1


@pytest.mark.parametrize("name", ["simulated-eve", "Simulated-Eve"])
def test_who_is_invited_is_a_person_and_cannot_take_the_name_of_a_program(
    stranger: Client, settings: Any, capsys: Any, name: str
) -> None:
    """Nobody owes a program: a person of such a name would work for nothing."""
    settings.SANDBOX_URL = "https://crowd.example.org"
    call_command("sandbox_invite", "--name", "Eve")
    given = {**FIELDS, "invitation": capsys.readouterr().out.strip().partition("=")[2]}
    refused = stranger.post("/worker/sign-up", {**given, "name": name})
    assert (refused.status_code, "belong to programs" in refused.content.decode()) == (400, True)
    assert stranger.post("/worker/sign-up", {**given, "name": "Eve"}).status_code == 200, "it is not used up"
    assert not Person.objects.get().is_simulated


def test_loopback_behind_a_proxy_is_not_open(stranger: Client) -> None:
    assert stranger.post("/worker/sign-up", FIELDS, REMOTE_ADDR="203.0.113.9").status_code == 400


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"name": "a\x00b"}, {"name": "x" * 61}, {"country": "USA"}, {"of_age": ""}]
)
def test_a_wrong_sign_up_is_refused_in_words(stranger: Client, change: dict[str, str]) -> None:
    page = stranger.post("/worker/sign-up", {**FIELDS, **change})
    assert page.status_code == 400
    assert page.context["problem"]
    assert not Person.objects.exists()


def test_a_simulated_person_says_so_everywhere(
    accept: Accept, stranger: Client, mturk: Any, new_hit: Callable[..., HIT]
) -> None:
    stranger.post("/worker/sign-up", {**FIELDS, "name": "simulated-careful-1"})
    person = Person.objects.get()
    assert person.is_simulated
    assert person.mturk_id.startswith("ASIMULATED")
    assert 'class="badge simulated"' in stranger.get("/worker/").content.decode()
    assignment = accept(stranger, new_hit())
    stranger.post("/mturk/externalSubmit", {"assignmentId": assignment.mturk_id})
    shown = mturk.get_assignment(AssignmentId=assignment.mturk_id)["Assignment"]
    assert shown["WorkerId"].startswith("ASIMULATED")
    assert accounts.ids.simulated_worker_id("simulated-careful-1") == person.mturk_id


def test_people_of_the_sandbox_are_not_users_of_the_dashboard(new_person: NewPerson) -> None:
    new_person()
    assert not User.objects.exists()
