"""Signed tokens that bind a page to campaign, HIT, assignment and worker: authority without cookies.

The page token carries the marketplace's worker id, because nothing is stored before consent; it is sent in bodies only.
The work token, which also stands in the addresses of sheets, carries the assignment's row alone.
"""

from django.core import signing

from annotator.crowd.marketplaces.marketplace import Visit
from annotator.refusals import Refusal

PAGE_SALT = "unitscope.hit.page"
WORK_SALT = "unitscope.hit.work"
# Longer than any HIT type's time; a page left open past it is told to reload, and the work is there again.
MAX_SECONDS = 24 * 3600
# How long the marketplace's word at the opening of the page is good for a start. The HIT may be returned meanwhile.
CONFIRMED_SECONDS = 15 * 60


class TokenExpired(Refusal):
    """The token was ours and is too old."""


class TokenForged(Exception):
    """The token was not made here, or for another page."""


def sign_page(visit: Visit, *, public_id: str) -> str:
    values = [public_id, visit.assignment_id, visit.worker_id, visit.submit_origin, visit.is_confirmed]
    return signing.dumps(values, salt=PAGE_SALT)


def read_page(token: str, *, public_id: str) -> Visit:
    """What the address of the page said, and whether the marketplace had confirmed it a short time ago.

    Raises TokenExpired if it was confirmed, but too long ago: opening the page again asks again.
    """
    *texts, is_confirmed = _load(token, salt=PAGE_SALT, n_values=5, public_id=public_id)
    if is_confirmed is True:
        _load(token, salt=PAGE_SALT, n_values=5, public_id=public_id, max_seconds=CONFIRMED_SECONDS)
    assignment_id, worker_id, submit_origin = map(str, texts)
    return Visit(
        is_preview=False,
        assignment_id=assignment_id,
        worker_id=worker_id,
        submit_origin=submit_origin,
        is_confirmed=is_confirmed is True,
    )


def sign_work(*, public_id: str, assignment_pk: int, submit_origin: str) -> str:
    return signing.dumps([public_id, assignment_pk, submit_origin], salt=WORK_SALT)


def read_work(token: str, *, public_id: str) -> tuple[int, str]:
    """The assignment's row id, and the origin to submit to."""
    assignment_pk, submit_origin = _load(token, salt=WORK_SALT, n_values=3, public_id=public_id)
    return int(str(assignment_pk)), str(submit_origin)


def sign_sheets(*, assignment_pk: int) -> str:
    return signing.dumps(assignment_pk, salt=f"{WORK_SALT}.sheets")


def read_sheets(token: str) -> int:
    try:
        return int(signing.loads(token, salt=f"{WORK_SALT}.sheets", max_age=MAX_SECONDS))
    except signing.SignatureExpired as error:
        raise TokenExpired("This page was open for too long.") from error
    except (signing.BadSignature, ValueError) as error:
        raise TokenForged("This address was not made here.") from error


def _load(token: str, *, salt: str, n_values: int, public_id: str, max_seconds: int = 0) -> list[object]:
    """The values that were signed for the page of this HIT. `max_seconds`: 0 means MAX_SECONDS."""
    try:
        values = signing.loads(token, salt=salt, max_age=max_seconds or MAX_SECONDS)
    except signing.SignatureExpired as error:
        raise TokenExpired("This page was open for too long: reload it, your work is kept.") from error
    except (signing.BadSignature, ValueError, UnicodeError) as error:
        raise TokenForged("This page's token was not made here: open the HIT again from the marketplace.") from error
    if not isinstance(values, list) or len(values) != n_values:
        raise TokenForged("This page's token was not made here: open the HIT again from the marketplace.")
    if str(values[0]) != public_id:
        raise TokenForged("This page's token belongs to another HIT: open the HIT again from the marketplace.")
    return values[1:]
