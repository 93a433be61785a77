"""Describers by command: over kept activation vectors, kept as descriptions, replaced only if that is asked."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from annotator.descriptions.models import Description
from annotator.labels.labeling import open_lexicon
from annotator.studies.concept_models import NamedColumns
from annotator.studies.describing import add_wider
from annotator.units.models import Dissection, Image
from tests.annotator.crowd.making import draw_photographs, keep_vectors, make_dissection

pytestmark = pytest.mark.django_db
N_IMAGES, N_UNITS, LOST = 100, 3, 17


@pytest.fixture
def dissection(tmp_path: Path, settings: Settings) -> Dissection:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    (tmp_path / "images").mkdir()
    made = make_dissection(tmp_path / "images", n_units=N_UNITS, n_top=2, n_low=1)
    draw_photographs(made)
    generator = np.random.default_rng(1)
    holds = generator.random((N_IMAGES, N_UNITS)) < 0.3
    values = (holds + generator.normal(size=holds.shape) / 10).astype(np.float16)
    kept = np.delete(np.arange(N_IMAGES, dtype=np.int32), LOST)
    Image.objects.filter(image_set=made.image_set, index=LOST).update(quarantine_reason="broken")
    keep_vectors(made, -values[kept], means=values[kept], images=kept)
    np.save(tmp_path / "concepts.npy", holds * 0.8 + 0.1)
    (tmp_path / "names.txt").write_text("ball\ncat\ndog\n")
    return made


def describe(kind: str, dissection: Dissection, folder: Path, *words: str) -> str:
    out = StringIO()
    call_command(
        "describe", kind, "--dissection", str(dissection.pk), "--layer", "features.3",
        "--concepts", str(folder / "concepts.npy"), "--class-names", str(folder / "names.txt"), *words, stdout=out,
    )  # fmt: skip
    return out.getvalue()


@pytest.mark.parametrize("kind", ["invert", "le-label", "soft-wpmi"])
def test_each_describer_keeps_a_description_per_unit(kind: str, dissection: Dissection, tmp_path: Path) -> None:
    told = json.loads(describe(kind, dissection, tmp_path, "--json"))
    assert [one["description"] for one in told["units"]] == ["ball", "cat", "dog"]
    kept = Description.objects.filter(method__name=told["method"]).order_by("unit__index")
    assert [one.score for one in kept] == [one["score"] for one in told["units"]]
    with pytest.raises(CommandError, match="--replace"):
        describe(kind, dissection, tmp_path)
    describe(kind, dissection, tmp_path, "--replace", "--pooled", "maximum")
    assert Description.objects.count() == N_UNITS
    describe(kind, dissection, tmp_path, "--name", "another")
    assert Description.objects.count() == 2 * N_UNITS


def test_formulas_of_a_dissection_become_descriptions(dissection: Dissection, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--compositions"):
        describe("compositions", dissection, tmp_path)
    unit = dissection.dissected_units.get(unit__index=1)
    unit.values = {"compositions": {"names": ["red-c", "dining_room-s"], "joints": ["AND NOT"], "iou": 0.25}}
    unit.save()
    describe("compositions", dissection, tmp_path)
    kept = Description.objects.get()
    assert (str(kept.method), kept.text, kept.score) == ("compositional IoU", "red AND NOT dining room", 0.25)


def test_what_cannot_be_described_keeps_nothing(dissection: Dissection, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="has no layer"):
        describe("invert", dissection, tmp_path, "--layer", "features.9")
    (tmp_path / "names.txt").write_text("ball\n")
    with pytest.raises(CommandError, match="names 1 class\\."):
        describe("invert", dissection, tmp_path)
    np.save(tmp_path / "concepts.npy", np.full((99, 1), 0.5))
    with pytest.raises(CommandError, match="99 images"):
        describe("invert", dissection, tmp_path)
    assert not Description.objects.exists()


def test_labels_grow_by_what_several_are_a_kind_of() -> None:
    holds = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    grown = add_wider(NamedColumns(holds, ["dog", "cat", "car"]), open_lexicon())
    assert list(grown.names[:3]) == ["dog", "cat", "car"]
    assert grown.values[:, list(grown.names).index("animal")].tolist() == [True, True, False, False]
