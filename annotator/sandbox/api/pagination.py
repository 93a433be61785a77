"""NextToken: a signed start of the next page; a token of another list or account, or an old one, is refused."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet

from annotator.sandbox.rules.refusals import bad_parameter

Row = TypeVar("Row", bound=Model)

DEFAULT_SIZE = 10


@dataclass(frozen=True)
class Page:
    """How many rows are wanted, and after which row."""

    about: str
    size: int
    after: int | None
    now: dt.datetime


def read_page(values: dict[str, Any], *, about: str, now: dt.datetime, life: dt.timedelta) -> Page:
    """`about` names the operation, the account and what is listed; a token is valid for that list only."""
    size, token = values.get("MaxResults", DEFAULT_SIZE), values.get("NextToken")
    if token is None:
        return Page(about, size, None, now)
    try:
        after, made_at = signing.Signer(salt=about).unsign_object(token)
    except (signing.BadSignature, ValueError):
        raise bad_parameter("NextToken is not one of this list's.") from None
    if now.timestamp() - made_at > life.total_seconds():
        raise bad_parameter("NextToken has expired; begin the list again.")
    return Page(about, size, after, now)


def take(
    rows: QuerySet[Row], page: Page, *, is_newest_first: bool = False, by: str = ""
) -> tuple[list[Row], dict[str, Any]]:
    """One page and its members NumResults and NextToken. The order is that of the rows' ids, or of the field `by` and
    then of the ids.

    As at Amazon, every page that has rows carries a token, the last one too; an empty page has none. Clients rely on
    both.
    """
    if page.after is not None and by:
        last = rows.model._default_manager.filter(pk=page.after).values_list(by, flat=True).first()
        rows = rows.filter(Q(**{f"{by}__gt": last}) | Q(**{by: last, "id__gt": page.after}))
    elif page.after is not None:
        rows = rows.filter(**{"id__lt" if is_newest_first else "id__gt": page.after})
    order = ["-id"] if is_newest_first else [by, "id"] if by else ["id"]
    shown = list(rows.order_by(*order)[: page.size])
    return shown, count(page, len(shown), last=shown[-1].pk if shown else 0)


def count(page: Page, n_shown: int, *, last: int) -> dict[str, Any]:
    """NumResults and, if the page is not empty, the NextToken after the row `last`."""
    return {"NumResults": n_shown, "NextToken": seal(page, last) if n_shown else None}


def seal(page: Page, last: int) -> str:
    return signing.Signer(salt=page.about).sign_object([last, int(page.now.timestamp())])
