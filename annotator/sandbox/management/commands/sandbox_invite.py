"""Make an invitation link to the worker site."""

import datetime as dt
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.urls import reverse
from django.utils.http import urlencode

from annotator.commanding import ProjectCommand
from annotator.sandbox import switchboard
from annotator.sandbox.acts import membership
from annotator.sandbox.models import Invitation


class Command(ProjectCommand):
    help = (
        "Print a link with which people can sign up at the worker site, if sign-up is not open to all. A link for a "
        "name works once, and `sandbox_people list` says who signed up with it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", action="append", default=[], help="for whom: one link, once; may be repeated")
        parser.add_argument("--names", type=Path, metavar="FILE", help="for whom, one per line: a link for each")
        parser.add_argument("--people", type=int, default=1, help="how many may use it (1)")
        parser.add_argument("--days", type=int, default=14, help="for how long (14)")
        parser.add_argument("--note", default="", help="for whom, at most 120 characters")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["people"] <= 100_000 or not 1 <= options["days"] <= 3650 or len(options["note"]) > 120:
            self.stderr.write("--people is 1 to 100000, --days 1 to 3650, --note at most 120 characters.")
            raise SystemExit(2)
        expires_at = switchboard.read().now() + dt.timedelta(days=options["days"])
        if names := _read_names(options):
            for row in membership.invite_by_name(names, expires_at=expires_at):
                self.stdout.write(f"{row.note}: {_make_link(row)}")
            return
        made = Invitation.objects.create(n_left=options["people"], note=options["note"], expires_at=expires_at)
        self.stdout.write(_make_link(made))


def _make_link(invitation: Invitation) -> str:
    path = reverse("sandbox-sign-up", urlconf="annotator.sandbox.urls")
    return f"{settings.SANDBOX_URL}{path}?{urlencode({'invitation': invitation.code})}"


def _read_names(options: dict[str, Any]) -> list[str]:
    names = list(options["name"])
    if options["names"]:
        try:
            names += options["names"].read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['names']} cannot be read: {error}.", returncode=2) from None
    names = [name.strip() for name in names if name.strip()]
    if any(len(name) > 120 or not name.isprintable() for name in names):
        raise CommandError("A name is one line of at most 120 printable characters.", returncode=2)
    return names
