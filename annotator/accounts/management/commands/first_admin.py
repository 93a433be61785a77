"""Makes the first admin and prints the one-time link that sets the password."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from annotator.accounts.inviting import invite, welcome_path
from annotator.accounts.models import Role
from annotator.commanding import ProjectCommand


class Command(ProjectCommand):
    help = (
        "Makes an admin without a password and prints a link that works once, for three days, to set it. "
        "Until the link is used, running this again prints a fresh one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", default="admin", help="the account's name (admin)")
        parser.add_argument("--email", default="", help="where they are reached; optional")

    def handle(self, *args: Any, **options: Any) -> None:
        user = invite(
            username=options["username"], email=options["email"], role=Role.ADMIN, actor=None, now=timezone.now()
        )
        self.stdout.write(f"{settings.WEB_URL}{welcome_path(user)}")
