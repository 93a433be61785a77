"""The signed addresses of the marketplace `links`: of a person's link, and of the place that they hold at a HIT.

And the cookie by which the browser is known that may use them.
"""

import hashlib
import uuid
from collections.abc import Mapping

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext_noop

LINK_SALT = "unitscope.crowd.link"
PLACE_SALT = "unitscope.crowd.place"
PLACE = "place"  # the parameter of a HIT page's address

COOKIE = "unitscope_link"
COOKIE_PATH = "/hit/"  # the pages of links, HIT pages, and the address that an answer is handed to
WITHDRAWN = gettext_noop("This link was withdrawn by the requester.")
OTHER_BROWSER = gettext_noop(
    "This link was started in another browser. Each link is for one person: please go on in that browser, or ask "
    "whoever gave you the link to open it again."
)
# Said where a HIT is done: the cookie of an earlier version reaches the pages of links alone.
NO_COOKIE = gettext_noop("Please open your own link again in this browser and go on there.")


def hash_browser(cookies: Mapping[str, str]) -> str:
    """What a link keeps of the browser that started it; empty if the browser has started none."""
    secret = cookies.get(COOKIE, "")
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest() if secret else ""


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
