"""What goes wrong under way, from request to ingested artifact: full disks, failing shards, too little memory.

The tasks run in this process, in the order in which they were sent; database, store and leases are the real ones.
"""

import errno
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from django.utils import timezone
from numpy.random import default_rng
from pytest_django import Settings

from annotator.units import dissecting, gpu_queue
from annotator.units.models import Dissection, GPUTask
from annotator.units.progress import read_dissection_progress
from annotator.units.registering import register_image_set, register_network
from tests.workers.engine import making
from workers import contract, tasks, workplaces
from workers.engine import dissect
from workers.store import open_store

TASKS = {
    contract.SURVEY: tasks.survey,
    contract.MEASURE: tasks.measure,
    contract.MERGE: tasks.merge,
    contract.CROP: tasks.crop,
    contract.FINISH: tasks.finish,
}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: sent.append((name, message)))
    # What earlier tests left in the real queue is none of these tests' tasks.
    monkeypatch.setattr(gpu_queue, "is_empty", lambda: not sent)
    monkeypatch.setattr(tasks.app, "send_task", lambda *_, **__: None)
    return sent


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("broden") / "set"
    making.make_broden(root, rng=default_rng(3), n_images=12)
    return root


@pytest.fixture
def request_one(images: Path) -> Callable[..., Dissection]:
    def request(**options: Any) -> Dissection:
        now = timezone.now()
        return dissecting.request_dissection(
            network=register_network(
                name="tiny",
                architecture="tests.workers.engine.making:tiny_module",
                weights="",
                preprocessing=None,
                now=now,
            ),
            image_set=register_image_set(name="set", address=str(images), is_rendered=True, now=now),
            layer_paths=["4"],
            options={"batch_size": 4, "shard_images": 4, "n_top": 5, "n_low": 1, "chance": False, **options},
            now=now,
        )

    return request


@pytest.fixture
def work_off(queue: list[tuple[str, dict[str, Any]]]) -> Callable[[Dissection], Dissection]:
    def run(dissection: Dissection) -> Dissection:
        while dissection.state in dissecting.UNFINISHED:
            while queue:
                name, message = queue.pop(0)
                TASKS[name](message)
            dissecting.advance_dissection(dissection_id=dissection.id, now=timezone.now())
            dissection.refresh_from_db()
        return dissection

    return run


Request, WorkOff = Callable[..., Dissection], Callable[[Dissection], Dissection]


def test_a_shard_that_fails_three_times_is_poisoned_and_the_rest_are_measured(
    request_one: Request, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, tried = dissect.measure_shard, []

    def failing(**asked: Any) -> Any:
        tried.append(asked["shard"].first)
        if asked["shard"].first == 4:
            raise RuntimeError("this shard never works")
        return measure(**asked)

    monkeypatch.setattr(dissect, "measure_shard", failing)
    dissection = work_off(request_one())
    assert dissection.state == Dissection.State.FAILED
    assert dissection.error == "RuntimeError: this shard never works"
    assert sorted(tried) == [0, 4, 4, 4, 8]
    states = dict(dissection.gpu_tasks.filter(stage="measure").values_list("first_image", "state"))
    assert states == {0: GPUTask.State.DONE, 4: GPUTask.State.POISONED, 8: GPUTask.State.DONE}


def test_a_full_disk_pauses_says_so_and_resumes(
    request_one: Request, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = work_off(request_one())
    fsync, said = os.fsync, []
    dissection = request_one()

    def full(descriptor: int) -> None:
        # Space is found again as soon as somebody has read that it is missing.
        if any("No space is left" in stage for stage in said):
            return fsync(descriptor)
        raise OSError(errno.ENOSPC, "No space left on device")

    def wait(_: float) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (said and said[-1].startswith(contract.PAUSED)):
            said.append(read_dissection_progress(dissection).stage)

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(contract, "LEASE_EVERY_SECONDS", 0.05)
    dissection = work_off(dissection)
    assert said[-1].startswith("paused: No space is left for contents.npz in file://")
    assert dissection.state == Dissection.State.DONE
    assert dissection.artifact_sha256 == undisturbed.artifact_sha256
    assert set(dissection.gpu_tasks.values_list("attempts", flat=True)) == {1}, "a pause is no failure"


@pytest.mark.parametrize("stage", ["measure", "merge"])
def test_a_full_cache_disk_pauses_as_long_as_it_takes_says_so_and_resumes(
    request_one: Request, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    undisturbed = work_off(request_one())
    make, said, pauses = workplaces._make_locked, [], []
    dissection = request_one(spill=True)

    def full(place: Path) -> tuple[Path, int]:
        running = dissection.gpu_tasks.filter(state=GPUTask.State.SENT).values_list("stage", flat=True)
        if stage in running and len(pauses) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return make(place)

    def wait(_: float) -> None:
        pauses.append(1)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (said and said[-1].startswith(contract.PAUSED)):
            said.append(read_dissection_progress(dissection).stage)

    monkeypatch.setattr(workplaces, "_make_locked", full)
    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(contract, "LEASE_EVERY_SECONDS", 0.05)
    dissection = work_off(dissection)
    assert len(pauses) == 10
    assert said[-1].startswith("paused: No space left on device in ")
    assert dissection.state == Dissection.State.DONE
    assert dissection.artifact_sha256 == undisturbed.artifact_sha256
    assert set(dissection.gpu_tasks.values_list("attempts", flat=True)) == {1}, "a pause is no failure"


def test_too_little_memory_halves_the_batch_goes_on_and_is_recorded(
    request_one: Request, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = torch.nn.Conv2d.forward

    def greedy(self: torch.nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 2 and x.device.type != "meta":
            raise torch.OutOfMemoryError("no memory for more than two images")
        return forward(self, x)

    monkeypatch.setattr(torch.nn.Conv2d, "forward", greedy)
    dissection = work_off(request_one())
    assert dissection.state == Dissection.State.DONE
    assert dissection.environment["halvings"] == 3, "once in each shard"
    assert dissection.environment["batch_size"] == 4


def test_shards_and_spilled_cells_leave_the_hash_alone(request_one: Request, work_off: WorkOff) -> None:
    ways = [{}, {"spill": True}, {"shard_images": 12}, {"shard_images": 8, "spill": True}]
    found = {work_off(request_one(**way)).artifact_sha256 for way in ways}
    assert len(found) == 1


def test_a_shard_lost_with_its_process_is_measured_again(request_one: Request, work_off: WorkOff, queue: Any) -> None:
    dissection = request_one()
    name, message = queue.pop(0)
    TASKS[name](message)
    dissecting.advance_dissection(dissection_id=dissection.id, now=timezone.now())
    lost = queue.pop(1)
    while queue:
        name, message = queue.pop(0)
        TASKS[name](message)
    late = timezone.now() + timedelta(minutes=2)
    dissecting.advance_dissection(dissection_id=dissection.id, now=late)
    assert [message["first_image"] for _, message in queue] == [lost[1]["first_image"]]
    dissection.refresh_from_db()
    assert work_off(dissection).state == Dissection.State.DONE
    measured = [n for n in open_store(dissection.artifact).names("shards") if "tally" in n]
    assert len(measured) == 3
