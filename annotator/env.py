"""Values from the environment; a bad one is refused in words before anything starts.

Each read names the variable and says in one sentence what it means: `python -m tools.write_docs` copies both into
docs/settings.md.
"""

import contextlib
import ipaddress
import os
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import redis
from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

from annotator.refusals import Refusal
from workers.engine.plurals import say_count
from workers.store import StoreError, open_store

# What libpq quotes of an address may be a password; the name of a parameter is none.
_QUOTED = re.compile(r'"(?![a-z_]+"$).*"', re.DOTALL)
# Host names, IPv4 and [IPv6] addresses, perhaps with a port; nobody's password.
_ADDRESS = re.compile(
    r"https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[1-9]\d{0,4})?", re.ASCII | re.IGNORECASE
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# No exponent, sign or NaN, and digits of ASCII alone.
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?|\.[0-9]{1,12}")


class BadSetting(Refusal):
    """An environment variable is missing or cannot be understood; the message names it."""


def text(name: str, meaning: str, *, default: str | None = None) -> str:
    """One line."""
    value = os.environ.get(name, default)
    if not value and default != "":
        raise BadSetting(f"{name} is not set.")
    if _CONTROL.search(value or ""):
        raise BadSetting(f"{name} must be one line, without control characters.")
    return value or ""


def choice(name: str, meaning: str, *, among: Sequence[str], default: str) -> str:
    value = text(name, meaning, default=default)
    if value not in among:
        raise BadSetting(f"{name} must be one of {', '.join(among)}, not {value!r}.")
    return value


def flag(name: str, meaning: str) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in ("", "0", "false", "no", "off"):
        return False
    if value in ("1", "true", "yes", "on"):
        return True
    raise BadSetting(f"{name} must be 1 or 0, not {value!r}.")


def port(name: str, meaning: str, *, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:6]) <= 65_535):
        raise BadSetting(f"{name} must be a port, a whole number from 1 to 65535, not {value!r}.")
    return int(value)


def share(name: str, meaning: str, *, default: str) -> Decimal:
    """A number from 0 to 1, such as 0.25."""
    return _number(name, text(name, meaning, default=default), most=1)


def usd(name: str, meaning: str, *, default: str) -> Decimal:
    """Dollars in whole cents."""
    return _number(name, text(name, meaning, default=default), most=10**9, n_decimals=2)


def _number(name: str, value: str, *, most: int, n_decimals: int | None = None) -> Decimal:
    number = Decimal(value) if _DECIMAL.fullmatch(value) else Decimal(-1)
    if not 0 <= number <= most or (n_decimals is not None and number != round(number, n_decimals)):
        places = f" with at most {n_decimals} decimals" if n_decimals is not None else ""
        raise BadSetting(f"{name} must be a number from 0 to {most}{places}, not {value!r}.")
    return number


def url(name: str, meaning: str, *, default: str | None = None) -> str:
    """A public address with http or https and no path, returned without a trailing slash; empty only by default."""
    value = text(name, meaning, default=default).rstrip("/")
    if not value and default == "":
        return ""
    if not _ADDRESS.fullmatch(value) or not _has_port(value):
        raise BadSetting(f"{name} must be like https://host or http://host:port, not {value!r}.")
    return value


def endpoint(name: str, meaning: str) -> str:
    """Where another service answers, with http or https and perhaps a path; empty: nowhere."""
    value = text(name, meaning, default="")
    # Services of compose may have an underscore in their names.
    place = re.match(r"[^/]*//[^/?#]*", value.replace("_", "-"))
    if value and not (place and _ADDRESS.fullmatch(place[0]) and _has_port(value) and value.isprintable()):
        raise BadSetting(f"{name} must be an address like https://host/path, without a name and a password.")
    return value


def _has_port(address: str) -> bool:
    """True also if it names none; False if there is no such port."""
    with contextlib.suppress(ValueError):
        return urlsplit(address).port != 0
    return False


def folder(name: str, meaning: str, *, is_needed: bool = True) -> str:
    """A folder that is there; empty: none. `is_needed` False: this process does not read it."""
    value = text(name, meaning, default="")
    if value and is_needed and not Path(value).is_dir():
        raise BadSetting(f"{name} must be a folder, and {value!r} is none.")
    return value


def store(name: str, meaning: str, *, default: str | None = None) -> str:
    value = text(name, meaning, default=default)
    try:
        open_store(value)
    except StoreError as error:
        raise BadSetting(f"{name}: {error}") from None
    return value


def database(name: str, meaning: str) -> dict[str, object]:
    """A postgresql:// address as Django's DATABASES entry; its query may hold whatever libpq knows, such as sslmode."""
    value = text(name, meaning)
    if not value.startswith(("postgresql://", "postgres://")):
        raise BadSetting(f"{name} must begin with postgresql://: PostgreSQL is the only database.")
    try:
        parts = parse_dsn(value)
    except ProgrammingError as error:
        words = _QUOTED.sub("...", str(error).strip())
        raise BadSetting(f"{name} cannot be read: {words}. Write %40 for @ in a password, and the like.") from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "unitscope"),
        **{key.upper(): parts.pop(key, "") for key in ("user", "password", "host", "port")},
        "OPTIONS": parts,
    }


def valkey(name: str, meaning: str) -> str:
    """A redis://, rediss:// or unix:// address of Valkey or Redis."""
    value = text(name, meaning)
    try:
        redis.ConnectionPool.from_url(value)
    except ValueError:
        raise BadSetting(f"{name} must be like redis://:PASSWORD@host:6379/0.") from None
    return value


def names(name: str, meaning: str) -> list[str]:
    return [part.strip() for part in text(name, meaning, default="").split(",") if part.strip()]


def networks(name: str, meaning: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Addresses or networks such as 10.0.0.0/8, separated by commas."""
    try:
        return [ipaddress.ip_network(part) for part in names(name, meaning)]
    except ValueError:
        raise BadSetting(f"{name} must be addresses or networks such as 10.0.0.0/8, separated by commas.") from None


def strong_secret(name: str, value: str, *, min_length: int = 50) -> str:
    """Refuses what is short or hardly varies, so that nobody can guess what it signs."""
    if len(value) < min_length or len(set(value)) < 8:
        raise BadSetting(
            f"{name} must be random and have at least {say_count(min_length, 'character')}; it has {len(value)}."
        )
    return value
