"""Roles, lost passwords, and people who must not come in any more: each change is an entry in the audit log.

At least one admin who can sign in always remains.
"""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import ApiToken, Membership, Role, ShareLink
from annotator.accounts.roles import may
from annotator.refusals import Refusal


class LastAdmin(Refusal):
    """The change would leave nobody who can administer."""


class LinkUsed(Refusal):
    """The one-time link was used meanwhile."""


def change_role(*, user: User, role: Role, actor: User | None, now: datetime) -> None:
    """The admin's tables open for superusers alone, so that an admin is one and nobody else. Raises LastAdmin.

    Who may share no pages any more has no living links either.
    """
    with transaction.atomic():
        if role is not Role.ADMIN:
            _keep_an_admin(without=user)
        Membership.objects.update_or_create(user_id=user.pk, defaults={"role": role})
        User.objects.filter(pk=user.pk).update(is_superuser=role is Role.ADMIN, is_staff=True)
        if not may(role, Role.RESEARCHER):
            _end_links(user, now)
        _log("change role", user, actor, now, role=role.value)


def shut_out(*, user: User, actor: User | None, now: datetime) -> None:
    """Ends the person's sessions, tokens and shared links, and lets them in no more. Raises LastAdmin."""
    with transaction.atomic():
        _keep_an_admin(without=user)
        User.objects.filter(pk=user.pk).update(is_active=False)
        _log("shut out", user, actor, now, tokens=_end_tokens(user, now))


def let_in(*, user: User, actor: User | None, now: datetime) -> None:
    """Takes `shut_out` back. The ended tokens stay ended."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=True)
        _log("let in", user, actor, now)


def reset_password(*, user: User, actor: User | None, now: datetime) -> User:
    """Ends password, sessions and tokens; `inviting.welcome_path` of the result sets a new one. Raises LastAdmin."""
    with transaction.atomic():
        _keep_an_admin(without=user)
        fresh = User.objects.select_for_update().get(pk=user.pk)
        fresh.set_unusable_password()  # sessions are bound to it
        fresh.save(update_fields=["password"])
        _log("reset password", user, actor, now, tokens=_end_tokens(user, now))
    return fresh


def end_tokens(*, user: User, actor: User | None, now: datetime) -> int:
    """Revokes every token and shared link of the person; how many tokens there were."""
    with transaction.atomic():
        n_ended = _end_tokens(user, now)
        _log("revoke tokens", user, actor, now, tokens=n_ended)
    return n_ended


def set_password(*, user: User, before: str, now: datetime) -> None:
    """Stores the password that a form has put into `user`, if it still is `before`. Raises LinkUsed.

    The person's other sessions end, since they are bound to the old password, and so do their tokens.
    """
    with transaction.atomic():
        if not User.objects.filter(pk=user.pk, password=before).update(password=user.password):
            raise LinkUsed("The password was changed meanwhile.")
        _log("set password", user, user, now, tokens=_end_tokens(user, now))


def _keep_an_admin(*, without: User) -> None:
    """Locks the admins, so that two of them cannot end one another at once."""
    is_admin = Q(is_superuser=True) | Q(membership__role=Role.ADMIN)
    admins = User.objects.select_for_update(of=("self",)).filter(is_admin, is_active=True).order_by("pk")
    others = [admin for admin in admins if admin.pk != without.pk]
    if len(others) == len(admins):
        return
    # Whoever asks for this may have been reset meanwhile, and then cannot sign in either.
    if not any(admin.has_usable_password() for admin in others):
        raise LastAdmin(
            f"{without.get_username()} is the last admin who can sign in. Make somebody else an admin first."
        )


def _end_tokens(user: User, now: datetime) -> int:
    """Of API tokens; the links that the person has shared end too."""
    _end_links(user, now)
    return ApiToken.objects.filter(user_id=user.pk, revoked_at=None).update(revoked_at=now)


def _end_links(user: User, now: datetime) -> None:
    ShareLink.objects.filter(user_id=user.pk, revoked_at=None).update(revoked_at=now)


def _log(action: str, user: User, actor: User | None, now: datetime, **details: object) -> None:
    write_audit_entry(actor=actor, action=action, subject=f"user {user.get_username()}", details=details, now=now)
