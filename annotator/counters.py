"""Counters in Valkey, shared by all processes. They bound what may pass if Valkey does not answer, and nothing else."""

from django.conf import settings
from django.core.cache import cache

from workers.valkey import ValkeyAway, asking


def count_up(name: str, *, seconds: int) -> int:
    """How many times this was counted within its window, with this time; 0 if Valkey does not answer."""
    try:
        with asking(settings.REDIS_URL):
            return 1 if cache.add(name, 1, seconds) else cache.incr(name)
    except ValueError:  # it ran out between the two calls
        return 1
    except ValkeyAway:
        return 0
