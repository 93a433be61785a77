"""Check an endpoint against MTurk's documented behavior and print the table."""

import os
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from annotator.sandbox import switchboard
from annotator.sandbox.acts import accounts
from annotator.sandbox.conformance.bench import Bench
from annotator.sandbox.conformance.running import Outcome, run_cases, tabulate


class Command(BaseCommand):
    requires_system_checks = []  # checked by `make lint`; loading every page takes seconds
    help = (
        "Aim the conformance suite at an MTurk endpoint. Without --endpoint it is this installation's own sandbox and "
        "an account `conformance` of it; with one, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are used. It creates "
        "HITs, bonuses and people there: never aim it at an endpoint that spends real money."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--endpoint", default="", help="such as http://127.0.0.1:8001")
        parser.add_argument(
            "--worker-site", default="", help="where people sign up; without it the checks that need work are left out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        endpoint = (options["endpoint"] or settings.SANDBOX_URL).rstrip("/")
        is_own = endpoint == settings.SANDBOX_URL
        key, secret = self._own_key() if is_own else self._key_from_environment()
        site = options["worker_site"] or (endpoint if is_own else "")
        outcomes: list[Outcome] = []
        for outcome in run_cases(Bench(endpoint=endpoint, key=key, secret=secret, worker_site=site)):
            outcomes.append(outcome)
            self.stderr.write("." if not outcome.problem else "F", ending="")
        self.stderr.write("")
        self.stdout.write(tabulate(outcomes))
        if any(outcome.problem for outcome in outcomes):
            raise SystemExit(1)

    def _own_key(self) -> tuple[str, str]:
        account = accounts.open_account("conformance", balance_usd=Decimal("100000.00"), now=switchboard.read().now())
        return account.access_key_id, account.secret_access_key

    def _key_from_environment(self) -> tuple[str, str]:
        key, secret = os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", "")
        if not key or not secret:
            self.stderr.write("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for an endpoint that is not our own.")
            raise SystemExit(2)
        return key, secret
