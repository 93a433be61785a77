"""Signs people in and slows down whoever keeps failing: the wait doubles with each failure, per name and address."""

import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db.models import F
from django.http import HttpRequest

from annotator.accounts.models import SignInSlowdown
from annotator.refusals import Refusal

N_FREE_FAILURES = 3
MAX_WAIT = timedelta(minutes=15)
# Failures older than this are forgotten.
MEMORY = timedelta(hours=24)


class SignInRefused(Refusal):
    """The name or password is wrong, or it is too soon to try again; the message says which."""


def sign_in(*, request: HttpRequest, username: str, password: str, address: str, now: datetime) -> User:
    """The person, or SignInRefused. Wrong names and wrong passwords are not told apart."""
    keys = [_key("name", username.casefold()), _key("address", address)]
    recent = SignInSlowdown.objects.filter(key__in=keys, last_failure_at__gt=now - MEMORY)
    waits = [wait_after(row.n_failures) - (now - row.last_failure_at) for row in recent]
    wait = max(waits, default=timedelta(0))
    if wait > timedelta(0):
        raise SignInRefused(f"Too many failures. Try again in {max(1, round(wait.total_seconds()))} seconds.")
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        for key in keys:
            _count_failure(key, now)
        raise SignInRefused("The user name or the password is not right.")
    SignInSlowdown.objects.filter(key=keys[0]).delete()
    return user


def wait_after(n_failures: int) -> timedelta:
    """Nothing for the first failures, then 2 s, 4 s, 8 s ... up to a quarter of an hour."""
    if n_failures < N_FREE_FAILURES:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(n_failures - N_FREE_FAILURES + 1, 12)), MAX_WAIT)


def _count_failure(key: str, now: datetime) -> None:
    SignInSlowdown.objects.filter(key=key, last_failure_at__lte=now - MEMORY).delete()
    row, made = SignInSlowdown.objects.get_or_create(key=key, defaults={"n_failures": 1, "last_failure_at": now})
    if not made:
        SignInSlowdown.objects.filter(pk=row.pk).update(n_failures=F("n_failures") + 1, last_failure_at=now)


def _key(kind: str, value: str) -> str:
    """A keyed digest: the table tells nobody's name or address."""
    return hmac.new(settings.SECRET_KEY.encode(), f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()
