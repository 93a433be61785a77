"""Makes, finds and ends links that show one page to whoever has them; the database keeps digests only."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import ShareLink

# `last_used_at` is written at most this often: reading must not become writing.
USE_RESOLUTION = timedelta(minutes=5)
DEFAULT_LIFE = timedelta(days=14)
MAX_LIFE = timedelta(days=90)


def share_page(*, address: str, actor: User, life: timedelta, now: datetime) -> str:
    """The key of a new link, shown once and never again. `life`: at most MAX_LIFE is given."""
    expires_at = now + min(life, MAX_LIFE)
    key = secrets.token_urlsafe(32)
    with transaction.atomic():
        link = ShareLink.objects.create(
            user=actor, address=address, sha256=_digest(key), created_at=now, expires_at=expires_at
        )
        details = {"link": link.pk, "address": address, "expires_at": expires_at}
        write_audit_entry(actor=actor, action="share page", subject=f"user {actor}", details=details, now=now)
    return key


def find_shared(*, key: str, now: datetime) -> ShareLink | None:
    """None if the key is unknown, or the link has ended, or its maker may no longer sign in."""
    link = list_living(now).filter(sha256=_digest(key)).first()
    if link is not None:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RESOLUTION)
        ShareLink.objects.filter(stale, pk=link.pk).update(last_used_at=now)
    return link


def find_opened(ids: Collection[int], *, now: datetime) -> list[ShareLink]:
    """Those of the links with these ids that have not ended."""
    return list(list_living(now).filter(pk__in=ids)) if ids else []


def list_living(now: datetime) -> QuerySet[ShareLink]:
    """The links that show their page now."""
    return ShareLink.objects.filter(revoked_at=None, expires_at__gt=now, user__is_active=True)


def end_shared(*, link_id: int, owner: User, now: datetime) -> bool:
    """True if this call ended a link of this owner."""
    with transaction.atomic():
        n_ended = ShareLink.objects.filter(pk=link_id, user=owner, revoked_at=None).update(revoked_at=now)
        if n_ended:
            details = {"link": link_id}
            write_audit_entry(actor=owner, action="end shared link", subject=f"user {owner}", details=details, now=now)
    return n_ended == 1


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
