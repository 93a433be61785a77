"""Commands' decisions in the audit log: whoever has a shell acts under the name `command`."""

from typing import Any

from django.utils import timezone

from annotator.accounts.auditing import write_audit_entry


def note(action: str, subject: str, **details: Any) -> None:
    write_audit_entry(actor=None, action=action, subject=subject, details=details, now=timezone.now())
