"""Signs of life: which GPU processes answer, when they were last heard of, and what waits in the queues."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.test import Client

from annotator.dashboard.frame.stages import say_stage
from annotator.dashboard.home.pages import read_machines
from workers import contract

KEY = f"{contract.GPU_PROCESS_KEY}test@here"


@pytest.fixture
def broker() -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        yield client
        client.delete(KEY)


def test_a_process_is_seen_with_its_last_sign_of_life(broker: "redis.Redis", db: None, viewer: Client) -> None:
    def beat_four_seconds_ago() -> None:
        broker.set(KEY, "NVIDIA H100", px=int((contract.ALIVE_SECONDS - 4) * 1000))

    beat_four_seconds_ago()
    machines = read_machines()
    (one,) = [process for process in machines.processes if process.name == "test@here"]
    assert (machines.is_reachable, one.device) == (True, "NVIDIA H100")
    assert 4 <= one.silent_seconds + 0.001 < contract.ALIVE_SECONDS  # Valkey counts whole milliseconds
    beat_four_seconds_ago()
    page = viewer.get("/live").content.decode()
    assert "NVIDIA H100" in page
    (seconds,) = re.findall(r"seen (\d+) s ago", page)
    assert 4 <= int(seconds) < contract.ALIVE_SECONDS
    broker.delete(KEY)
    assert "test@here" not in [process.name for process in read_machines().processes]


def test_who_waits_is_told_whether_a_process_is_there(broker: "redis.Redis") -> None:
    for key in broker.scan_iter(f"{contract.GPU_PROCESS_KEY}*"):
        broker.delete(key)
    assert "None is running" in say_stage(None)
    broker.set(KEY, "cpu", px=10_000)
    assert say_stage(None) == "waiting for a GPU process"


def test_a_broker_that_does_not_answer_is_told_and_hurts_no_page(db: None, viewer: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert not read_machines().is_reachable
    assert "The queue does not answer" in say_stage(None)
    assert "the queue is unreachable" in viewer.get("/").content.decode()
