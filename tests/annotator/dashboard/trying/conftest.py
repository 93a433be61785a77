"""GPU processes whose tasks run in the process of the test."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image as Picture
from pytest_django import Settings

from annotator.evidence import asking
from annotator.units import gpu_queue
from annotator.units.models import Network
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.test_pages import MAX_QUERIES
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


def posts_commit(client: Client, capture: Any) -> Client:
    """The client whose posts end in a commit: what they send to GPU processes is sent then."""
    post = client.post

    def post_and_commit(*given: Any, **named: Any) -> Any:
        with capture(execute=True):
            return post(*given, **named)

    client.post = post_and_commit  # type: ignore[method-assign]
    return client


def read(client: Client, address: str) -> str:
    """A page of few queries."""
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    assert response.status_code == 200, address
    assert len(captured) <= MAX_QUERIES, address
    return str(response.content.decode())
