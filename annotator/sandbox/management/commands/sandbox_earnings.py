"""Prints what each person of the worker site earned, was paid and is owed."""

import datetime as dt
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotator.commanding import ProjectCommand
from annotator.csv_files import write_csv
from annotator.sandbox import switchboard
from annotator.sandbox.acts import paying_out, settling
from annotator.sandbox.models import Person
from workers.engine.plurals import say_count

PRINT = "-"


class Command(ProjectCommand):
    help = (
        "Print what each person earned, was paid and is owed, in dollars. The payout address is for whoever pays: keep "
        "the file as you keep a bank statement. --payments makes the list that a payment service takes; `sandbox_paid` "
        "reads it back when it was paid. Simulated people are left out: nobody owes a program."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", type=dt.date.fromisoformat, metavar="DATE",
            help="count what was earned and paid from this day on (UTC, such as 2026-03-01); owed is what stands now",
        )  # fmt: skip
        parser.add_argument(
            "--csv", nargs="?", const=PRINT, metavar="FILE", help="as CSV: printed, or written to FILE (mode 600)"
        )
        parser.add_argument(
            "--payments", action="store_true",
            help="CSV of those who are owed money and gave a payout address that can be used: recipient, amount, "
            "currency, reference",
        )  # fmt: skip
        parser.add_argument("--simulated", action="store_true", help="simulated people, too")

    def handle(self, *args: Any, **options: Any) -> None:
        settling.settle_due(now=switchboard.read().now())
        since = options["since"]
        start = dt.datetime.combine(since, dt.time(), dt.UTC) if since else None
        people = Person.objects.all() if options["simulated"] else Person.objects.filter(is_simulated=False)
        rows = paying_out.list_earnings(people, since=start)
        if options["payments"]:
            due = [row for row in rows if row.owed_usd > 0]
            payable = [row for row in due if paying_out.is_payout_address(paying_out.read_payout_address(row.person))]
            payments = [paying_out.describe_payment(row) for row in payable]
            self._write(write_csv(payments, columns=paying_out.PAYMENT_COLUMNS), options["csv"] or PRINT)
            silent = [row.person.mturk_id for row in due if row not in payable]
            if silent:
                self.stderr.write(f"Owed money, and gave no payout address that can be used: {', '.join(silent)}.")
        elif options["csv"]:
            described = [paying_out.describe_earnings(row) for row in rows]
            self._write(write_csv(described, columns=paying_out.EARNINGS_COLUMNS), options["csv"])
        else:
            self._tell(rows)

    def _tell(self, rows: list[paying_out.Earnings]) -> None:
        for row in rows:
            self.stdout.write(
                f"{row.person.mturk_id:<16} earned ${row.earned_usd:.2f}, paid ${row.paid_usd:.2f}, "
                f"owed ${row.owed_usd:.2f}  {row.person.name}"
            )
        self.stdout.write(f"{say_count(len(rows), 'person')}; owed in all: ${sum(row.owed_usd for row in rows):.2f}.")

    def _write(self, text: str, target: str) -> None:
        if target == PRINT:
            self.stdout.write(text, ending="")
            return
        path = Path(target)
        try:
            path.touch(mode=0o600)
            if path.is_file():  # which may have been there before
                path.chmod(0o600)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.", returncode=2) from None
        self.stdout.write(f"Wrote {path}.")
