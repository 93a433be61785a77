"""Labels that were read once are not decoded again, unless the files changed; what is kept may be lost at any time."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from tests.workers.engine import making
from tests.workers.engine.options import make_options
from workers.engine import dissect
from workers.engine.images import label_maps
from workers.engine.images.contents import Contents
from workers.engine.images.image_set import ImageSet
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.images.readers.table import open_image_set
from workers.label_cache import keep_labels, load_labels


@pytest.fixture
def image_set(tmp_path: Path) -> ImageSet:
    making.make_broden(tmp_path / "set", rng=default_rng(7), n_images=12)
    (tmp_path / "set" / "images" / "005_color.png").write_bytes(b"no label map at all")
    return open_image_set(tmp_path / "set")


def labels_of(image_set: ImageSet, packed: PackedLabels | None = None) -> PackedLabels:
    labels = dissect.measure_shard(
        network=making.tiny_network(seed=1),
        layers=["4"],
        image_set=image_set,
        options=make_options(n_top=2, n_low=1, batch_size=2),
        shard=dissect.Shard(2, 12, packed=packed),
    ).labels
    assert labels is not None
    return labels


def assert_equal(one: PackedLabels | None, other: PackedLabels) -> None:
    assert one is not None
    for field in fields(PackedLabels):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), strict=True)


def digests(image_set: ImageSet, first: int = 2) -> NDArray[np.uint8]:
    contents = Contents(image_set)
    contents.read(range(first, 12))
    return contents.labels[first:12]


def load(image_set: ImageSet, folder: Path, first: int = 2) -> PackedLabels | None:
    return load_labels(
        image_set=image_set, first=first, last=12, folder=folder, contents=digests(image_set, first)
    )  # fmt: skip


def kept(image_set: ImageSet, folder: Path) -> PackedLabels:
    labels = labels_of(image_set)
    keep_labels(image_set=image_set, first=2, last=12, folder=folder, contents=digests(image_set), labels=labels)
    return labels


def test_labels_that_are_kept_are_not_decoded_again(
    image_set: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = kept(image_set, tmp_path / "kept")

    def refuse(path: Path, **sides: int) -> None:
        raise label_maps.LabelMapUnreadable(f"{path.name} is decoded again")

    monkeypatch.setattr(label_maps, "read_label_map", refuse)
    found = load(image_set, tmp_path / "kept")
    assert_equal(found, labels)
    assert_equal(labels_of(image_set, found), labels)
    assert 5 not in labels.images, "the quarantined image stays out"
    assert load(image_set, tmp_path / "kept", first=0) is None


def test_a_label_map_that_changed_or_vanished_is_read_again(image_set: ImageSet, tmp_path: Path) -> None:
    kept(image_set, tmp_path / "kept")
    path = next(path for path in image_set.list_label_files(range(2, 12)) if path.exists())
    found = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert load(image_set, tmp_path / "kept") is None, "size and time are as before, the content is not"
    data[-1] ^= 1
    path.write_bytes(data)
    assert load(image_set, tmp_path / "kept") is not None, "written again, and the same"
    path.unlink()
    assert load(image_set, tmp_path / "kept") is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_damaged_file_is_told_of_and_written_anew(
    image_set: ImageSet, tmp_path: Path, share: float, caplog: pytest.LogCaptureFixture
) -> None:
    labels = kept(image_set, tmp_path / "kept")
    (file,) = (path for path in (tmp_path / "kept").rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    assert load(image_set, tmp_path / "kept") is None
    assert "of no use" in caplog.text
    keep_labels(
        image_set=image_set, first=2, last=12, folder=tmp_path / "kept", contents=digests(image_set), labels=labels
    )
    assert_equal(load(image_set, tmp_path / "kept"), labels)


def test_a_folder_that_takes_nothing_costs_no_more_than_the_time(
    image_set: ImageSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    kept(image_set, tmp_path / "kept")
    assert "are not kept" in caplog.text
    assert load(image_set, tmp_path / "kept") is None


def test_another_label_map_makes_another_image_set(image_set: ImageSet, tmp_path: Path) -> None:
    path = next(path for path in image_set.list_label_files(range(12)) if path.exists())
    path.write_bytes(path.read_bytes() + b"more")
    assert open_image_set(tmp_path / "set").sha256 != image_set.sha256
