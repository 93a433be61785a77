"""Adds to the balance of a requester of the sandbox."""

from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from annotator.commanding import ProjectCommand
from annotator.sandbox import ledger, switchboard
from annotator.sandbox.models import Requester
from annotator.sandbox.rules import amounts


class Command(ProjectCommand):
    help = (
        "Add dollars to the balance of the requester NAME: as much as may be promised to people more. What people earn "
        "from it is owed to them by whoever runs the marketplace (`sandbox_earnings`)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the requester's name")
        parser.add_argument("usd", metavar="USD", help="an amount such as 250.00")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        requester = Requester.objects.select_for_update().filter(name=options["name"]).first()
        if requester is None:
            raise CommandError(f"There is no requester {options['name']!r}.", returncode=2)
        amount = _read_amount(options["usd"])
        ledger.deposit(requester, amount, now=switchboard.read().now())
        requester.refresh_from_db()
        self.stdout.write(f"{requester} has ${requester.available_usd:.2f} available now.")


def _read_amount(text: str) -> Decimal:
    try:
        return amounts.read_usd(text, below=10**8)
    except ValueError:
        raise CommandError("USD is an amount above 0, in whole cents, such as 250.00.", returncode=2) from None
