"""Make an invitation link to the worker site."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.urls import reverse
from django.utils.http import urlencode

from annotator.commanding import ProjectCommand
from annotator.sandbox import switchboard
from annotator.sandbox.models import Invitation


class Command(ProjectCommand):
    help = "Print a link with which people can sign up at the worker site, if sign-up is not open to all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", type=int, default=1, help="how many may use it (1)")
        parser.add_argument("--days", type=int, default=14, help="for how long (14)")
        parser.add_argument("--note", default="", help="for whom, at most 120 characters")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["people"] <= 100_000 or not 1 <= options["days"] <= 3650 or len(options["note"]) > 120:
            self.stderr.write("--people is 1 to 100000, --days 1 to 3650, --note at most 120 characters.")
            raise SystemExit(2)
        made = Invitation.objects.create(
            n_left=options["people"], note=options["note"],
            expires_at=switchboard.read().now() + dt.timedelta(days=options["days"]),
        )  # fmt: skip
        path = reverse("sandbox-sign-up", urlconf="annotator.sandbox.urls")
        self.stdout.write(f"{settings.SANDBOX_URL}{path}?{urlencode({'invitation': made.code})}")
