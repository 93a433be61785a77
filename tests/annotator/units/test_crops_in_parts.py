"""Crops that several tasks cut: the artifact is the same in whatever parts; a part that fails is cut again alone."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from numpy.random import default_rng
from pytest_django import Settings

from annotator.units.dissecting import advance_all
from annotator.units.managing import retry_dissection
from annotator.units.models import Dissection, GPUTask
from annotator.units.progress import read_dissection_progress
from tests.house import dissecting
from tests.workers.engine import making
from tests.workers.engine.options import check_artifact
from workers import contract, cropping
from workers.engine.format.artifact import read_artifact, tile_name
from workers.engine.images import image_set
from workers.engine.measures.crops import parts
from workers.store import open_store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def images(tmp_path: Path, settings: Settings) -> Path:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    making.make_broden(tmp_path / "set", rng=default_rng(3), n_images=12)
    return tmp_path / "set"


def stages(dissection: Dissection) -> list[str]:
    return list(dissection.gpu_tasks.order_by("position").values_list("stage", flat=True))


def test_the_artifact_is_the_same_in_whatever_parts_crops_are_cut(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes, all_strips = set(), []
    for part_units, latest_first in ((64, False), (3, False), (5, True)):
        monkeypatch.setattr(parts, "PART_UNITS", part_units)
        dissection = dissecting.dissect(images, monkeypatch, latest_first=latest_first)
        assert dissection.state == Dissection.State.DONE, dissection.error
        store = open_store(dissection.artifact)
        artifact = read_artifact(store.read)
        check_artifact(artifact)
        hashes.add(artifact.manifest["sha256"])
        n_units = artifact.manifest["layers"][0]["n_units"]
        n_parts = -(-n_units // part_units) if n_units > part_units else 0
        assert stages(dissection).count("crop") == n_parts
        assert stages(dissection)[-1] == ("finish" if n_parts else "merge")
        assert list(store.names(contract.CROPS_FOLDER)) == []
        if n_parts:  # if the store was away when they were to be removed, a sweep removes them
            store.write(contract.DRAFT, b"{}")
            store.write(contract.cut_name(9), b"")
            advance_all(now=timezone.now())
            assert list(store.names(contract.CROPS_FOLDER)) == []
        all_strips.append({store.read(tile_name(sheet)) for sheet in artifact.layer(0)["tile_sheet"]})
        assert dissection.dissected_units.count() == n_units
    assert len(hashes) == 1
    assert all_strips[0] == all_strips[1] == all_strips[2]


def test_a_part_that_fails_is_cut_again_and_the_others_are_not(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_UNITS", 3)
    cut, asked = cropping.cut_part, []

    def failing(part: parts.Part, **others: Any) -> parts.CutPart:
        asked.append(part.source.first_unit)
        if part.source.first_unit == 3 and broken:
            raise RuntimeError("the process is out of sorts")
        return cut(part, **others)

    broken = True
    monkeypatch.setattr(cropping, "cut_part", failing)
    dissection = dissecting.dissect(images, monkeypatch)
    assert dissection.state == Dissection.State.FAILED
    assert asked.count(3) == contract.MAX_ATTEMPTS
    assert "finish" not in stages(dissection)
    broken, asked[:] = False, []
    retry_dissection(dissection, is_afresh=False, now=timezone.now())
    dissection.refresh_from_db()
    dissecting.work_off(dissection, monkeypatch)
    assert (dissection.state, dissection.error) == (Dissection.State.DONE, "")
    assert asked == [3]
    assert stages(dissection)[-1] == "finish"


def test_parts_that_one_process_cuts_decode_a_photograph_once(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_UNITS", 3)
    decode, cut, shown, decoded = image_set.decode_image, cropping.cut_part, [], []

    def cutting(part: parts.Part, **others: Any) -> parts.CutPart:
        shown.extend(part.images())
        monkeypatch.setattr(image_set, "decode_image", lambda *a, **b: decoded.append(a[0]) or decode(*a, **b))
        done = cut(part, **others)
        monkeypatch.setattr(image_set, "decode_image", decode)
        return done

    monkeypatch.setattr(cropping, "cut_part", cutting)
    dissecting.dissect(images, monkeypatch)
    assert len(decoded) == len(set(decoded)) == len(set(shown)) < len(shown)


def test_what_changed_while_crops_are_cut_is_refused(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_UNITS", 3)
    cut = cropping.cut_part

    def changing(part: parts.Part, **others: Any) -> parts.CutPart:
        path = images / "images" / sorted(one.name for one in (images / "images").iterdir())[part.images()[0]]
        path.write_bytes(path.read_bytes() + b" ")
        return cut(part, **others)

    monkeypatch.setattr(cropping, "cut_part", changing)
    dissection = dissecting.dissect(images, monkeypatch)
    assert dissection.state == Dissection.State.FAILED
    assert "changed while the dissection ran" in dissection.error


def test_progress_counts_units_of_all_parts(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_UNITS", 3)
    dissection = dissecting.dissect(images, monkeypatch)
    cuts = dissection.gpu_tasks.filter(stage=GPUTask.Stage.CROP)
    Dissection.objects.filter(pk=dissection.pk).update(state=Dissection.State.RUNNING)
    # Sent for an attempt of which no process has said anything.
    cuts.filter(n_units=3).update(state=GPUTask.State.SENT, attempts=9)
    dissection.refresh_from_db()
    seen = read_dissection_progress(dissection)
    assert (seen.stage, seen.n_done, seen.n_total) == ("crop", 2, 5)
