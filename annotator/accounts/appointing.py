"""Gives a person another role: the decision and its entry in the audit log, both or neither."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Membership, Role


def change_role(*, membership: Membership, role: Role, actor: User, now: datetime) -> None:
    """The admin's tables open for superusers alone, so that an admin is one and nobody else."""
    with transaction.atomic():
        Membership.objects.filter(pk=membership.pk).update(role=role)
        User.objects.filter(pk=membership.user_id).update(is_superuser=role is Role.ADMIN)
        subject, details = f"user {membership.user}", {"role": role.value}
        write_audit_entry(actor=actor, action="change role", subject=subject, details=details, now=now)
