"""A dissection goes out in Network Dissection's and MILAN's formats, and what was kept is what was measured."""

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from numpy.random import default_rng
from pytest_django import Settings

from annotator.units.models import TopImage
from tests.house.dissecting import dissect
from tests.workers.engine import making

pytestmark = pytest.mark.django_db(transaction=True)


def check_vectors(folder: Path, *, peaks: dict[int, tuple[float, float]]) -> None:
    maxima, means = np.load(folder / "vectors-4" / "maxima.npy"), np.load(folder / "vectors-4" / "means.npy")
    assert (maxima.dtype, maxima.shape, means.shape) == (np.float16, (12, 5), (12, 5))
    assert (means <= maxima).all()
    for unit, (low, high) in peaks.items():
        assert (maxima[:, unit].min(), maxima[:, unit].max()) == (np.float16(low), np.float16(high))
    table = pq.read_table(folder / "vectors-4.parquet").to_pydict()
    assert table["image"] == np.load(folder / "vectors-4" / "images.npy").tolist() == list(range(12))
    assert len(set(table["path"])) == 12
    np.testing.assert_array_equal(table["maxima"], maxima.astype(np.float32))
    np.testing.assert_array_equal(table["means"], means.astype(np.float32))


def test_a_dissection_is_exported(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    making.make_broden(tmp_path / "set", rng=default_rng(3), n_images=12)
    dissection = dissect(tmp_path / "set", monkeypatch, exemplars=2, activation_vectors=True)
    call_command("export", dissection=str(dissection.id), out=tmp_path / "out")
    with (tmp_path / "out" / "netdissect-4.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["unit"] for row in rows} <= {"1", "2", "3", "4", "5"}, "one-based"
    assert [float(row["score"]) for row in rows] == sorted((float(row["score"]) for row in rows), reverse=True)
    kept = {f"{label.unit.index + 1}": label for label in dissection.automatic_labels.filter(is_best=True)}
    assert {row["unit"]: row["label"] for row in rows} == {unit: label.label for unit, label in kept.items()}
    units = dissection.dissected_units.order_by("unit__index")
    thresholds = np.load(tmp_path / "out" / "thresholds-4.npy")
    assert thresholds.tolist() == [unit.threshold for unit in units]

    folder = tmp_path / "out" / "exemplars-4"
    images, masks, numbers = (np.load(folder / f"{name}.npy") for name in ("images", "masks", "units"))
    assert (images.dtype, images.shape) == (np.uint8, (5, 2, 3, 32, 32))
    assert (masks.dtype, masks.shape) == (np.bool_, (5, 2, 1, 32, 32))
    assert numbers.tolist() == [0, 1, 2, 3, 4]
    for unit in units:
        for row in TopImage.objects.filter(dissected_unit=unit, rank__lt=2).select_related("image"):
            assert images[unit.unit.index, row.rank].any()
            assert masks[unit.unit.index, row.rank].any() == (row.peak > unit.threshold)

    check_vectors(tmp_path / "out", peaks={unit.unit.index: (unit.peak_low, unit.peak_high) for unit in units})
    with pytest.raises(CommandError, match="not an empty folder"):
        call_command("export", dissection=str(dissection.id), out=tmp_path / "out")
    with pytest.raises(CommandError, match="either a campaign"):
        call_command("export", "some", dissection=str(dissection.id), out=tmp_path / "other")
