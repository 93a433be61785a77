"""How both halves reach Valkey: within seconds or not at all. It carries hints, so nobody's work waits for it.

After a failure a process asks the same server nothing more for a moment: each of its threads would wait as long again.
"""

import contextlib
import logging
import time
from collections.abc import Iterator
from typing import Any

import redis
from kombu.exceptions import OperationalError

from workers.app import app
from workers.config import VALKEY_OPTIONS

logger = logging.getLogger(__name__)
AWAY_SECONDS = 5.0
# By the server's address: until when, by this process's monotonic clock, it is not asked.
_away_until: dict[str, float] = {}


class ValkeyAway(Exception):
    """Valkey does not answer, or did not a moment ago. Whoever asks goes on without it."""


@contextlib.contextmanager
def asking(url: str) -> Iterator[None]:
    """For a block that asks the server at this address. Raises ValkeyAway instead of the libraries' errors."""
    if time.monotonic() < _away_until.get(url, 0.0):
        raise ValkeyAway("Valkey did not answer a moment ago.")
    try:
        yield
    except (redis.RedisError, OperationalError, OSError) as error:
        _away_until[url] = time.monotonic() + AWAY_SECONDS
        raise ValkeyAway(f"Valkey does not answer ({error}).") from error


@contextlib.contextmanager
def connected(url: str) -> Iterator["redis.Redis"]:
    """A client for a few commands. Raises ValkeyAway."""
    with asking(url), redis.Redis.from_url(url, **VALKEY_OPTIONS) as client:
        yield client


def send_task(name: str, *arguments: Any, queue: str) -> bool:
    """False if the queue does not take the task: what the database holds is found and sent by a sweeper later."""
    try:
        with asking(app.conf.broker_url):
            app.send_task(name, args=list(arguments), queue=queue)
    except ValkeyAway as away:
        logger.warning("The task %s is sent later. %s", name, away)
        return False
    return True
