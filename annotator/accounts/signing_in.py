"""Signs people in and slows down whoever keeps failing, without shutting out the person whose name is tried.

A wait belongs to one name at one address, or to one browser that has signed in before. So failures of others never
make a right password wait: not on other names, not from other addresses, and in a known browser not at all. Many
failures from one address or on one name only take the free failures away.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core import signing
from django.db.models import F
from django.http import HttpRequest

from annotator.accounts.models import SignInSlowdown
from annotator.refusals import Refusal
from workers.engine.plurals import say_count

N_FREE_FAILURES = 3
# From so many failures of one address, or on one name, the first failure of a pair already makes it wait.
N_WIDE_FAILURES = 50
MAX_WAIT = timedelta(minutes=15)
# Failures older than this are forgotten.
MEMORY = timedelta(hours=24)
# How long a browser that has signed in is known.
KNOWN_FOR = timedelta(days=180)
_SALT = "annotator.accounts.known-browser"


class SignInRefused(Refusal):
    """The name or password is wrong, or it is too soon to try again; the message says which."""


@dataclass(frozen=True)
class Attempt:
    """Who asks. `address`: the client's network; `browser`: what `make_browser_mark` gave this browser, or ""."""

    username: str
    password: str
    address: str
    browser: str = ""


def sign_in(*, request: HttpRequest, attempt: Attempt, now: datetime) -> User:
    """The person, or SignInRefused. Wrong names and wrong passwords are not told apart."""
    own, wide = _find_keys(attempt)
    rows = {
        row.key: row for row in SignInSlowdown.objects.filter(key__in=[own, *wide], last_failure_at__gt=now - MEMORY)
    }
    _refuse_waiting(
        rows.get(own), is_wide=any(key in rows and rows[key].n_failures >= N_WIDE_FAILURES for key in wide), now=now
    )
    user = authenticate(request, username=attempt.username, password=attempt.password)
    if not isinstance(user, User):
        for key in (own, *wide):
            _count_failure(key, now)
        raise SignInRefused("The user name or the password is not right.")
    SignInSlowdown.objects.filter(key=own).delete()
    return user


def make_browser_mark(user: User) -> str:
    """For a cookie of a browser that has signed in. A new password makes it worthless."""
    return signing.dumps([user.pk, _password_mark(user), secrets.token_hex(8)], salt=_SALT)


def wait_after(n_failures: int, *, n_free: int = N_FREE_FAILURES) -> timedelta:
    """Nothing for the first failures, then 2 s, 4 s, 8 s ... up to a quarter of an hour."""
    if n_failures < n_free:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(n_failures - n_free + 1, 12)), MAX_WAIT)


def _refuse_waiting(row: SignInSlowdown | None, *, is_wide: bool, now: datetime) -> None:
    if row is None:
        return
    wait = wait_after(row.n_failures, n_free=1 if is_wide else N_FREE_FAILURES) - (now - row.last_failure_at)
    if wait > timedelta(0):
        seconds = max(1, round(wait.total_seconds()))
        raise SignInRefused(
            f"Too many failures with this name from your network. Try again in {say_count(seconds, 'second')}."
        )


def _find_keys(attempt: Attempt) -> tuple[str, list[str]]:
    """The key whose wait counts for this attempt, and the keys that are only counted."""
    name = attempt.username.casefold()
    device = _read_browser_mark(attempt)
    if device:
        return _key("browser", device), []
    return _key("name and address", f"{name}\n{attempt.address}"), [
        _key("name", name),
        _key("address", attempt.address),
    ]


def _read_browser_mark(attempt: Attempt) -> str:
    """The browser's own number, if this person has signed in with it under the present password; else ""."""
    try:
        user_id, mark, device = signing.loads(attempt.browser, salt=_SALT, max_age=KNOWN_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    user = User.objects.filter(pk=user_id, username=attempt.username).first()
    return str(device) if user is not None and hmac.compare_digest(str(mark), _password_mark(user)) else ""


def _password_mark(user: User) -> str:
    return _key("password", f"{user.pk}\n{user.password}")[:16]


def _count_failure(key: str, now: datetime) -> None:
    SignInSlowdown.objects.filter(key=key, last_failure_at__lte=now - MEMORY).delete()
    row, made = SignInSlowdown.objects.get_or_create(key=key, defaults={"n_failures": 1, "last_failure_at": now})
    if not made:
        SignInSlowdown.objects.filter(pk=row.pk).update(n_failures=F("n_failures") + 1, last_failure_at=now)


def _key(kind: str, value: str) -> str:
    """A keyed digest: the table tells nobody's name or address."""
    return hmac.new(settings.SECRET_KEY.encode(), f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()
