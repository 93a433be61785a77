"""Admins change roles and shut people out; sessions and tokens end with a password; an admin always remains."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from annotator.accounts.inviting import invite, welcome_path
from annotator.accounts.managing import LastAdmin, LinkUsed, change_role, let_in, reset_password, set_password, shut_out
from annotator.accounts.models import ApiToken, AuditEntry, Membership, Role
from annotator.accounts.roles import role_of
from annotator.accounts.tokens import find_token, issue_token

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
NEW = {"new_password1": "six-green-lamps", "new_password2": "six-green-lamps"}


def make(name: str, role: Role) -> User:
    is_admin = role is Role.ADMIN
    user = User.objects.create_user(name, password="five-green-lamps", is_staff=True, is_superuser=is_admin)
    Membership.objects.create(user=user, role=role)
    return user


@pytest.fixture
def ada(db: None) -> User:
    return make("ada", Role.ADMIN)


@pytest.fixture
def rosa(db: None) -> User:
    return make("rosa", Role.REVIEWER)


def enter(user: User) -> Client:
    client = Client()
    assert client.login(username=user.username, password="five-green-lamps")
    return client


def is_in(client: Client) -> bool:
    return client.get("/people/").status_code == 200


def test_who_is_shut_out_is_out_at_once_and_can_be_let_in(ada: User, rosa: User) -> None:
    client, token = enter(rosa), issue_token(user=rosa, name="x", actor=rosa, now=NOW)
    shut_out(user=rosa, actor=ada, now=NOW)
    assert not is_in(client)
    assert not Client().login(username="rosa", password="five-green-lamps")
    let_in(user=rosa, actor=ada, now=NOW)
    enter(rosa)
    assert find_token(text=token, now=NOW) is None
    said = list(AuditEntry.objects.order_by("-id").values_list("action", "subject", "actor_name")[:2])
    assert said == [("let in", "user rosa", "ada"), ("shut out", "user rosa", "ada")]


def test_a_reset_password_ends_sessions_and_tokens_and_its_link_sets_a_new_one(ada: User, rosa: User) -> None:
    client, token = enter(rosa), issue_token(user=rosa, name="x", actor=rosa, now=NOW)
    path = welcome_path(reset_password(user=rosa, actor=ada, now=NOW))
    assert not is_in(client)
    assert find_token(text=token, now=NOW) is None
    assert not Client().login(username="rosa", password="five-green-lamps")
    assert Client().post(path, NEW).status_code == 302
    assert Client().login(username="rosa", password="six-green-lamps")


def test_changing_ones_password_keeps_this_session_and_ends_the_others(rosa: User) -> None:
    here, elsewhere = enter(rosa), enter(rosa)
    token = issue_token(user=rosa, name="x", actor=rosa, now=NOW)
    wrong = here.post("/people/password/", {"old_password": "guess", **NEW})
    assert wrong.status_code == 200
    assert is_in(elsewhere)
    assert here.post("/people/password/", {"old_password": "five-green-lamps", **NEW}).status_code == 302
    assert is_in(here)
    assert not is_in(elsewhere)
    assert find_token(text=token, now=NOW) is None
    assert AuditEntry.objects.filter(action="set password", subject="user rosa").count() == 1


def test_the_admins_own_way_to_change_a_password_is_this_page(ada: User) -> None:
    assert enter(ada).get("/admin/password_change/").headers["Location"] == "/people/password/"


@pytest.mark.parametrize("act", [shut_out, reset_password])
def test_the_last_admin_stays(ada: User, rosa: User, act: object) -> None:
    for actor in (ada, None):
        with pytest.raises(LastAdmin, match="ada is the last admin"):
            act(user=ada, actor=actor, now=NOW)  # type: ignore[operator]
    with pytest.raises(LastAdmin):
        change_role(user=ada, role=Role.PAYER, actor=ada, now=NOW)
    assert not AuditEntry.objects.exists()
    make("eve", Role.ADMIN)
    change_role(user=ada, role=Role.PAYER, actor=ada, now=NOW)
    assert role_of(User.objects.get(pk=ada.pk)) is Role.PAYER


def test_an_invited_admin_who_never_came_is_not_counted(ada: User) -> None:
    invite(username="nina", email="", role=Role.ADMIN, actor=ada, now=NOW)
    with pytest.raises(LastAdmin):
        shut_out(user=ada, actor=ada, now=NOW)


@pytest.mark.parametrize("act", [shut_out, reset_password])
def test_who_was_reset_meanwhile_cannot_end_the_last_admin(ada: User, act: Callable[..., object]) -> None:
    eve = make("eve", Role.ADMIN)
    reset_password(user=ada, actor=eve, now=NOW)
    with pytest.raises(LastAdmin):  # her request had begun before
        act(user=eve, actor=ada, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_shut_one_another_out_at_once() -> None:
    admins = [make("ada", Role.ADMIN), make("eve", Role.ADMIN)]
    gate = Barrier(2)

    def shut(pair: tuple[User, User]) -> bool:
        gate.wait()
        try:
            shut_out(user=pair[0], actor=pair[1], now=NOW)
        except LastAdmin:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(shut, [(admins[0], admins[1]), (admins[1], admins[0])])) == [False, True]


def test_the_second_of_two_who_opened_one_link_is_told(db: None) -> None:
    user = invite(username="nina", email="", role=Role.VIEWER, actor=None, now=NOW)
    both = [User.objects.get(pk=user.pk) for _ in range(2)]
    before = user.password
    for opened, password in zip(both, ("one-green-lamp", "two-green-lamps"), strict=True):
        opened.set_password(password)
    set_password(user=both[0], before=before, now=NOW)
    with pytest.raises(LinkUsed):
        set_password(user=both[1], before=before, now=NOW)
    assert Client().login(username="nina", password="one-green-lamp")


def test_the_command_does_what_the_page_does(ada: User, rosa: User) -> None:
    issue_token(user=rosa, name="x", actor=rosa, now=NOW)
    out = io.StringIO()
    call_command("person", "rosa", "role", "--role", "payer", stdout=out)
    call_command("person", "rosa", "revoke-tokens", stdout=out)
    call_command("person", "rosa", "shut-out", stdout=out)
    call_command("person", "rosa", "let-in", stdout=out)
    call_command("person", "rosa", "reset-password", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[:2] == ["rosa is payer now.", "1 token of rosa is revoked."]
    assert Client().get("/" + lines[-1].split("/", 3)[3]).status_code == 200
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    with pytest.raises(CommandError, match="last admin"):
        call_command("person", "ada", "shut-out", stdout=out)
    with pytest.raises(CommandError, match="no account named"):
        call_command("person", "nobody", "shut-out", stdout=out)


def test_an_admin_changes_people_on_the_page_and_others_do_not(ada: User, rosa: User) -> None:
    admin = enter(ada)
    assert admin.post(f"/people/{rosa.pk}/role/", {"role": "payer"}).status_code == 302
    assert role_of(User.objects.get(pk=rosa.pk)) is Role.PAYER
    assert "/welcome/" in admin.post(f"/people/{rosa.pk}/reset-password/").content.decode()
    refused = admin.post(f"/people/{ada.pk}/shut-out/")
    assert refused.status_code == 422
    assert "last admin" in refused.content.decode()
    assert admin.post(f"/people/{rosa.pk}/role/", {"role": "king"}).status_code == 422
    assert admin.post(f"/people/{rosa.pk}/dance/").status_code == 404
    assert admin.post("/people/999999/shut-out/").status_code == 404
    assert enter(make("otto", Role.PAYER)).post(f"/people/{ada.pk}/shut-out/").status_code == 403
