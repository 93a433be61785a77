"""The signed addresses of the marketplace `links`: of a person's link, and of the place that they hold at a HIT."""

import uuid

from django.conf import settings
from django.core import signing

LINK_SALT = "unitscope.crowd.link"
PLACE_SALT = "unitscope.crowd.place"
PLACE = "place"  # the parameter of a HIT page's address


def make_link_address(public_id: uuid.UUID) -> str:
    """What is given to one person."""
    return f"{settings.HIT_PAGES_URL}/hit/link/{sign_link(public_id)}/"


def sign_link(public_id: uuid.UUID) -> str:
    return signing.Signer(salt=LINK_SALT).sign(public_id.hex)


def read_link(token: str) -> uuid.UUID | None:
    """None if the token was not made here."""
    try:
        return uuid.UUID(signing.Signer(salt=LINK_SALT).unsign(token))
    except (signing.BadSignature, ValueError):
        return None


def sign_place(external_id: str) -> str:
    return signing.Signer(salt=PLACE_SALT).sign(external_id)


def read_place(token: str) -> str | None:
    """The id of the place. None if the token was not made here."""
    try:
        return signing.Signer(salt=PLACE_SALT).unsign(token)
    except signing.BadSignature:
        return None
