"""Signing in: the right password works, wrong ones are slowed down, nothing tells which names exist."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest

from annotator.accounts.models import SignInSlowdown
from annotator.accounts.signing_in import MAX_WAIT, SignInRefused, sign_in, wait_after

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def rosa(db: None) -> User:
    return User.objects.create_user("rosa", password="five-green-lamps")


def attempt(password: str, *, username: str = "rosa", address: str = "10.0.0.1", seconds: float = 0) -> User:
    now = NOW + timedelta(seconds=seconds)
    return sign_in(request=HttpRequest(), username=username, password=password, address=address, now=now)


def test_the_right_password_signs_in(rosa: User) -> None:
    assert attempt("five-green-lamps") == rosa


def test_a_wrong_name_and_a_wrong_password_get_the_same_words(rosa: User) -> None:
    with pytest.raises(SignInRefused) as wrong_password:
        attempt("guess")
    with pytest.raises(SignInRefused) as wrong_name:
        attempt("guess", username="nobody")
    assert str(wrong_password.value) == str(wrong_name.value)


def test_three_failures_make_even_the_right_password_wait(rosa: User) -> None:
    for _ in range(3):
        with pytest.raises(SignInRefused, match="not right"):
            attempt("guess")
    with pytest.raises(SignInRefused, match="Try again in 2 seconds"):
        attempt("five-green-lamps")
    assert attempt("five-green-lamps", seconds=2.1) == rosa


def test_the_name_waits_whatever_address_is_used_and_the_address_whatever_name(rosa: User) -> None:
    for turn in range(3):
        with pytest.raises(SignInRefused):
            attempt("guess", address=f"10.0.0.{turn}")
    with pytest.raises(SignInRefused, match="Too many"):
        attempt("five-green-lamps", address="10.9.9.9")
    for turn in range(3):
        with pytest.raises(SignInRefused):
            attempt("guess", username=f"name{turn}", address="10.7.7.7")
    with pytest.raises(SignInRefused, match="Too many"):
        attempt("guess", username="another", address="10.7.7.7")


def test_success_forgives_the_name_but_not_the_address(rosa: User) -> None:
    for _ in range(2):
        with pytest.raises(SignInRefused):
            attempt("guess")
    attempt("five-green-lamps")
    assert SignInSlowdown.objects.count() == 1


def test_a_day_later_all_is_forgotten(rosa: User) -> None:
    for turn in range(9):
        with pytest.raises(SignInRefused):
            attempt("guess", seconds=turn * 1000)
    assert attempt("five-green-lamps", seconds=9000 + 24 * 3600) == rosa
    with pytest.raises(SignInRefused, match="not right"):
        attempt("guess", address="10.3.3.3", seconds=9001 + 24 * 3600)


def test_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    waits = [wait_after(n).total_seconds() for n in range(16)]
    assert waits[:7] == [0, 0, 0, 2, 4, 8, 16]
    assert waits == sorted(waits)
    assert waits[-1] == MAX_WAIT.total_seconds() == wait_after(10_000).total_seconds()


def test_the_table_tells_no_name(rosa: User) -> None:
    with pytest.raises(SignInRefused):
        attempt("guess")
    assert all("rosa" not in row.key and len(row.key) == 64 for row in SignInSlowdown.objects.all())
