"""A folder of images that changed: a version of its own, each image recorded with its digest.

The tasks run in this process, as a GPU process that lives on does; database, store and leases are the real ones.
"""

import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng
from PIL import Image as Picture

from annotator.units.models import Dissection, Image, ImageSet
from annotator.units.sources import CannotRegister
from tests.annotator.units.bench import Bench
from workers import contract, job
from workers.store import open_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queue")]


def add(images: Path) -> None:
    Picture.new("RGB", (32, 32), "red").save(images / "zz.png")


def remove(images: Path) -> None:
    (images / "003.png").unlink()


def replace_one(images: Path) -> None:
    """Another picture of the same size in bytes, under the same name, with the same times."""
    path = images / "003.png"
    times, data = path.stat(), (images / "004.png").read_bytes()
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Bitmaps, which are all of one size."""
    folder = tmp_path / "plain"
    folder.mkdir()
    for i in range(8):
        pixels = default_rng(i).integers(0, 256, (32, 32, 3)).astype(np.uint8)
        Picture.fromarray(pixels).save(folder / f"{i:03}.png", "BMP")
    return folder


@pytest.mark.parametrize("change", [add, remove, replace_one])
def test_a_folder_that_changed_is_a_new_version_of_the_image_set(
    bench: Bench, plain: Path, change: Callable[[Path], None]
) -> None:
    first = bench.dissect(plain)
    assert first.state == Dissection.State.DONE, first.error
    change(plain)
    second = bench.dissect(plain)
    assert second.state == Dissection.State.DONE, second.error
    assert (first.image_set.name, second.image_set.name) == ("plain", "plain-2")
    assert first.image_set.content_sha256 != second.image_set.content_sha256
    assert bench.dissect(plain).image_set == second.image_set
    assert [one.images.count() for one in ImageSet.objects.order_by("id")] == [8, second.n_images]


def test_other_labels_of_the_same_images_are_another_image_set(bench: Bench, plain: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in plain.iterdir())
    table = tmp_path / "labels.csv"
    table.write_text("image,label\n" + "".join(f"{name},dog\n" for name in names))
    without, first = bench.dissect(plain), bench.dissect(plain, labels=table)
    assert (without.image_set.has_labels, first.image_set.has_labels) == (False, True)
    assert {one.label for one in first.automatic_labels.all()} == {"dog"}
    table.write_text("image,label\n" + "".join(f"{name},cat\n" for name in names))
    second, none = bench.dissect(plain, labels=table), bench.dissect(plain, labels="none")
    assert len({one.image_set for one in (without, first, second, none)}) == 4
    assert {one.label for one in first.automatic_labels.all()} == {"dog"}, "what was measured before stays"
    with pytest.raises(CannotRegister, match=r"There is no file or folder of labels at gone.json"):
        bench.ask(plain, labels="gone.json")


@pytest.mark.parametrize("change", [add, remove, replace_one])
def test_a_folder_that_changes_during_a_dissection_is_noticed(
    bench: Bench, plain: Path, change: Callable[[Path], None]
) -> None:
    dissection = bench.step(bench.ask(plain))
    change(plain)
    if change is add:
        # This process has listed the folder; one that has not would see the file.
        job._open_images.cache_clear()
    bench.run(dissection)
    assert dissection.state == Dissection.State.FAILED
    assert "changed while the dissection ran" in dissection.error


def test_each_image_is_recorded_with_its_digest(bench: Bench, plain: Path) -> None:
    bench.dissect(plain)
    for image in Image.objects.all():
        assert image.sha256 == sha256((plain / image.path).read_bytes()).hexdigest()


def test_names_that_cannot_be_written_are_passed_over_at_the_survey(bench: Bench, plain: Path) -> None:
    shutil.copy(plain / "001.png", os.fsencode(plain) + b"/latin\xe9.png")
    (plain / "a.heic").write_bytes(b"?")
    dissection = bench.dissect(plain)
    assert dissection.state == Dissection.State.DONE, dissection.error
    assert dissection.n_images == 8
    assert [(one["reason"], one["examples"]) for one in dissection.passed_over] == [
        ("ending .heic, which is not read", ["a.heic"]),
        ("name that is not UTF-8", [r"latin\xe9.png"]),
    ]


def test_old_surveys_and_image_sets_without_digests_go_on(bench: Bench, plain: Path) -> None:
    """An image set of before is known by names and sizes; it takes the first digest that is found."""
    first = bench.dissect(plain)
    ImageSet.objects.update(content_sha256="")
    Image.objects.update(sha256="")
    assert bench.dissect(plain).image_set == first.image_set
    assert not Image.objects.filter(sha256="").exists()
    # A survey by the release before says nothing of tensors.
    dissection = bench.step(bench.ask(plain))
    store = open_store(dissection.artifact)
    result = json.loads(store.read(contract.result_name(0)))
    del result["network"]
    store.write(contract.result_name(0), json.dumps(result).encode())
    assert bench.run(dissection).state == Dissection.State.DONE, dissection.error
