"""A lease tells who works on what and when it last gave a sign, and outlives a broker that is away for a while."""

import os
import time
import uuid
from collections.abc import Callable

import pytest
import redis

from workers import contract, leases


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> "redis.Redis":
    monkeypatch.setattr(contract, "LEASE_EVERY_SECONDS", 0.05)
    return leases.connect(os.environ["REDIS_URL"])


def read(client: "redis.Redis", key: str) -> contract.Progress | None:
    data = client.get(key)
    return data and contract.Progress.loads(data)


def wait_for(client: "redis.Redis", key: str, fits: Callable[[contract.Progress], bool]) -> contract.Progress:
    """The first word of the lease that fits."""
    while (word := read(client, key)) is None or not fits(word):
        time.sleep(0.01)
    return word


def test_a_lease_is_renewed_with_the_newest_progress_and_says_the_end(broker: "redis.Redis") -> None:
    dissection = str(uuid.uuid4())
    key = contract.lease_key(dissection, 3)
    task = {"dissection_id": dissection, "artifact": f"file:///a/{dissection}", "position": 3, "attempt": 2}
    with leases.lease(url=os.environ["REDIS_URL"], **task) as reporter:
        reporter.begin("measure", n_total=100)
        reporter.set_done(40)
        seen = wait_for(broker, key, lambda word: word.n_done == 40)
        assert (seen.attempt, seen.stage, seen.n_total) == (2, "measure", 100)
        assert seen.process == leases.process_name()
        wait_for(broker, key, lambda word: word.beat_at > seen.beat_at)
        reporter.set_done(100)
    last = read(broker, key)
    assert last is not None
    assert last.n_done == 100
    time.sleep(3 * contract.LEASE_EVERY_SECONDS)
    assert read(broker, key) == last, "the lease falls silent with its block"


def test_a_broker_that_is_away_does_not_stop_the_work() -> None:
    nowhere = "redis://127.0.0.1:1/0"
    with leases.lease(url=nowhere, dissection_id="x", artifact="file:///a/x", position=0, attempt=1) as reporter:
        reporter.set_done(1)
    assert reporter.n_done == 1
    assert not leases.is_canceled(url=nowhere, artifact="file:///a/x")


def test_a_canceled_dissection_ends_the_task_at_its_next_word_of_progress(broker: "redis.Redis") -> None:
    url, artifact, n_done = os.environ["REDIS_URL"], f"s3://a/{uuid.uuid4()}", 0
    with leases.lease(url=url, dissection_id="x", artifact=artifact, position=0, attempt=1) as reporter:
        reporter.begin("measure", n_total=10)
        broker.set(contract.canceled_key(artifact), 1, ex=60)
        assert reporter.canceled.wait(60)
        reporter.set_done(1)
        n_done += 1
    assert n_done == 0
    assert leases.is_canceled(url=url, artifact=f"file:///elsewhere/{artifact.rpartition('/')[2]}")
