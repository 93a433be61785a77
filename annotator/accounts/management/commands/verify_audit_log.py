"""Verifies the audit log's chain of digests from its first entry."""

from typing import Any

from annotator.accounts.auditing import verify_audit_log
from annotator.commanding import ProjectCommand
from workers.engine.plurals import say_count


class Command(ProjectCommand):
    help = "Checks that no entry of the audit log was changed, moved or removed. Exit status 2 when one was."

    def handle(self, *args: Any, **options: Any) -> None:
        log = verify_audit_log()
        self.stdout.write(
            f"{say_count(log.n_entries, 'entry fits', 'entries fit')} together; the last digest is {log.last_sha256}."
        )
