"""Before a dissection is asked for: about what it takes, told from an earlier one of the same network."""

import json
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from annotator.accounts.models import Role
from annotator.units.estimating import UNKNOWN, estimate_dissection
from annotator.units.models import Dissection, ImageSet, Network
from tests.annotator.dashboard.making import sign_in
from workers import contract
from workers.store import open_store

pytestmark = pytest.mark.django_db
NEED = {"in_memory": 30_000_000, "spilled": 1, "files": 0, "files_spilled": 0, "spills": False}


@pytest.fixture
def asked(tmp_path: Path, settings: Settings) -> dict[str, object]:
    """A network, and a set of 3,000 images, three times as many as its dissection had."""
    settings.ARTIFACT_ROOT = f"file://{tmp_path}"
    now = timezone.now()
    network = Network.objects.create(name="n", architecture="torchvision:alexnet", registered_at=now)
    small, large = (
        ImageSet.objects.create(name=f"of {n}", address="/nowhere", n_images=n, registered_at=now) for n in (1000, 3000)
    )
    Dissection.objects.create(
        network=network, image_set=small, layer_paths=["features.3"], state="done", n_images=1000, artifact_name="a",
        seconds_by_stage={"decode": 10.0, "pass": 20.0, "measure": 15.0, "tiles": 8.0}, created_at=now,
    )  # fmt: skip
    return {"network": network, "image_set": large, "layer_paths": ["features.3"]}


def keep_survey(tmp_path: Path, **more: object) -> None:
    memory = {"measure": {**NEED, "stored": 5_000_000}, "merge": {**NEED, "stored": 2_000_000}}
    survey = {"memory": memory, **more}
    open_store(f"file://{tmp_path}/a").write(contract.result_name(0), json.dumps(survey).encode())


def test_time_and_disk_grow_with_the_images_but_not_those_of_crops(asked: dict[str, object], tmp_path: Path) -> None:
    keep_survey(tmp_path)
    said = estimate_dissection(**asked)  # type: ignore[arg-type]
    assert said.startswith("About 98 s of computing and 17 MB of disk for 3,000 images"), said
    assert "on of 1000 with 1,000 images" in said
    assert "Its layers were" not in said
    assert estimate_dissection(**{**asked, "layer_paths": ["classifier.1"]}).endswith(  # type: ignore[arg-type]
        "Its layers were features.3."
    )


def test_what_cannot_be_told_is_said(asked: dict[str, object]) -> None:
    assert "MB" not in estimate_dissection(**asked), "the survey is gone"  # type: ignore[arg-type]
    uncounted = ImageSet.objects.create(name="new", address="/x", registered_at=timezone.now())
    assert "not counted yet" in estimate_dissection(**{**asked, "image_set": uncounted})  # type: ignore[arg-type]
    Dissection.objects.update(is_baseline=True)
    assert estimate_dissection(**asked) == UNKNOWN  # type: ignore[arg-type]


def test_the_form_estimates_without_asking_for_anything(asked: dict[str, object], tmp_path: Path) -> None:
    keep_survey(tmp_path)
    client = sign_in(Role.RESEARCHER)
    given = {"network": Network.objects.get().pk, "image_set": ImageSet.objects.get(n_images=3000).pk}
    page = reverse("dissect")
    sent = {**given, "layers": "features.3", "iou_modes": "paper", "segment": "upsampled", "estimate": "1"}
    said = client.post(page, sent).content.decode()
    assert "About 98 s of computing and 17 MB of disk" in said
    assert Dissection.objects.count() == 1


def test_the_page_of_one_that_runs_shows_what_its_survey_estimated(asked: dict[str, object], tmp_path: Path) -> None:
    keep_survey(tmp_path, seconds_of_pass=300.0)
    Dissection.objects.update(state="running")
    client, running = sign_in(Role.VIEWER), Dissection.objects.get()
    for page in ("dissection", "dissection-progress"):
        said = client.get(reverse(page, args=[running.pk])).content.decode()
        assert "measure: at most 30 MB of memory" in said
        assert "Results and shards: about 7 MB. The pass: about 5 min in one process" in said
