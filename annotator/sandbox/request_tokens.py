"""UniqueRequestToken: an act is done once in the lifetime of its token; a repeat is given the first result."""

import datetime as dt

from django.db import transaction

from annotator.sandbox.models import Requester, RequestToken

HIT = "hit"
EXTENSION = "extension"
BONUS = "bonus"


class AlreadyUsed(Exception):
    """The token was used; `outcome` is the result of the first use."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@transaction.atomic
def claim(
    requester: Requester, *, act: str, token: str | None, outcome: str, now: dt.datetime, life: dt.timedelta
) -> None:
    """Uses the token in the caller's transaction: if the act fails, the token is unused again. Raises AlreadyUsed."""
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
