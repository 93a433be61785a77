"""A dissection whose GPU tasks run in the process of the test."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from annotator.units import dissecting, gpu_queue
from annotator.units.models import Dissection
from annotator.units.registering import register_image_set, register_network
from workers import contract, tasks

TASKS = {contract.SURVEY: tasks.survey, contract.MEASURE: tasks.measure, contract.MERGE: tasks.merge}


def dissect(images: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Dissection:
    """Layer 4 of the tiny network, in three shards or more."""
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: sent.append((name, message)))
    monkeypatch.setattr(tasks.app, "send_task", lambda *_, **__: None)
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
    while dissection.state in dissecting.UNFINISHED:
        while sent:
            name, message = sent.pop(0)
            TASKS[name](message)
        dissecting.advance_dissection(dissection_id=dissection.id, now=timezone.now())
        dissection.refresh_from_db()
    return dissection
