"""Fixtures of dissections whose tasks run in this process."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from annotator.units import gpu_queue
from tests.annotator.units.bench import Bench
from workers import tasks


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: sent.append((name, message)))
    monkeypatch.setattr(tasks.app, "send_task", lambda *_, **__: None)
    return sent


@pytest.fixture
def bench(queue: list[tuple[str, dict[str, Any]]]) -> Bench:
    return Bench(queue)
