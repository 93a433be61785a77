"""Deciding in a real browser: a dissection from its layers to its end, and forty answers at once."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from annotator.evidence.models import Question
from annotator.units import gpu_queue
from annotator.units.models import Dissection
from annotator.work.models import Job
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.conftest import Open
from tests.annotator.dashboard.looks import told_at
from tests.annotator.dashboard.making import World, make_world

pytestmark = pytest.mark.browser
LAYERS = [
    {"path": path, "kind": kind, "n_parameters": 10, "n_units": 64, "height": 7, "width": 7, "read_as": ""}
    for path, kind in (("features", "Sequential"), ("features.0", "Conv2d"), ("features.1", "ReLU"))
]


@told_at(360, "dark")
def test_a_dissection_is_asked_for_canceled_tried_again_and_deleted(
    small_world: World, open_page: Open, monkeypatch: pytest.MonkeyPatch, width: int, scheme: str
) -> None:
    monkeypatch.setattr(gpu_queue, "send", lambda *_: None)  # no GPU process is there that could take it
    network = small_world.dissection.network
    Question.objects.create(
        kind="layers", architecture=network.architecture, weights=network.weights, code_folder=network.code_folder,
        preprocessing=network.preprocessing, state="answered", answer={"layers": LAYERS}, asked_at=NOW, answered_at=NOW,
    )  # fmt: skip
    page = open_page("/dissections/new/", width=width, scheme=scheme)
    page.get_by_text("2 parts of features").click()
    page.get_by_role("checkbox", name=re.compile("^0 64 units, 7 x 7 cells")).check()
    page.get_by_role("button", name="Send to the GPU queue").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Canceled. What was measured so far is kept")).to_be_visible()
    one = Dissection.objects.exclude(pk=small_world.dissection.pk).get()
    assert (one.layer_paths, one.state) == (["features.0"], "canceled")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Started again.")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Canceled. What was measured so far is kept")).to_be_visible()
    page.get_by_text("Delete this dissection").click()
    page.get_by_label("Delete it for good").check()
    page.get_by_role("button", name="Delete the dissection").click()
    expect(page.get_by_text("Deleted with its crops and its measures.")).to_be_visible()
    assert not Dissection.objects.filter(pk=one.pk).exists()


@told_at(1440, "light")
def test_forty_answers_are_approved_with_two_clicks(
    transactional_db: None, tmp_path: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch, width: int, scheme: str
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr("workers.app.app.send_task", lambda name, args, queue: sent.append(args))
    make_world(tmp_path, n_units=21)
    page = open_page("/campaigns/try/answers/?state=submitted", width=width, scheme=scheme)
    page.get_by_label("All 40 on this page").check()
    page.get_by_role("button", name="Approve the chosen").click()
    expect(page.get_by_text("it is being done")).to_be_visible()
    (job,) = Job.objects.all()
    assert (job.step, len(job.options["answers"])) == ("approve-chosen", 40)
    assert sent == [[job.pk]]
