"""How often claimed visits may open, start and submit, per network address and per HIT.

A visit that the marketplace has confirmed is never limited. Counters lie in Valkey, shared by all processes. Where
Valkey does not answer, the bound on claimed rows of a HIT, which the database keeps, still holds.
"""

import hashlib
import hmac
import math
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.utils.translation import gettext, ngettext

from annotator.counters import count_up
from annotator.crowd.models import HIT, Assignment
from annotator.refusals import Refusal

Act = Literal["visit", "start"]
MINUTE, HOUR = 60, 3600
# (times, seconds). A classroom behind one address stays far below them.
PER_ADDRESS: dict[Act, tuple[int, int]] = {"visit": (300, MINUTE), "start": (60, MINUTE)}
PER_HIT: dict[Act, tuple[int, int]] = {"visit": (1200, MINUTE), "start": (400, HOUR)}
# One address on one HIT. It takes forty addresses to use up what a HIT takes of all of them.
PER_ADDRESS_AND_HIT: dict[Act, tuple[int, int]] = {"visit": (30, MINUTE), "start": (10, HOUR)}
# A row is stored once, and starts are limited, so that a HIT needs no limit of its own: what is refused uses up nothing
# of anybody else's.
SUBMITS_PER_ADDRESS, SUBMITS_PER_ROW = (120, MINUTE), (30, MINUTE)


class TooMany(Refusal):
    """Too many visits of this kind came within a short time; the message says how long to wait."""


def check_limits(act: Act, *, hit: HIT, network: str, now: datetime) -> None:
    """Counts one act of a claimed visit. Raises TooMany. What an address has too much is not counted on the HIT."""
    if act == "start":
        _check_rows(hit, now=now)
    _check(f"{act}:{network}", PER_ADDRESS[act], now=now)
    _check(f"{act}:{network}:{hit.pk}", PER_ADDRESS_AND_HIT[act], now=now)
    _check(f"{act}:{hit.pk}", PER_HIT[act], now=now)


def check_submit_limits(*, assignment: Assignment, network: str, now: datetime) -> None:
    """Counts one submission of a claimed visit's work. Raises TooMany."""
    _check(f"submit:{network}", SUBMITS_PER_ADDRESS, now=now)
    _check(f"submit:row:{assignment.pk}", SUBMITS_PER_ROW, now=now)


def _check_rows(hit: HIT, *, now: datetime) -> None:
    """The bound that the database keeps: the claimed rows of a HIT within the last hour."""
    most, seconds = PER_HIT["start"]
    window = timedelta(seconds=seconds)
    recent = Assignment.objects.filter(hit=hit, started_at__gt=now - window).exclude(visit_key="")
    times = recent.order_by("-started_at").values_list("started_at", flat=True)
    if len(newest := list(times[:most])) >= most and newest[-1] is not None:
        raise _explain((newest[-1] + window - now).total_seconds())


def _check(name: str, limit: tuple[int, int], *, now: datetime) -> None:
    """Windows begin at whole multiples of their length, so that the wait is known."""
    most, seconds = limit
    number, within = divmod(now.timestamp(), seconds)
    if _count(f"{name}:{number:.0f}", seconds=seconds) > most:
        raise _explain(seconds - within)


def _explain(seconds: float) -> TooMany:
    if seconds <= MINUTE:
        n = math.ceil(seconds)
        wait = ngettext("{n} second", "{n} seconds", n)
    else:
        n = math.ceil(seconds / MINUTE)
        wait = ngettext("{n} minute", "{n} minutes", n)
    sentence = gettext("Too many visits came from your network or to this HIT. You can go on in {wait}.")
    return TooMany(sentence.format(wait=wait.format(n=n)))


def _count(name: str, *, seconds: int) -> int:
    """How many times this was counted within its window, with this time; 0 if Valkey does not answer."""
    digest = hmac.new(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256).hexdigest()
    return count_up(f"visits:{digest}", seconds=seconds)
