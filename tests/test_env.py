"""Bad values in the environment are refused in words before anything starts."""

import subprocess
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from annotator import env
from tools.deployed import ENVIRONMENT

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("value", ["postgresql://me:se%zzcret@host/x", "postgresql://me:secret@[host/x"])
def test_no_message_holds_a_password(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DATABASE_URL", value)
    with pytest.raises(env.BadSetting, match="DATABASE_URL cannot be read: ") as caught:
        env.database("DATABASE_URL", "A test.")
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("mysql://x/y", "PostgreSQL is the only database"),
        ("", "DATABASE_URL is not set"),
        ("postgresql://a:b@[x/y", "DATABASE_URL cannot be read"),
        ("postgresql://host/x?sslmod=require", 'DATABASE_URL cannot be read: .*"sslmod"'),
    ],
)
def test_only_postgresql_is_a_database(monkeypatch: pytest.MonkeyPatch, value: str, words: str) -> None:
    monkeypatch.setenv("DATABASE_URL", value)
    with pytest.raises(env.BadSetting, match=words):
        env.database("DATABASE_URL", "A test.")


def test_a_socket_folder_is_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://postgres:@/unitscope?host=/tmp/pg%20data")
    assert env.database("DATABASE_URL", "A test.")["HOST"] == "/tmp/pg data"


def test_whatever_libpq_knows_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its `sslmode` a connection that must not be read would be one that may."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://app/own?user=a&password=p%40&port=6432&sslmode=verify-full")
    made = env.database("DATABASE_URL", "A test.")
    del made["ENGINE"]
    place = {"USER": "a", "PASSWORD": "p@", "HOST": "app", "PORT": "6432", "NAME": "own"}
    assert made == {**place, "OPTIONS": {"sslmode": "verify-full"}}


@pytest.mark.parametrize("value", ["http://host", "redis://host:x/0", "redis://[x", "host"])
def test_an_address_of_valkey_can_be_read(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REDIS_URL", value)
    with pytest.raises(env.BadSetting, match="REDIS_URL must be like"):
        env.valkey("REDIS_URL", "A test.")


@pytest.mark.parametrize(
    "value",
    [
        "ftp://x",
        "http://host/path",
        "host:80",
        "http://",
        "https://[1:2",
        "https://a:b",
        "https://a:999999",
        "https://a b.c",
        "https://me:secret@host",
        "https://host#part",
    ],
)
def test_an_address_is_scheme_and_host(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("WEB_URL", value)
    with pytest.raises(env.BadSetting, match="WEB_URL must be like"):
        env.url("WEB_URL", "A test.")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SANDBOX_URL", "https://unitscope.example", "separate host names"),
        ("SECRET_KEY", "", "SECRET_KEY is not set"),
        ("SECRET_KEY", "short", "SECRET_KEY must be random and have at least 50 characters; it has 5"),
        ("SECRET_KEY", "ab" * 40, "SECRET_KEY must be random"),
        ("PSEUDONYM_KEY", "qwertzuiop" * 4, "PSEUDONYM_KEY must be random and have at least 50"),
        ("WEB_URL", "http://unitscope.example", "WEB_URL must begin with https://"),
        ("HIT_PAGES_URL", "http://hits.example", "HIT_PAGES_URL must begin with https://"),
        ("SANDBOX_URL", "http://market.example", "SANDBOX_URL must begin with https://"),
        ("EXTRA_HOSTS", "*", "EXTRA_HOSTS must name each host"),
        ("EXTRA_HOSTS", "a.example,.example", "EXTRA_HOSTS must name each host"),
        ("TRUSTED_PROXIES", "the proxy", "TRUSTED_PROXIES must be addresses or networks"),
        ("UNITSCOPE_DEPLOYED", "maybe", "must be 1 or 0"),
        ("UNITSCOPE_SITE", "shop", "must be one of web, sandbox"),
        ("HIT_PAGES_URL", "", "HIT_PAGES_URL is not set"),
        ("UNITSCOPE_CACHE_GB", "many", "UNITSCOPE_CACHE_GB must be a number of GB"),
    ],
)
def test_a_deployment_with_a_bad_value_does_not_start(name: str, value: str, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env={**ENVIRONMENT, name: value}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


PORT = partial(env.port, default=1)
USD = partial(env.usd, default="1")
SHARE = partial(env.share, default="1")
LEVEL = partial(env.choice, among=("DEBUG", "INFO"), default="INFO")


@pytest.mark.parametrize(
    ("read", "values", "words"),
    [
        (PORT, ["0", "-1", "99999", "8_0"], "must be a port, a whole number from 1 to 65535"),
        (USD, ["many", "NaN", "-5", "Infinity", "1e400", "0.001"], "must be a number from 0 to"),
        (SHARE, ["1.01", "sNaN", "-0.1", "\uff11"], "must be a number from 0 to 1"),
        (LEVEL, ["loud", "info"], "must be one of DEBUG, INFO"),
        (env.endpoint, ["nonsense", "http://a:99999/x", "ftp://a/x", "https://me:secret@a"], "must be an address like"),
        (env.folder, ["/nowhere/at all"], "must be a folder"),
        (env.store, ["http://x"], "neither file:///folder nor s3://bucket/prefix"),
        (env.text, ["The lab\nBcc: all@example.org"], "must be one line"),
        (env.url, ["https://host:99999"], "must be like https://host"),
    ],
)
def test_what_is_no_value_of_its_kind_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, read: Any, values: list[str], words: str
) -> None:
    for value in values:
        monkeypatch.setenv("A_SETTING", value)
        with pytest.raises(env.BadSetting, match=f"^A_SETTING:? .*{words}"):
            read("A_SETTING", "A test.")


@pytest.mark.parametrize("value", ["0.25", ".25", "00.250"])
def test_a_number_is_written_with_or_without_a_zero_before_its_point(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("A_SETTING", value)
    assert SHARE("A_SETTING", "A test.") == USD("A_SETTING", "A test.") == Decimal("0.25")


def test_an_endpoint_may_be_a_service_of_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SETTING", "http://my_queue:9324/000000000000/answers")
    assert env.endpoint("A_SETTING", "A test.") == "http://my_queue:9324/000000000000/answers"
