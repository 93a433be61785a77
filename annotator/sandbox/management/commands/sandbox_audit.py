"""Recomputes every balance from the ledger and prints the differences."""

from typing import Any

from django.db import connection, transaction

from annotator.commanding import ProjectCommand
from annotator.sandbox.acts import auditing
from workers.engine.plurals import say_count


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
            f"{say_count(audit.n_entries, 'entry')}, {say_count(audit.n_requesters, 'requester')}, "
            f"{say_count(audit.n_hits, 'HIT')}, {say_count(audit.n_assignments, 'assignment')}: {audit.deposited_usd} "
            f"USD deposited, {audit.earned_usd} earned by people, {audit.paid_usd} paid out to them, {audit.fees_usd} "
            f"in fees; {say_count(len(audit.findings), 'difference')}."
        )
        if audit.findings:
            raise SystemExit(1)
