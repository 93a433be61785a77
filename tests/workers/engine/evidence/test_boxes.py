"""Boxes from class maps: the authors' golden boxes, and maps that have none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from workers.engine.evidence.boxes import METHODS, box_gray, box_paper
from workers.engine.evidence.runs import list_runs, pick_largest


def test_the_authors_boxes_are_reproduced(shared: Path) -> None:
    with Image.open(shared / "data" / "golden" / "heatmap_6.jpg") as picture:
        gray = np.asarray(picture.convert("L")).astype(np.float32)
    found = [(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in box_gray(gray).boxes]
    assert found == [(41, 145, 362, 202), (102, 188, 242, 126)]


def test_the_box_is_around_the_largest_connected_part_over_a_fifth() -> None:
    values = np.zeros((20, 30), dtype=np.float32)
    values[2:5, 3:6] = 10  # the maximum
    values[8:15, 10:22] = 2.5  # larger, and over a fifth
    values[15, 22] = 2.5  # touches at a corner
    values[0, 29] = 1.9
    assert box_paper(values).boxes == ((10, 8, 23, 16),)
    assert box_paper(values).note == ""


def test_the_largest_part_is_that_of_labeled_pixels() -> None:
    """Masks of many parts and of few, parts of equal size among them."""
    rng = np.random.default_rng(6)
    for number in range(300):
        values = rng.random(rng.integers(1, 25, size=2))
        values = ndimage.uniform_filter(values, 3) if number % 2 else values
        over = values > float(np.quantile(values, rng.random()))
        if not over.any():
            continue
        parts, _ = ndimage.label(over, np.ones((3, 3)))
        rows, columns = np.nonzero(parts == 1 + np.bincount(parts.ravel())[1:].argmax())
        found = pick_largest(list_runs(over.astype(np.float64), 0.5)).enclose()
        assert found == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, -3.0, 3.0])
def test_a_map_of_one_value_has_no_box_but_the_whole_image(method: str, value: float) -> None:
    boxed = METHODS[method](np.full((12, 17), value, dtype=np.float32))
    assert boxed.boxes == ((0, 0, 17, 12),)
    assert boxed.note.endswith(".")


@pytest.mark.parametrize("method", METHODS)
def test_boxes_lie_in_the_image_and_hold_the_maximum(method: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        height, width = rng.integers(1, 60, size=2)
        values = rng.normal(size=(height, width)).cumsum(axis=0).cumsum(axis=1).astype(np.float32)
        for x0, y0, x1, y1 in METHODS[method](values).boxes:
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height


def test_the_authors_draw_what_is_positive_and_clip_at_the_right_and_at_the_bottom() -> None:
    values = np.full((60, 80), -50, dtype=np.float32)
    values[:, :70] = 0  # black, but gray if the least value were black
    values[20:40, 20:40] = 100
    assert METHODS["authors"](values).boxes[0] == (20, 20, 40, 40)
    gray = np.full((60, 80), 200, dtype=np.float32)
    assert box_gray(gray).boxes[0] == (0, 0, 75, 55)


def test_a_hole_has_a_box_of_its_own() -> None:
    gray = np.zeros((60, 60), dtype=np.float32)
    gray[10:50, 10:50] = 255
    gray[25:35, 25:35] = 0
    boxes = box_gray(gray).boxes
    assert boxes[0][2] - boxes[0][0] >= 36
    assert any(box[0] > 20 and box[2] < 40 for box in boxes)
