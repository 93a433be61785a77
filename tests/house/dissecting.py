"""A dissection whose GPU tasks run in the process of the test."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from annotator.units import dissecting, gpu_queue
from annotator.units.models import Dissection
from annotator.units.registering import register_image_set, register_network
from workers import contract, tasks

TASKS = {
    contract.SURVEY: tasks.survey,
    contract.MEASURE: tasks.measure,
    contract.MERGE: tasks.merge,
    contract.CROP: tasks.crop,
    contract.FINISH: tasks.finish,
}


def dissect(images: Path, monkeypatch: pytest.MonkeyPatch, *, latest_first: bool = False, **options: Any) -> Dissection:
    """Layer 4 of the tiny network, in three shards or more. `latest_first`: of the tasks that wait, the latest is done
    first.
    """
    sent = _record(monkeypatch)
    now = timezone.now()
    network = register_network(
        name=None, architecture="tests.workers.engine.making:tiny_module", weights="", preprocessing=None, now=now
    )
    dissection = dissecting.request_dissection(
        network=network,
        image_set=register_image_set(name=None, address=str(images), is_rendered=True, now=now),
        layer_paths=["4"],
        options={"batch_size": 4, "shard_images": 4, "n_top": 5, "n_low": 1, **options},
        now=now,
    )
    _work_off(dissection, sent, -1 if latest_first else 0)
    return dissection


def work_off(dissection: Dissection, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of a dissection; tasks that were sent before and not done are lost."""
    dissection.gpu_tasks.filter(state="sent").update(state="waiting")
    _work_off(dissection, _record(monkeypatch), 0)


def _record(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: sent.append((name, message)))
    monkeypatch.setattr(tasks.app, "send_task", lambda *_, **__: None)
    return sent


def _work_off(dissection: Dissection, sent: list[tuple[str, dict[str, Any]]], place: int) -> None:
    while dissection.state in dissecting.UNFINISHED:
        while sent:
            name, message = sent.pop(place)
            TASKS[name](message)
        dissecting.advance_dissection(dissection_id=dissection.id, now=timezone.now())
        dissection.refresh_from_db()
