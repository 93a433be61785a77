"""Signed tokens that bind a page to campaign, HIT, assignment and worker: authority without cookies.

The page token carries the marketplace's worker id, because nothing is stored before consent; it is sent in bodies only.
The work token, which also stands in the addresses of sheets, carries the assignment's row alone.
"""

from dataclasses import dataclass

from django.core import signing

from annotator.refusals import Refusal

PAGE_SALT = "unitscope.hit.page"
WORK_SALT = "unitscope.hit.work"
# Longer than any HIT type's time; a page left open past it is told to reload, and the work is there again.
MAX_SECONDS = 24 * 3600


class TokenExpired(Refusal):
    """The token was ours and is too old."""


class TokenForged(Exception):
    """The token was not made here, or for another page."""


@dataclass(frozen=True)
class PageClaim:
    """What the marketplace put into the address of the page."""

    public_id: str
    assignment_id: str
    worker_id: str
    submit_origin: str


@dataclass(frozen=True)
class WorkClaim:
    public_id: str
    assignment_pk: int
    submit_origin: str


def sign_page(claim: PageClaim) -> str:
    values = [claim.public_id, claim.assignment_id, claim.worker_id, claim.submit_origin]
    return signing.dumps(values, salt=PAGE_SALT)


def read_page(token: str, *, public_id: str) -> PageClaim:
    claim = PageClaim(*(str(value) for value in _load(token, salt=PAGE_SALT, n_values=4)))
    _check_page(claim.public_id, public_id)
    return claim


def sign_work(claim: WorkClaim) -> str:
    return signing.dumps([claim.public_id, claim.assignment_pk, claim.submit_origin], salt=WORK_SALT)


def read_work(token: str, *, public_id: str) -> WorkClaim:
    values = _load(token, salt=WORK_SALT, n_values=3)
    claim = WorkClaim(public_id=str(values[0]), assignment_pk=int(str(values[1])), submit_origin=str(values[2]))
    _check_page(claim.public_id, public_id)
    return claim


def sign_sheets(*, assignment_pk: int) -> str:
    return signing.dumps(assignment_pk, salt=f"{WORK_SALT}.sheets")


def read_sheets(token: str) -> int:
    try:
        return int(signing.loads(token, salt=f"{WORK_SALT}.sheets", max_age=MAX_SECONDS))
    except signing.SignatureExpired as error:
        raise TokenExpired("This page was open for too long.") from error
    except (signing.BadSignature, ValueError) as error:
        raise TokenForged("This address was not made here.") from error


def _load(token: str, *, salt: str, n_values: int) -> list[object]:
    try:
        values = signing.loads(token, salt=salt, max_age=MAX_SECONDS)
    except signing.SignatureExpired as error:
        raise TokenExpired("This page was open for too long: reload it, your work is kept.") from error
    except (signing.BadSignature, ValueError, UnicodeError) as error:
        raise TokenForged("This page's token was not made here: open the HIT again from the marketplace.") from error
    if not isinstance(values, list) or len(values) != n_values:
        raise TokenForged("This page's token was not made here: open the HIT again from the marketplace.")
    return values


def _check_page(claimed: str, public_id: str) -> None:
    if claimed != public_id:
        raise TokenForged("This page's token belongs to another HIT: open the HIT again from the marketplace.")
