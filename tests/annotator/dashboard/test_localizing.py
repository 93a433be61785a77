"""The pages of localizations: their list, a report with pictures, one that was refused and one that runs."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from annotator.accounts.models import Role
from annotator.evidence.localization_report import ROWS, render_report
from annotator.evidence.models import Question
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import make_person
from workers import contract
from workers.store import open_store


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(make_person(Role.VIEWER))
    return client


def make_run(**given: Any) -> Question:
    options = {"images": "/data/images", "boxes": "/data/boxes.csv"}
    return Question.objects.create(
        kind=contract.LOCALIZE,
        architecture="torchvision:resnet18",
        weights="/data/known.safetensors",
        options=options,
        asked_at=NOW,
        **given,
    )


def make_answer() -> dict[str, Any]:
    scores = {f"{name}{end}": 60.0 for name, _ in ROWS for end in ("", "_low", "_high")}
    box = [1.0, 2.0, 30.0, 40.0]
    shown = {
        "path": "<b>.jpg",
        "class_index": 7,
        "overlap": 0.25,
        "box": box,
        "boxes": [box],
        "width": 50,
        "height": 50,
    }
    return {
        **scores, "v1_tau": 0.2, "n_images": 2, "n_off_centre": 1, "n_unreadable": 0, "head": {"layer": "layer4"},
        "network": {"weights_from": "file"}, "worst": [shown], "best": [shown], "tau_from": None, "sha256": "ab",
    }  # fmt: skip


def test_of_masks_a_report_shows_their_scores_alone(viewer: Client) -> None:
    scores = {f"{name}{end}": 41.5 for name in ("pxap", "object_share", "top1") for end in ("", "_low", "_high")}
    answer = {
        **scores, "n_images": 2, "n_unreadable": 0, "head": {"layer": "layer4"}, "sha256": "ab",
        "network": {"weights_from": "file"},
    }  # fmt: skip
    run = make_run(state="answered", answer=answer)
    Question.objects.update(options={"images": "/data/images", "masks": "/data/masks.csv"})
    listed = viewer.get("/localization/").content.decode()
    assert "masks.csv" in listed
    assert listed.count("41.5") == 1
    page = viewer.get(f"/localization/{run.pk}/").content.decode()
    assert "2 photographs, 0 unreadable; maps of layer4." in page
    assert "PxAP, average precision of the map&#x27;s pixels" in page
    assert "MaxBoxAcc" not in page
    assert "Where the box is worst" not in page
    assert "41.5 [41.5, 41.5]" in render_report(run)


def test_a_report_shows_scores_and_pictures(viewer: Client, settings: Settings, tmp_path: Any) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    run = make_run(state="answered", answer=make_answer())
    open_store(run.folder).write(contract.picture_name("worst", 0), b"a picture")
    listed = viewer.get("/localization/").content.decode()
    assert f"/localization/{run.pk}/" in listed
    assert "boxes.csv" in listed
    page = viewer.get(f"/localization/{run.pk}/").content.decode()
    assert "60.0 [60.0, 60.0]" in page
    assert "weights known.safetensors, on the photographs of boxes.csv" in page
    assert "/data/" not in page
    assert "tau 0.20 chosen on these photographs" in page
    assert "&lt;b&gt;.jpg, class 7, IoU 0.25" in page
    assert viewer.get(f"/localization/{run.pk}/worst-0.jpg").content == b"a picture"
    for absent in ("best-0", "worst-9", "other-0"):
        assert viewer.get(f"/localization/{run.pk}/{absent}.jpg").status_code == 404


def test_one_that_runs_and_one_that_was_refused_say_so(viewer: Client) -> None:
    running = make_run()
    assert "Waiting for a GPU process" in viewer.get(f"/localization/{running.pk}/").content.decode()
    refused = make_run(state="refused", refusal="The file has no boxes.")
    assert "The file has no boxes." in viewer.get(f"/localization/{refused.pk}/").content.decode()
    answer = viewer.get(f"/localization/{refused.pk}/progress", headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    other = Question.objects.create(kind=contract.HEADS, asked_at=NOW)
    assert viewer.get(f"/localization/{other.pk}/").status_code == 404
