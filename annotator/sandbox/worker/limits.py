"""How often one network may try to sign up or in, and one person may write. Counters lie in Valkey (counters.py)."""

from django.http import HttpRequest
from django.utils.translation import gettext_noop

from annotator.client_address import find_client_network
from annotator.counters import count_up
from annotator.sandbox.rules.refusals import Code, Refused

HOUR = 3600
# A class signs up behind one address.
SIGN_UPS_PER_HOUR, WRONG_KEYS_PER_HOUR = 120, 60
MESSAGES_PER_HOUR, REPORTS_PER_HOUR = 30, 20
TOO_MANY = gettext_noop("That was too often within an hour. Please try again later.")


def check_network(request: HttpRequest, act: str, *, most: int) -> None:
    """Raises Refused if this network did it more than `most` times within an hour or so."""
    _check(f"sandbox:{act}:{find_client_network(request)}", most=most)


def check_person(person_id: int, act: str, *, most: int) -> None:
    """As `check_network`, for one person."""
    _check(f"sandbox:{act}:person-{person_id}", most=most)


def _check(name: str, *, most: int) -> None:
    if count_up(name, seconds=HOUR) > most:
        raise Refused(Code.WORKER_NOT_ELIGIBLE, TOO_MANY)
