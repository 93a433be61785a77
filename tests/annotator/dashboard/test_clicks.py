"""Clicks and keys of everyday jobs, counted by the page itself, are those that docs/researchers.md tells."""

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from annotator.units import gpu_queue
from tests.annotator.crowd.making import make_campaign
from tests.annotator.dashboard.conftest import Open
from tests.annotator.dashboard.making import make_world
from tools import clicks

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_twelve_jobs_take_as_few_steps_as_the_docs_say_and_no_more_than_elsewhere(
    transactional_db: None,
    tmp_path: Path,
    open_page: Open,
    live_server: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    settings.WEB_URL = live_server.url
    monkeypatch.setattr(gpu_queue, "send", lambda *_: None)  # no GPU process is there that could take it
    monkeypatch.setattr("workers.app.app.send_task", lambda *_, **__: None)
    world = make_world(tmp_path, n_units=21)
    make_campaign(world.dissection, name="draft")
    page = open_page("/units/")
    page.context.add_init_script(clicks.COUNTING)
    counted = clicks.measure(page, live_server.url)
    # Plain values: with several processes, reports travel between them.
    record_property("clicks", {job: list(astuple(one)) for job, one in counted.items()})
    worse = {job.name: counted[job.name] for job in clicks.JOBS if counted[job.name].total() > (job.peer_steps or 99)}
    assert worse == {}
    assert clicks.read_table() == clicks.write_table(counted), "run python -m tools.clicks"
