"""GPU processes whose tasks run in the process of the test."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture
from pytest_django import Settings

from annotator.evidence import asking
from annotator.units import gpu_queue
from annotator.units.models import Network
from tests.annotator.crowd.making import NOW
from workers import answering, tasks

Run = Callable[[], None]


@pytest.fixture
def run(db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Does what was sent to the GPU processes."""
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: sent.append(message))
    monkeypatch.setattr(answering.app, "send_task", lambda *_, **__: None)

    def work() -> None:
        while sent:
            tasks.answer(sent.pop(0))
        asking.advance_all(now=NOW)

    return work


@pytest.fixture
def network(db: None) -> Network:
    """Six units and small pictures: it predicts nothing sensible, quickly."""
    return Network.objects.create(
        name="small", architecture="tests.workers.engine.making:headed_module", registered_at=NOW
    )


def photograph(size: tuple[int, int] = (90, 60), kind: str = "JPEG", mode: str = "RGB", **options: Any) -> bytes:
    """A gray gradient as a file."""
    encoded = io.BytesIO()
    Picture.radial_gradient("L").resize(size).convert(mode).save(encoded, kind, **options)
    return encoded.getvalue()
