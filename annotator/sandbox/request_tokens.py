"""UniqueRequestToken: an act is done once in the lifetime of its token; a repeat is given the first result."""

import datetime as dt

from django.db import transaction

from annotator.sandbox.models import Requester, RequestToken
from annotator.sandbox.rules.refusals import Code, Refused

HIT = "hit"
EXTENSION = "extension"
BONUS = "bonus"


@transaction.atomic
def claim(
    requester: Requester, *, act: str, token: str | None, outcome: str, now: dt.datetime, life: dt.timedelta
) -> None:
    """Uses the token in the caller's transaction: if the act fails, the token is unused again. Raises Refused."""
    if not token:
        return
    row, is_new = RequestToken.objects.select_for_update().get_or_create(
        requester=requester, act=act, token=token, defaults={"outcome": outcome, "used_at": now}
    )
    if is_new:
        return
    if row.used_at > now - life:
        if act == HIT:
            message = f'The HIT with ID "{row.outcome}" already exists for this UniqueRequestToken.'
            raise Refused(Code.HIT_ALREADY_EXISTS, message)
        raise Refused(Code.DUPLICATE_REQUEST, f"This UniqueRequestToken was used by the request {row.outcome}.")
    row.outcome, row.used_at = outcome, now
    row.save(update_fields=["outcome", "used_at"])
