"""Makes a requester's account in the sandbox, or shows the existing one of this name."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from annotator.commanding import ProjectCommand
from annotator.sandbox import switchboard
from annotator.sandbox.acts import accounts


class Command(ProjectCommand):
    help = (
        "Print, as JSON, the key, region and endpoint with which any MTurk client uses the sandbox as requester NAME. "
        "A new account gets play money; the same NAME always gets the same account."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="at most 80 characters")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 1 <= len(name) <= 80 or not name.isprintable():
            self.stderr.write("NAME must have 1 to 80 printable characters.")
            raise SystemExit(2)
        requester = accounts.open_account(
            name, balance_usd=settings.SANDBOX_OPENING_BALANCE_USD, now=switchboard.read().now()
        )
        self.stdout.write(
            json.dumps(
                {
                    "aws_access_key_id": requester.access_key_id,
                    "aws_secret_access_key": requester.secret_access_key,
                    "region_name": "us-east-1",
                    "endpoint_url": settings.SANDBOX_URL,
                }
            )
        )
