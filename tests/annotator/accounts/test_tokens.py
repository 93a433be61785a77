"""API tokens are shown once, stored as digests, and end when they or their owners do."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from annotator.accounts.models import ApiToken
from annotator.accounts.tokens import DEFAULT_LIFE, MAX_LIFE, find_token, issue_token, revoke_token

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def rosa(db: None) -> User:
    return User.objects.create_user("rosa")


def issue(user: User) -> str:
    return issue_token(user=user, name="notebook", actor=user, now=NOW)


def find_token_owner(*, text: str, now: datetime) -> User | None:
    found = find_token(text=text, now=now)
    return found.user if found else None


def test_a_token_ends_by_itself(rosa: User) -> None:
    text = issue(rosa)
    assert find_token_owner(text=text, now=NOW + DEFAULT_LIFE - timedelta(seconds=1)) == rosa
    assert find_token_owner(text=text, now=NOW + DEFAULT_LIFE) is None


def test_no_token_lives_longer_than_a_year(rosa: User) -> None:
    text = issue_token(user=rosa, name="x", actor=rosa, now=NOW, life=timedelta(days=9999))
    assert find_token_owner(text=text, now=NOW + MAX_LIFE) is None


def test_a_token_finds_its_owner(rosa: User) -> None:
    assert find_token_owner(text=issue(rosa), now=NOW) == rosa


def test_the_database_holds_the_digest_only(rosa: User) -> None:
    text = issue(rosa)
    row = ApiToken.objects.values().get()
    assert row["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert text not in str(row)


@pytest.mark.parametrize("text", ["", "unitscope_", "unitscope_x", "Bearer"])
def test_an_unknown_token_finds_nobody(rosa: User, text: str) -> None:
    issue(rosa)
    assert find_token_owner(text=text, now=NOW) is None


def test_a_revoked_token_is_dead_and_only_its_owner_can_revoke_it(rosa: User) -> None:
    text, token = issue(rosa), ApiToken.objects.get()
    other = User.objects.create_user("otto")
    assert not revoke_token(token_id=token.pk, owner=other, actor=other, now=NOW)
    assert find_token_owner(text=text, now=NOW) == rosa
    assert revoke_token(token_id=token.pk, owner=rosa, actor=rosa, now=NOW)
    assert find_token_owner(text=text, now=NOW) is None
    assert not revoke_token(token_id=token.pk, owner=rosa, actor=rosa, now=NOW)


def test_a_token_of_an_inactive_person_is_dead(rosa: User) -> None:
    text = issue(rosa)
    User.objects.update(is_active=False)
    assert find_token_owner(text=text, now=NOW) is None


def test_reading_writes_the_last_use_once_in_five_minutes(rosa: User) -> None:
    text = issue(rosa)
    for minutes in (0, 1, 4):
        find_token_owner(text=text, now=NOW + timedelta(minutes=minutes))
        assert ApiToken.objects.get().last_used_at == NOW
    find_token_owner(text=text, now=NOW + timedelta(minutes=6))
    assert ApiToken.objects.get().last_used_at == NOW + timedelta(minutes=6)
