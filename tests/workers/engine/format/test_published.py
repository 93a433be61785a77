"""Published formats: what is written is read back, units are one-based in the file alone, faults are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workers.engine.format import published

MANIFEST = {
    "categories": ["color", "object"],
    "labels": [{"number": 2, "name": "red-c"}, {"number": 5, "name": "car"}, {"number": 9, "name": "sky"}],
}
ARRAYS = {
    "threshold": np.zeros(2, np.float32),
    "paper_best_label": np.array([[2, 9], [-1, 5]], np.int32),
    "paper_best_iou": np.array([[1 / 11, 0.2], [0.0, 0.5]]),
    "paper_truth": np.array([60, 40, 20]),
    "paper_area": np.array([[60, 30, 30], [0, 50, 50]]),
    "paper_intersection": np.array([[10, 3, 10], [0, 30, 1]]),
}


def test_the_result_csv_is_read_back_and_counts_units_from_one() -> None:
    text = published.write_result_csv(manifest=MANIFEST, arrays=ARRAYS)
    lines = text.splitlines()
    assert lines[0].startswith(
        "unit,category,label,score,color-label,color-truth,color-activation,color-intersect,color-iou"
    )
    assert [line.split(",")[:3] for line in lines[1:]] == [["2", "object", "car"], ["1", "object", "sky"]]
    first, second = published.read_result_csv(text)
    assert (first.unit, first.label, first.score) == (1, "car", 0.5)
    assert second.categories["color"] == published.CategoryResult("red-c", 60, 60, 10, 1 / 11)
    assert first.categories["color"].label == ""


def test_decimal_counts_of_published_files_are_read() -> None:
    text = published.write_result_csv(manifest=MANIFEST, arrays=ARRAYS).replace(",50,", ",50.0,")
    assert published.read_result_csv(text)[0].categories["object"].activation == 50


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("color-truth", "color-trust", "Line 1: there is no column color-truth"),
        ("2,object", "0,object", "Line 2, column unit"),
        (",0.5\n", ",half\n", "Line 2, column object-iou: 'half'"),
        (",60,60,", ",60,60.5,", "Line 3, column color-activation"),
    ],
)
def test_faults_are_named_by_line_and_column(old: str, new: str, words: str) -> None:
    text = published.write_result_csv(manifest=MANIFEST, arrays=ARRAYS)
    assert old in text
    with pytest.raises(published.PublishedFileMalformed, match=words):
        published.read_result_csv(text.replace(old, new))


def test_thresholds_are_read_back_and_pickles_are_not() -> None:
    values = np.array([0.5, 3.25], np.float32)
    np.testing.assert_array_equal(published.read_thresholds(published.write_thresholds(values)), values)
    with pytest.raises(published.PublishedFileMalformed, match="cannot be read"):
        published.read_thresholds(np.array([object()], dtype=object).dumps())


def test_exemplars_of_milan_are_opened_and_checked(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((2, 3, 3, 8, 8), np.uint8))
    np.save(tmp_path / "masks.npy", np.ones((2, 3, 1, 8, 8), np.uint8))
    assert published.read_exemplars(tmp_path).units.tolist() == [0, 1]
    np.save(tmp_path / "units.npy", np.array([7, 4]))
    assert published.read_exemplars(tmp_path).units.tolist() == [7, 4]
    np.save(tmp_path / "units.npy", np.array([7, 7]))
    with pytest.raises(published.PublishedFileMalformed, match=r"units\.npy"):
        published.read_exemplars(tmp_path)
    np.save(tmp_path / "masks.npy", np.ones((2, 3, 8, 8), np.uint8))
    with pytest.raises(published.PublishedFileMalformed, match=r"masks\.npy"):
        published.read_exemplars(tmp_path)
    (tmp_path / "images.npy").unlink()
    with pytest.raises(published.PublishedFileMalformed, match=r"images\.npy is missing"):
        published.read_exemplars(tmp_path)
