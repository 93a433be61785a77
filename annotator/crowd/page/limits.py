"""How often claimed visits may open, start and submit, per network address and per HIT.

A visit that the marketplace has confirmed is never limited. Counters lie in Valkey, shared by all processes. Where
Valkey does not answer, the bound on claimed rows of a HIT, which the database keeps, still holds.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.core.cache import cache
from redis import RedisError

from annotator.crowd.models import HIT, Assignment
from annotator.refusals import Refusal

Act = Literal["visit", "start", "submit"]
MINUTE, HOUR = 60, 3600
# (times, seconds). A classroom behind one address stays far below them.
PER_ADDRESS: dict[Act, tuple[int, int]] = {"visit": (300, MINUTE), "start": (60, MINUTE), "submit": (60, MINUTE)}
PER_HIT: dict[Act, tuple[int, int]] = {"visit": (1200, MINUTE), "start": (100, HOUR), "submit": (100, HOUR)}
# One address on one HIT, so that a few addresses cannot use up what a HIT takes of all of them.
PER_ADDRESS_AND_HIT: dict[Act, tuple[int, int]] = {"start": (20, HOUR), "submit": (30, HOUR)}


class TooMany(Refusal):
    """Too many visits of this kind came within a short time; the message says to wait."""


def check_limits(act: Act, *, hit: HIT, network: str, now: datetime) -> None:
    """Counts one act of a claimed visit. Raises TooMany."""
    most, seconds = PER_HIT["start"]
    recent = Assignment.objects.filter(hit=hit, started_at__gt=now - timedelta(seconds=seconds)).exclude(visit_key="")
    is_over = act == "start" and recent.count() >= most
    counters = [
        (f"{act}:{network}", PER_ADDRESS.get(act)),
        (f"{act}:{network}:{hit.pk}", PER_ADDRESS_AND_HIT.get(act)),
        (f"{act}:{hit.pk}", PER_HIT.get(act)),
    ]
    for name, limit in counters:
        if is_over or (limit is not None and _count(name, seconds=limit[1]) > limit[0]):
            raise TooMany("Too many visits came from your network or to this HIT. Wait a minute, then reload the page.")


def _count(name: str, *, seconds: int) -> int:
    """How many times this was counted within its window, with this time; 0 if Valkey does not answer."""
    digest = hmac.new(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256).hexdigest()
    key = f"visits:{digest}"
    try:
        return 1 if cache.add(key, 1, seconds) else cache.incr(key)
    except ValueError:  # it ran out between the two calls
        return 1
    except (RedisError, OSError):
        return 0
