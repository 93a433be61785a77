"""Checks that an endpoint behaves as MTurk's API is documented, through boto3: ours, or any that `--endpoint` names.

`python -m pytest tests/conformance --endpoint URL [--worker-site URL]` takes AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY and prints the table of docs/sandbox.md. It creates HITs, bonuses and people there: never name an
endpoint that spends real money. Without a worker site the checks that need people are skipped.
"""

import datetime as dt
import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from annotator.sandbox.acts import accounts
from tests.annotator.sandbox.serving import sandbox_server
from tests.conformance.bench import Bench
from tests.conformance.people import People
from tests.conformance.table import Outcome, find_checks, tabulate


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--endpoint", default="", help="the MTurk endpoint to check, such as http://127.0.0.1:8001")
    group.addoption("--worker-site", default="", help="where people sign up at that endpoint")


def pytest_configure(config: pytest.Config) -> None:
    endpoint = config.getoption("--endpoint", default="")
    if endpoint and not (os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("AWS_SECRET_ACCESS_KEY")):
        raise pytest.UsageError("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the endpoint.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only our own sandbox needs a database; pytest-django makes one if a test is marked when it is collected."""
    if not config.getoption("--endpoint", default=""):
        for item in items:
            if "bench" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture
def own_sandbox(settings: Any) -> Iterator[str]:
    """The address of our own sandbox with an empty database."""
    with sandbox_server(settings) as address:
        yield address


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Bench:
    endpoint = request.config.getoption("--endpoint", default="")
    if endpoint:
        key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        return Bench(endpoint=endpoint, key=key, secret=secret)
    endpoint = request.getfixturevalue("own_sandbox")
    account = accounts.open_account("conformance", balance_usd=Decimal("1000000.00"), now=dt.datetime.now(dt.UTC))
    return Bench(endpoint=endpoint, key=account.access_key_id, secret=account.secret_access_key)


@pytest.fixture
def people(request: pytest.FixtureRequest) -> Iterator[People]:
    site = request.config.getoption("--worker-site", default="")
    if not site and request.config.getoption("--endpoint", default=""):
        pytest.skip("It needs people: --worker-site is not given.")
    people = People(site or request.getfixturevalue("own_sandbox"))
    yield people
    people.close()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.getoption("--endpoint", default=""):
        terminalreporter.write_line(tabulate(find_checks(), read_outcomes(terminalreporter.stats)))


def read_outcomes(stats: dict[str, list[Any]]) -> dict[str, Outcome]:
    """By name of the test, from the reports that pytest keeps by their outcome."""
    passed = {_name(report): Outcome() for report in stats.get("passed", [])}
    skipped = {_name(report): Outcome(was_run=False) for report in stats.get("skipped", [])}
    failed = {
        _name(report): Outcome(problem=" ".join(report.longrepr.reprcrash.message.split())[:300])
        for report in [*stats.get("failed", []), *stats.get("error", [])]
    }
    return passed | skipped | failed


def _name(report: pytest.TestReport) -> str:
    return report.nodeid.split("::")[-1]
