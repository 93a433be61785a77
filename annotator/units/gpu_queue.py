"""The web side of the gpu queue: sends tasks by name, reads leases and signs of life."""

import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, cast

from django.conf import settings

from workers import contract
from workers.valkey import ValkeyAway, connected, send_task

logger = logging.getLogger(__name__)
LOST_AFTER = timedelta(seconds=contract.LEASE_SILENT_SECONDS)
# More tasks than GPU processes can work on at a time.
MAX_WATCHED = 10_000


@dataclass(frozen=True)
class GPUProcess:
    name: str
    device: str
    # Since its last sign of life.
    silent_seconds: float


def send(task_name: str, message: dict[str, Any]) -> None:
    """If the broker is unreachable, nothing is lost: the sweeper sends tasks again that have not begun."""
    send_task(task_name, message, queue="gpu")


def is_reachable() -> bool:
    """False if a task that is sent now would begin only later, when the broker answers."""
    try:
        with connected(settings.REDIS_URL) as client:
            return bool(client.ping())
    except ValkeyAway:
        return False


def is_empty() -> bool:
    """True if the queue is empty; False if the broker is unreachable."""
    try:
        with connected(settings.REDIS_URL) as client:
            return not client.llen("gpu")
    except ValkeyAway:
        return False


def read_progress(dissection_id: uuid.UUID, position: int) -> contract.Progress | None:
    return read_all_progress(dissection_id, [position]).get(position)


def read_all_progress(dissection_id: uuid.UUID, positions: Sequence[int]) -> dict[int, contract.Progress]:
    """The last word about each task, by its position. Empty if the broker is unreachable."""
    if not positions:
        return {}
    try:
        with connected(settings.REDIS_URL) as client:
            words = client.mget([contract.lease_key(str(dissection_id), position) for position in positions])
    except ValkeyAway:
        return {}
    return {position: contract.Progress.loads(word) for position, word in zip(positions, words, strict=True) if word}


def mark_canceled(artifact: str, *, is_canceled: bool) -> bool:
    """Tells GPU processes whether what they write to this artifact folder is wanted.

    False if the broker is unreachable: then what runs goes on to its end, and its result is passed over.
    """
    key = contract.canceled_key(artifact)
    try:
        with connected(settings.REDIS_URL) as client:
            if is_canceled:
                client.set(key, 1, ex=contract.CANCELED_SECONDS)
            else:
                client.delete(key)
    except ValkeyAway as away:
        logger.warning("The GPU processes cannot be told what is canceled. %s", away)
        return False
    return True


class Watch:
    """Since when a lease has not changed, by this process's own monotonic clock: no two machines' clocks are compared.

    What is seen for the first time counts from then on, so that a restart only prolongs the wait.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[tuple[uuid.UUID, int], tuple[contract.Progress, float]] = OrderedDict()

    def measure_silence(self, dissection_id: uuid.UUID, position: int, word: contract.Progress) -> float:
        """Seconds since `word` was first seen as this task's last word."""
        key, now = (dissection_id, position), self._clock()
        last = self._seen.get(key)
        since = last[1] if last is not None and last[0] == word else now
        self._seen[key] = (word, since)
        self._seen.move_to_end(key)
        while len(self._seen) > MAX_WATCHED:
            self._seen.popitem(last=False)
        return now - since


watch = Watch()


class Standing(Enum):
    """What became of a message that was sent to the GPU processes."""

    WAITING = auto()  # it waits, or a GPU process works on it
    SILENT = auto()  # a GPU process began and fell silent: the attempt has failed
    LOST = auto()  # nobody began and the queue is empty: a lost message is no failure


def find_standing(task_id: uuid.UUID, position: int, *, attempt: int, sent_at: datetime, now: datetime) -> Standing:
    """By the last word about the task at this position of a dissection or question."""
    began = read_progress(task_id, position)
    if began is not None and began.attempt == attempt:
        is_silent = watch.measure_silence(task_id, position, began) >= contract.LEASE_SILENT_SECONDS
        return Standing.SILENT if is_silent else Standing.WAITING
    return Standing.WAITING if now - sent_at < LOST_AFTER or not is_empty() else Standing.LOST


def list_processes() -> list[GPUProcess]:
    """The GPU processes that gave a sign of life within the last seconds. Raises ValkeyAway."""
    with connected(settings.REDIS_URL) as client:
        keys = sorted(client.scan_iter(match=f"{contract.GPU_PROCESS_KEY}*"))
        devices = client.mget(keys) if keys else []
        lives = [client.pttl(key) / 1000 for key in keys]
    prefix = len(contract.GPU_PROCESS_KEY)
    return [
        GPUProcess(key.decode()[prefix:], device.decode(), max(0.0, contract.ALIVE_SECONDS - life))
        for key, device, life in zip(cast(list[bytes], keys), cast(list[bytes], devices), lives, strict=True)
        if device
    ]
