"""A GPU process's sign of life: one lease for each task it works on, one key for the process itself."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import redis

from workers import contract
from workers.config import VALKEY_OPTIONS

KEPT_SECONDS = 86_400


def process_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def connect(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, **VALKEY_OPTIONS)


class Canceled(BaseException):
    """Nobody wants the task's result any more. No failure: what catches failures lets it pass."""


@dataclass
class Reporter:
    """Holds the newest progress; a thread of its own writes it, so that a long batch does not look like death.

    The same thread learns that the dissection was canceled; then the next word of progress raises Canceled.
    """

    stage: str = "starting"
    n_done: int = 0
    n_total: int = 0
    started_at: float = field(default_factory=time.time)
    canceled: threading.Event = field(default_factory=threading.Event)

    def begin(self, stage: str, *, n_total: int) -> None:
        self.demand_wanted()
        self.stage, self.n_done, self.n_total, self.started_at = stage, 0, n_total, time.time()

    def set_done(self, n_done: int) -> None:
        self.demand_wanted()
        self.n_done = n_done

    def demand_wanted(self) -> None:
        """Raises Canceled."""
        if self.canceled.is_set():
            raise Canceled

    def describe(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "canceled"}


@contextlib.contextmanager
def lease(*, url: str, dissection_id: str, artifact: str, position: int, attempt: int) -> Iterator[Reporter]:
    """Renews the task's lease every few seconds until the block ends; Canceled ends it without an error."""
    reporter, key = Reporter(), contract.lease_key(dissection_id, position)

    def beat(client: "redis.Redis") -> None:
        word = contract.Progress(**reporter.describe(), attempt=attempt, beat_at=time.time(), process=process_name())
        client.set(key, word.dumps(), ex=KEPT_SECONDS)
        if client.exists(contract.canceled_key(artifact)):
            reporter.canceled.set()

    with contextlib.suppress(Canceled), repeated(url=url, act=beat):
        yield reporter


def is_canceled(*, url: str, artifact: str) -> bool:
    """False also if the broker is unreachable: then the work goes on, and its result is passed over."""
    try:
        with connect(url) as client:
            return bool(client.exists(contract.canceled_key(artifact)))
    except redis.RedisError:
        return False


@contextlib.contextmanager
def repeated(*, url: str, act: Callable[["redis.Redis"], object]) -> Iterator[None]:
    """Calls `act` now, every few seconds, and once more at the end; a broker that is away for a while is no failure."""
    ended = threading.Event()

    def run() -> None:
        with connect(url) as client:
            while True:
                last = ended.is_set()
                with contextlib.suppress(redis.RedisError):
                    act(client)
                if last:
                    return
                ended.wait(contract.LEASE_EVERY_SECONDS)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=10)
