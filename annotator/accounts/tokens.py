"""Issues, finds and revokes the API tokens of programs; the database keeps digests only."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import ApiToken, Scope

PREFIX = "unitscope_"
# `last_used_at` is written at most this often: reading must not become writing.
USE_RESOLUTION = timedelta(minutes=5)
DEFAULT_LIFE = timedelta(days=90)
MAX_LIFE = timedelta(days=365)


def issue_token(
    *,
    user: User,
    name: str,
    actor: User | None,
    now: datetime,
    scope: Scope = Scope.READ,
    life: timedelta = DEFAULT_LIFE,
) -> str:
    """A new token's text, shown once and never again. `life`: at most MAX_LIFE is given."""
    expires_at = now + min(life, MAX_LIFE)
    details = {"name": name, "scope": scope.value, "expires_at": expires_at}
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        ApiToken.objects.create(
            user=user, name=name, sha256=_digest(text), scope=scope, created_at=now, expires_at=expires_at
        )
        write_audit_entry(actor=actor, action="issue token", subject=f"user {user}", details=details, now=now)
    return text


def find_token(*, text: str, now: datetime) -> ApiToken | None:
    """With its owner; None when it is unknown, revoked or too old, or its owner may no longer sign in."""
    if not text.startswith(PREFIX):
        return None
    valid = ApiToken.objects.select_related("user__membership").filter(revoked_at=None, expires_at__gt=now)
    token = valid.filter(sha256=_digest(text), user__is_active=True).first()
    if token is not None:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RESOLUTION)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token


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
