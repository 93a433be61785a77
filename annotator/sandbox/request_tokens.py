"""UniqueRequestToken: an act is done once in the life of its token, and a repeat is told what came of the first."""

import datetime as dt

from django.db import transaction

from annotator.sandbox.models import Requester, RequestToken

HIT = "hit"
EXTENSION = "extension"
BONUS = "bonus"


class AlreadyUsed(Exception):
    """The token was used; `outcome` is what the first use brought."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@transaction.atomic
def claim(
    requester: Requester, *, act: str, token: str | None, outcome: str, now: dt.datetime, life: dt.timedelta
) -> None:
    """Take the token in the caller's transaction, so that an act that fails gives it back. Raises AlreadyUsed."""
    if not token:
        return
    row, is_new = RequestToken.objects.select_for_update().get_or_create(
        requester=requester, act=act, token=token, defaults={"outcome": outcome, "used_at": now}
    )
    if is_new:
        return
    if row.used_at > now - life:
        raise AlreadyUsed(row.outcome)
    row.outcome, row.used_at = outcome, now
    row.save(update_fields=["outcome", "used_at"])
