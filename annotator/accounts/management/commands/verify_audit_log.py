"""Verifies the audit log's chain of digests from its first entry."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotator.accounts.auditing import AuditLogBroken, verify_audit_log


class Command(BaseCommand):
    requires_system_checks = []  # checked by `make lint`; loading every page takes seconds
    help = "Checks that no entry of the audit log was changed, moved or removed. Exit status 2 when one was."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            log = verify_audit_log()
        except AuditLogBroken as broken:
            raise CommandError(str(broken), returncode=2) from None
        self.stdout.write(f"{log.n_entries} entries fit together; the last digest is {log.last_sha256}.")
