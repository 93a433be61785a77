"""Recomputes every balance from the ledger and prints the differences."""

from typing import Any

from django.db import connection, transaction

from annotator.commanding import ProjectCommand
from annotator.sandbox.acts import auditing


class Command(ProjectCommand):
    help = (
        "Recompute, from the append-only ledger and the assignments, every balance, hold, payment and count of the "
        "sandbox. Exit status 0 if all agree; otherwise it prints each difference and exits with status 1."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            audit = auditing.audit()
        for finding in audit.findings:
            self.stdout.write(finding)
        self.stdout.write(
            f"{audit.n_entries} entries, {audit.n_requesters} requesters, {audit.n_hits} HITs, "
            f"{audit.n_assignments} assignments: {audit.deposited_usd} USD deposited, "
            f"{audit.earned_usd} earned by people, {audit.paid_usd} paid out to them, {audit.fees_usd} in fees; "
            f"{len(audit.findings)} differences."
        )
        if audit.findings:
            raise SystemExit(1)
