"""A dissection is driven by what the database and the store hold; messages may be lost, doubled or late."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from annotator.units import dissecting, gpu_queue
from annotator.units.models import Dissection, GPUTask, ImageSet, Network
from workers import contract
from workers.store import open_store

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Broker:
    """What was sent, and the leases a GPU process would write; the real queue is met in the flows."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.leases: dict[int, contract.Progress] = {}
        self.empty = True
        # Of the web queue's machine, in seconds.
        self.clock = 0.0

    def beat(self, position: int, *, attempt: int, at: datetime) -> None:
        """`at` is what the clock of the GPU process's machine shows."""
        self.leases[position] = contract.Progress(attempt, "measure", 1, 2, 0.0, at.timestamp(), "host:1")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: broker.sent.append((name, message)))
    monkeypatch.setattr(gpu_queue, "is_empty", lambda: broker.empty)
    monkeypatch.setattr(gpu_queue, "watch", gpu_queue.Watch(clock=lambda: broker.clock))
    monkeypatch.setattr(gpu_queue, "read_progress", lambda _, position: broker.leases.get(position))
    return broker


@pytest.fixture
def dissection(
    db: None, broker: Broker, tmp_path: Path, settings: Settings, django_capture_on_commit_callbacks: Any
) -> Dissection:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    network = Network.objects.create(name="n", architecture="torchvision:alexnet", registered_at=NOW)
    image_set = ImageSet.objects.create(name="i", address="/images", registered_at=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        return dissecting.request_dissection(
            network=network, image_set=image_set, layer_paths=["features.10"], options={"shard_images": 70}, now=NOW
        )


@pytest.fixture
def advance(dissection: Dissection, django_capture_on_commit_callbacks: Any) -> Callable[[datetime], None]:
    def run(now: datetime) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            dissecting.advance_dissection(dissection_id=dissection.id, now=now)

    return run


def store_result(dissection: Dissection, position: int, **result: Any) -> None:
    open_store(dissection.artifact).write(contract.result_name(position), json.dumps(result).encode())


def test_the_survey_is_sent_once_and_cuts_shards_at_batch_boundaries(
    dissection: Dissection, broker: Broker, advance: Callable[[datetime], None]
) -> None:
    advance(NOW)
    advance(NOW + timedelta(seconds=1))
    assert [name for name, _ in broker.sent] == [contract.SURVEY]
    store_result(dissection, 0, n_images=150, batch_size=32)
    advance(NOW + timedelta(seconds=2))
    measured = [message for name, message in broker.sent if name == contract.MEASURE]
    assert [(m["first_image"], m["end_image"]) for m in measured] == [(0, 64), (64, 128), (128, 150)]


def test_the_merge_waits_for_every_shard_and_names_their_tallies(
    dissection: Dissection, broker: Broker, advance: Callable[[datetime], None]
) -> None:
    store_result(dissection, 0, n_images=100, batch_size=32)
    advance(NOW)
    store_result(dissection, 1)
    advance(NOW)
    assert contract.MERGE not in [name for name, _ in broker.sent]
    store_result(dissection, 2)
    advance(NOW)
    name, message = broker.sent[-1]
    assert name == contract.MERGE
    assert message["shards"] == [contract.tally_name(1), contract.tally_name(2)]


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=-45), timedelta(hours=1)])
def test_a_silent_lease_sends_the_task_again_and_the_third_loss_poisons_it(
    dissection: Dissection, broker: Broker, advance: Callable[[datetime], None], ahead: timedelta
) -> None:
    """Whatever the clock of the GPU process's machine shows."""
    now = NOW
    for attempt in (1, 2, 3):
        broker.beat(0, attempt=attempt, at=now + ahead)
        for seconds in (0, 29):
            broker.clock = (now - NOW).total_seconds() + seconds
            advance(now + timedelta(seconds=seconds))
            assert len(broker.sent) == attempt
        now += timedelta(seconds=31)
        broker.clock = (now - NOW).total_seconds()
        advance(now)
    dissection.refresh_from_db()
    assert len(broker.sent) == 3
    assert "lost 3 times" in dissection.gpu_tasks.get().error
    advance(now)
    dissection.refresh_from_db()
    assert dissection.state == Dissection.State.FAILED
    assert "lost 3 times" in dissection.error


@pytest.mark.parametrize("ahead", [timedelta(seconds=-45), timedelta(hours=-3), timedelta(hours=1)])
def test_a_lease_that_changes_is_alive_whatever_its_clock_and_ours_show(
    dissection: Dissection, broker: Broker, advance: Callable[[datetime], None], ahead: timedelta
) -> None:
    for seconds in range(0, 300, 20):
        broker.clock = float(seconds)
        broker.beat(0, attempt=1, at=NOW + timedelta(seconds=seconds) + ahead)
        jumped = timedelta(days=1) if seconds > 100 else timedelta(0)
        advance(NOW + timedelta(seconds=seconds) + jumped)
    assert len(broker.sent) == 1


def test_a_message_that_the_broker_lost_is_sent_again_without_counting(
    dissection: Dissection, broker: Broker, advance: Callable[[datetime], None]
) -> None:
    broker.empty = False
    advance(NOW + timedelta(minutes=5))
    assert len(broker.sent) == 1, "it may still wait behind others"
    broker.empty = True
    for minute in range(1, 6):
        advance(NOW + timedelta(minutes=minute * 10))
    assert len(broker.sent) == 6
    assert dissection.gpu_tasks.get().attempts == 1


def test_an_attempt_that_failed_is_repeated_and_keeps_its_reason(
    dissection: Dissection, broker: Broker, advance: Callable[[datetime], None]
) -> None:
    for attempt in (1, 2, 3):
        open_store(dissection.artifact).write(contract.failure_name(0, attempt), b"CUDA went away.")
        advance(NOW)
    advance(NOW)
    dissection.refresh_from_db()
    assert dissection.state == Dissection.State.FAILED
    assert dissection.error == "CUDA went away."
    assert len(broker.sent) == 3


def test_a_result_with_an_error_fails_at_once_in_its_own_words(
    dissection: Dissection, broker: Broker, advance: Callable[[datetime], None]
) -> None:
    store_result(dissection, 0, error="There is no layer 'conv9'; the layers are: features.0, features.3.")
    advance(NOW)
    dissection.refresh_from_db()
    assert dissection.state == Dissection.State.FAILED
    assert "features.3" in dissection.error
    assert dissection.gpu_tasks.get().state == GPUTask.State.POISONED


def test_a_message_is_plain_json_of_this_version(dissection: Dissection, broker: Broker) -> None:
    message = json.loads(json.dumps(broker.sent[0][1]))
    request = contract.TaskRequest.from_json(message)
    assert request.dissection.dissection_id == str(dissection.id)
    message["dissection"]["version"] = 99
    with pytest.raises(contract.ContractMismatch, match="99"):
        contract.TaskRequest.from_json(message)
