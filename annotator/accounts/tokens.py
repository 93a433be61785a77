"""Issues, finds and revokes the API tokens of programs; the database keeps digests only."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import ApiToken

PREFIX = "unitscope_"
# `last_used_at` is written at most this often: reading must not become writing.
USE_RESOLUTION = timedelta(minutes=5)


def issue_token(*, user: User, name: str, actor: User | None, now: datetime) -> str:
    """A new token's text, shown once and never again."""
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        ApiToken.objects.create(user=user, name=name, sha256=_digest(text), created_at=now)
        write_audit_entry(actor=actor, action="issue token", subject=f"user {user}", details={"name": name}, now=now)
    return text


def find_token_owner(*, text: str, now: datetime) -> User | None:
    """Whose token this is; None when it is unknown or revoked, or its owner may no longer sign in."""
    if not text.startswith(PREFIX):
        return None
    token = ApiToken.objects.select_related("user").filter(sha256=_digest(text), revoked_at=None).first()
    if token is None or not token.user.is_active:
        return None
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RESOLUTION)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token.user


def revoke_token(*, token_id: int, owner: User, actor: User, now: datetime) -> bool:
    """True if this call revoked a token of this owner."""
    with transaction.atomic():
        n_ended = ApiToken.objects.filter(pk=token_id, user=owner, revoked_at=None).update(revoked_at=now)
        if n_ended:
            write_audit_entry(
                actor=actor, action="revoke token", subject=f"user {owner}", details={"token": token_id}, now=now
            )
    return n_ended == 1


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
