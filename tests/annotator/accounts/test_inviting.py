"""Accounts come by one-time links; nobody registers themselves."""

import io
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from annotator.accounts.inviting import InvitationRefused, find_invited, invite, welcome_path
from annotator.accounts.models import AuditEntry, Role
from annotator.accounts.roles import may, role_of

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
NEW = {"new_password1": "five-green-lamps", "new_password2": "five-green-lamps"}


def make(name: str = "rosa", role: Role = Role.REVIEWER, email: str = "") -> User:
    return invite(username=name, email=email, role=role, actor=None, now=NOW)


def test_an_invited_person_has_a_role_and_no_password(db: None) -> None:
    user = make()
    assert role_of(user) is Role.REVIEWER
    assert not user.has_usable_password()
    assert AuditEntry.objects.get().details == {"role": "reviewer"}


def test_the_link_sets_the_password_once(db: None) -> None:
    path = welcome_path(make())
    assert Client().get(path).status_code == 200
    assert Client().post(path, NEW).headers["Location"] == "/"
    assert Client().get(path).status_code == 410
    assert Client().post(path, NEW).status_code == 410
    assert Client().login(username="rosa", password="five-green-lamps")


def test_a_weak_password_is_refused_and_the_link_stays(db: None) -> None:
    path = welcome_path(make())
    weak = Client().post(path, {"new_password1": "12345678", "new_password2": "12345678"})
    assert weak.status_code == 200
    assert "too common" in weak.content.decode()
    assert Client().get(path).status_code == 200


@pytest.mark.parametrize(("uid", "token"), [("MQ", "abc-def"), ("%%%", "x"), ("", ""), ("MTIzNDU2Nzg5", "c-d")])
def test_a_forged_link_opens_nothing(db: None, uid: str, token: str) -> None:
    make()
    assert find_invited(uid=uid, token=token) is None


def test_a_name_with_a_password_is_not_invited_again(db: None) -> None:
    User.objects.create_user("rosa", password="five-green-lamps")
    with pytest.raises(InvitationRefused, match="has an account already"):
        make()


@pytest.mark.parametrize("name", ["", "a b", "<script>", "x" * 151])
def test_odd_names_are_refused(db: None, name: str) -> None:
    with pytest.raises(InvitationRefused, match="user name"):
        make(name)
    assert not User.objects.exists()


def test_an_address_that_is_none_is_refused(db: None) -> None:
    with pytest.raises(InvitationRefused, match="not an e-mail address"):
        make(email="nowhere")


def test_first_admin_prints_a_link_that_works_and_a_fresh_one_until_it_is_used(db: None) -> None:
    printed = [io.StringIO(), io.StringIO()]
    for out in printed:
        call_command("first_admin", stdout=out)
    first, second = (out.getvalue().strip().split("/", 3)[3] for out in printed)
    assert Client().post(f"/{second}", NEW).status_code == 302
    assert Client().get(f"/{first}").status_code == 410
    assert role_of(User.objects.get(username="admin")) is Role.ADMIN
    with pytest.raises(CommandError) as refused:
        call_command("first_admin", stdout=io.StringIO())
    assert refused.value.returncode == 2


def test_each_role_may_do_what_those_before_it_may() -> None:
    roles = list(Role)
    for i, held in enumerate(roles):
        assert [may(held, needed) for needed in roles] == [j <= i for j in range(len(roles))]
    assert not may(None, Role.VIEWER)


def test_who_is_inactive_or_without_a_role_may_nothing(db: None) -> None:
    user = make()
    user.is_active = False
    assert role_of(user) is None
    assert role_of(User.objects.create_user("plain")) is None
