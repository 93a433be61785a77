"""Changes one person's account from the server, as the page "People" does."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from annotator.accounts.inviting import welcome_path
from annotator.accounts.managing import change_role, end_tokens, let_in, reset_password, shut_out
from annotator.accounts.models import Role
from annotator.commanding import ProjectCommand
from workers.engine.plurals import say_count

ACTS = ("role", "shut-out", "let-in", "reset-password", "revoke-tokens")


class Command(ProjectCommand):
    help = (
        "Changes a role, shuts a person out or lets them in again, resets a password (prints a one-time link), or "
        "revokes all tokens of a person. Each is an entry in the audit log; the last admin cannot be shut out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="whose account")
        parser.add_argument("act", choices=ACTS, help="what to do")
        parser.add_argument("--role", choices=Role.values, help="the new role, for the act role")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no account named {options['username']}.", returncode=2)
        if options["act"] == "role" and not options["role"]:
            raise CommandError("Say which role: --role.", returncode=2)
        self.stdout.write(self._act(user, options["act"], options["role"], timezone.now()))

    def _act(self, user: User, act: str, role: str, now: datetime) -> str:
        name = user.get_username()
        match act:
            case "role":
                change_role(user=user, role=Role(role), actor=None, now=now)
                return f"{name} is {role} now."
            case "shut-out":
                shut_out(user=user, actor=None, now=now)
                return f"{name} can no longer sign in."
            case "let-in":
                let_in(user=user, actor=None, now=now)
                return f"{name} can sign in again."
            case "revoke-tokens":
                n = end_tokens(user=user, actor=None, now=now)
                return say_count(n, f"token of {name} is revoked.", f"tokens of {name} are revoked.")
        return f"{settings.WEB_URL}{welcome_path(reset_password(user=user, actor=None, now=now))}"
