"""Issues an API token for one person and prints it once."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from annotator.accounts.models import Scope
from annotator.accounts.tokens import DEFAULT_LIFE, issue_token
from annotator.commanding import ProjectCommand


class Command(ProjectCommand):
    help = "Prints a new token for the JSON API. It is shown once; the database keeps its digest only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="whose token")
        parser.add_argument("--name", default="command line", help="what the token is for")
        parser.add_argument("--scope", choices=Scope.values, default=Scope.READ, help="what it may do (read)")
        parser.add_argument("--days", type=int, default=DEFAULT_LIFE.days, help="when it ends (90; at most 365)")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active account named {options['username']}.", returncode=2)
        life, scope = timedelta(days=options["days"]), Scope(options["scope"])
        if life <= timedelta(0):
            raise CommandError("--days must be 1 or more.", returncode=2)
        self.stdout.write(
            issue_token(user=user, name=options["name"], actor=None, now=timezone.now(), scope=scope, life=life)
        )
