"""Signing in: the right password works, wrong ones are slowed down, nothing tells which names exist."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest

from annotator.accounts.models import SignInSlowdown
from annotator.accounts.signing_in import (
    MAX_WAIT,
    N_WIDE_FAILURES,
    Attempt,
    SignInRefused,
    make_browser_mark,
    sign_in,
    wait_after,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def rosa(db: None) -> User:
    return User.objects.create_user("rosa", password="five-green-lamps")


def attempt(
    password: str, *, username: str = "rosa", address: str = "10.0.0.1", seconds: float = 0, browser: str = ""
) -> User:
    tried = Attempt(username=username, password=password, address=address, browser=browser)
    return sign_in(request=HttpRequest(), attempt=tried, now=NOW + timedelta(seconds=seconds))


def fail(times: int, *, username: str = "rosa", address: str = "10.0.0.1") -> None:
    for _ in range(times):
        with pytest.raises(SignInRefused):
            attempt("guess", username=username, address=address)


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


def test_failures_on_other_names_and_from_other_addresses_never_make_a_right_password_wait(rosa: User) -> None:
    for turn in range(N_WIDE_FAILURES + 9):
        fail(1, username=f"invented{turn}")
        fail(1, address=f"10.7.{turn}.1")
    assert attempt("five-green-lamps") == rosa


def test_after_many_failures_of_one_address_each_name_has_one_guess_at_a_time(rosa: User) -> None:
    for turn in range(N_WIDE_FAILURES):
        fail(1, username=f"invented{turn}")
    fail(1)
    with pytest.raises(SignInRefused, match="Too many failures"):
        attempt("guess")


def test_a_known_browser_signs_in_whoever_fails_beside_it(rosa: User) -> None:
    mark = make_browser_mark(rosa)
    fail(9)
    with pytest.raises(SignInRefused, match="Too many failures"):
        attempt("five-green-lamps")
    assert attempt("five-green-lamps", browser=mark) == rosa


def test_a_known_browser_waits_for_its_own_failures(rosa: User) -> None:
    mark = make_browser_mark(rosa)
    for _ in range(3):
        with pytest.raises(SignInRefused, match="not right"):
            attempt("guess", browser=mark)
    with pytest.raises(SignInRefused, match="Too many failures"):
        attempt("five-green-lamps", browser=mark)


def test_a_browser_is_known_for_its_own_person_and_password_only(rosa: User) -> None:
    mark = make_browser_mark(rosa)
    User.objects.create_user("otto", password="five-green-lamps")
    fail(9)
    fail(9, username="otto")
    for browser, username in ((mark, "otto"), ("forged", "rosa"), (mark[:-1], "rosa")):
        with pytest.raises(SignInRefused, match="Too many failures"):
            attempt("five-green-lamps", browser=browser, username=username)
    rosa.set_password("six-green-lamps")
    rosa.save()
    with pytest.raises(SignInRefused, match="Too many failures"):
        attempt("six-green-lamps", browser=mark)


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
