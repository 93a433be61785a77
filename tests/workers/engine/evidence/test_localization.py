"""Scores of boxes and maps against slow references, and files of boxes, good and bad."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from tests.workers.engine.making import tiny_network
from workers.engine.evidence.box_files.boxed_images import BoxedImage, BoxesInvalid, demand_photographs
from workers.engine.evidence.box_files.table import read_boxes
from workers.engine.evidence.localization import (
    N_TAUS,
    V2_OVERLAPS,
    Outcomes,
    center_box,
    choose_taus,
    finds,
    judge,
    overlap,
    pack_curves,
    score,
    sweep,
)
from workers.localizing import show_extremes

Values = NDArray[np.float64]
HEADER = "image,class_index,wnid,width,height,x0,y0,x1,y1\n"


def slow_overlap(box: tuple[float, ...], truth: Values) -> float:
    """ILSVRC's IoU with the box counted pixel by pixel: first and last pixel belong to a box."""
    best = 0.0
    for other in truth:
        left, top, right, bottom = box[0], box[1], box[2] - 1, box[3] - 1
        width = min(right, other[2]) - max(left, other[0]) + 1
        height = min(bottom, other[3]) - max(top, other[1]) + 1
        both = max(width, 0) * max(height, 0)
        areas = (right - left + 1) * (bottom - top + 1) + (other[2] - other[0] + 1) * (other[3] - other[1] + 1)
        best = max(best, both / (areas - both))
    return best


def slow_sweep(values: Values, truth: Values) -> tuple[list[bool], list[list[bool]]]:
    gray = np.floor((values - values.min()) / (values.max() - values.min()) * 255)
    v1, v2 = [], []
    for threshold in range(N_TAUS):
        parts, n_parts = ndimage.label(gray > threshold, np.ones((3, 3)))
        boxes = []
        for part in range(1, n_parts + 1):
            rows, columns = np.nonzero(parts == part)
            height, width = gray.shape
            box = (columns.min(), rows.min(), min(columns.max() + 2, width), min(rows.max() + 2, height))
            boxes.append((len(rows), slow_overlap(box, truth)))
        largest = max(boxes, key=lambda one: one[0])[1] if boxes else 0.0
        v1.append(largest >= 0.5)
        v2.append([bool(boxes) and max(one[1] for one in boxes) >= enough for enough in V2_OVERLAPS])
    return v1, [list(one) for one in zip(*v2, strict=True)]


def test_thresholds_are_swept_as_slowly_written_down() -> None:
    rng = np.random.default_rng(4)
    for _ in range(4):
        values = ndimage.gaussian_filter(rng.normal(size=(26, 26)), 2.5)
        truth = np.array([[3.0, 4.5, 15.0, 18.0], [12.0, 2.0, 25.0, 11.0]])
        v1, v2 = judge(sweep(values), truth)
        slow_v1, slow_v2 = slow_sweep(values, truth)
        assert v1.tolist() == slow_v1
        assert v2.tolist() == slow_v2


def test_overlaps_are_ilsvrcs() -> None:
    rng = np.random.default_rng(6)
    starts = rng.integers(0, 20, size=(50, 2))
    boxes = np.concatenate([starts, starts + rng.integers(1, 20, size=(50, 2))], axis=1).astype(float)
    truth = np.array([[3.0, 5.0, 17.0, 20.0], [10.5, 0.0, 30.0, 9.5]])
    assert overlap(boxes, truth) == pytest.approx([slow_overlap(tuple(box), truth) for box in boxes])
    assert finds((3, 5, 18, 21), truth, enough=1.0)


def test_a_map_of_one_value_gives_the_whole_image_at_every_threshold() -> None:
    v1, v2 = judge(sweep(np.ones((10, 10))), np.array([[0.0, 0.0, 9.0, 5.0]]))
    assert v1.all()
    assert v2.all(axis=1).tolist() == [True, True, False]


def make_outcomes(n: int, *, seed: int = 1) -> Outcomes:
    rng = np.random.default_rng(seed)

    def flags(*shape: int) -> NDArray[np.bool_]:
        return rng.random((n, *shape)) < 0.6

    return Outcomes(
        *[flags() for _ in range(8)], pack_curves(flags(N_TAUS)), pack_curves(flags(3, N_TAUS)),
        pack_curves(flags(3, N_TAUS)),
        np.zeros((n, 4), np.int16), rng.random(n).astype(np.float32),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("overlaps", "worst", "best"),
    [([0.5, 0.9, 0.1, 0.9, 0.9], "201", "34"), ([0.5] * 4, "01", "23"), ([0.2], "0", "")],
)
def test_of_photographs_that_are_equally_good_the_first_of_the_set_come_first(
    overlaps: list[float], worst: str, best: str
) -> None:
    n, box = len(overlaps), np.array([[0.0, 0.0, 9.0, 9.0]])
    images = [BoxedImage(path=str(i), class_index=0, width=10, height=10, boxes=box) for i in range(n)]
    outcomes = replace(make_outcomes(n), overlap=np.array(overlaps, dtype=np.float32))
    found = show_extremes(images, outcomes, tiny_network())
    assert {side: "".join(one["path"] for one in shown) for side, shown in found.items()} == {
        "worst": worst, "best": best,
    }  # fmt: skip


def test_scores_are_percentages_with_intervals_around_them() -> None:
    outcomes = make_outcomes(60)
    v1, v2 = (np.unpackbits(curves, axis=-1) for curves in (outcomes.v1, outcomes.v2))
    found = score(outcomes)
    assert found["top1"].estimate.value == pytest.approx(100 * outcomes.top1.mean())
    assert found["v1"].estimate.value == pytest.approx(100 * v1.mean(axis=0).max())
    assert found["v1"].taus == (v1.mean(axis=0).argmax() / (N_TAUS - 1),)
    assert found["v2"].estimate.value == pytest.approx(100 * v2.mean(axis=0).max(axis=1).mean())
    assert found["off_centre_gt_known"].estimate.value == pytest.approx(
        100 * outcomes.gt_known[~outcomes.center_box].mean()
    )
    for name, one in found.items():
        low, high = one.estimate.low, one.estimate.high
        assert low is not None, name
        assert high is not None, name
        assert low < high, name


def test_thresholds_of_other_photographs_score_what_they_find_here() -> None:
    outcomes, others = make_outcomes(60), make_outcomes(45, seed=2)
    chosen = choose_taus(others)
    assert chosen.v1 == (int(np.unpackbits(others.v1, axis=-1).mean(axis=0).argmax()),)
    found = score(outcomes, chosen=chosen)
    v1, v2 = (np.unpackbits(curves, axis=-1).mean(axis=0) for curves in (outcomes.v1, outcomes.v2))
    assert found["v1"].estimate.value == pytest.approx(100 * v1[chosen.v1[0]])
    assert found["v1"].taus == (chosen.v1[0] / (N_TAUS - 1),)
    assert found["v2"].estimate.value == pytest.approx(
        100 * np.mean([v2[place, tau] for place, tau in enumerate(chosen.v2)])
    )
    best = score(outcomes)
    assert (best["v1"].estimate.value or 0) > (found["v1"].estimate.value or 0)
    assert found["gt_known"] == best["gt_known"]


def test_without_off_center_photographs_their_score_is_none() -> None:
    outcomes = make_outcomes(5)
    outcomes.center_box[:] = True
    assert score(outcomes)["off_centre_gt_known"].estimate.value is None


def test_the_center_box_covers_four_fifths_of_the_side() -> None:
    assert center_box(100) == (10, 10, 90, 90)


def test_files_of_boxes_are_read_alike(tmp_path: Path) -> None:
    table = tmp_path / "boxes.csv"
    rows = "b.jpg,1,n,200,100,10,20,110,70\na.jpg,0,n,50,50,0,0,50,50\nb.jpg,1,n,200,100,0,0,20,20\n"
    table.write_text("\ufeff" + HEADER + rows, encoding="utf-8")
    stated = {
        "images": [
            {"id": 5, "file_name": "b.jpg", "width": 200, "height": 100},
            {"id": 6, "file_name": "a.jpg", "width": 50, "height": 50},
            {"id": 7, "file_name": "two.jpg", "width": 50, "height": 50},
        ],
        "categories": [{"id": 90, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 90, "bbox": [10, 20, 100, 50]},
            {"id": 2, "image_id": 6, "category_id": 3, "bbox": [0, 0, 50, 50]},
            {"id": 3, "image_id": 5, "category_id": 90, "bbox": [0, 0, 20, 20]},
            {"id": 4, "image_id": 7, "category_id": 3, "bbox": [0, 0, 20, 20]},
            {"id": 5, "image_id": 7, "category_id": 90, "bbox": [0, 0, 20, 20]},
        ],
    }
    (tmp_path / "coco.json").write_text(json.dumps(stated))
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "localization.txt").write_text("b.jpg,10,20,110,70\na.jpg,0,0,50,50\nb.jpg,0,0,20,20\n")
    (lists / "class_labels.txt").write_text("a.jpg,0\nb.jpg,1\n")
    (lists / "image_sizes.txt").write_text("a.jpg,50,50\nb.jpg,200,100\n")
    for path in (table, tmp_path / "coco.json", lists, lists / "localization.txt"):
        first, second = read_boxes(path)
        assert (first.path, first.class_index, second.path, second.class_index) == ("a.jpg", 0, "b.jpg", 1)
        assert second.boxes.tolist() == [[10, 20, 110, 70], [0, 0, 20, 20]]
        assert second.boxes_in(100).tolist() == [[5, 20, 55, 70], [0, 0, 10, 20]]


def write_xml(path: Path, objects: list[tuple[str, tuple[int, ...]]], *, size: tuple[int, int] = (200, 100)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    told = "".join(
        f"<object><name>{name}</name><bndbox><ymax>{box[3]}</ymax><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>"
        f"<xmax>{box[2]}</xmax></bndbox></object>"
        for name, box in objects
    )
    path.write_text(
        f"<annotation><folder>x</folder><size><width>{size[0]}</width><height>{size[1]}</height></size>{told}"
        "</annotation>"
    )


def test_ilsvrcs_annotations_give_classes_in_the_order_of_their_ids(tmp_path: Path) -> None:
    folder = tmp_path / "Annotations" / "CLS-LOC"
    write_xml(folder / "val" / "v_2.xml", [("n02000002", (10, 20, 110, 70)), ("n02000002", (0, 0, 20, 20))])
    write_xml(folder / "n02000001" / "t.xml", [("n02000001", (0, 0, 50, 50))])
    write_xml(folder / "val" / "both.xml", [("n02000001", (0, 0, 5, 5)), ("n02000002", (0, 0, 5, 5))])
    write_xml(folder / "val" / "none.xml", [])
    with pytest.raises(BoxesInvalid, match=r"has boxes of 2 classes: put LOC_synset_mapping\.txt beside them"):
        read_boxes(folder)
    (tmp_path / "LOC_synset_mapping.txt").write_text("n01000000 tench\nn02000002 a dog, hound\nn02000001 cat\n")
    first, second = read_boxes(folder)
    assert (first.path, first.class_index) == ("n02000001/t.JPEG", 1)
    assert (second.path, second.class_index) == ("val/v_2.JPEG", 2)
    assert second.boxes_in(100).tolist() == [[5, 20, 55, 70], [0, 0, 10, 20]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<annotation>", "a.xml is not XML"),
        ("<annotation/>", "a.xml has no size/width"),
        ('<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', "is not a file of boxes"),
        ("\ud800", "is not XML"),
    ],
)
def test_a_bad_annotation_is_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "a.xml").write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(BoxesInvalid, match=words):
        read_boxes(tmp_path)


def test_a_box_of_an_annotation_lies_in_its_photograph_and_its_class_in_the_list(tmp_path: Path) -> None:
    (tmp_path / "synsets.txt").write_text("n02000001\n")
    for name, box, words in (
        ("n02000001", (0, 0, 300, 50), r"a\.xml: the box 0 0 300 50 does not lie in"),
        ("n02000009", (0, 0, 30, 50), r"a\.xml: 'n02000009' is not in the list"),
    ):
        write_xml(tmp_path / "a.xml", [(name, box)])
        with pytest.raises(BoxesInvalid, match=words):
            read_boxes(tmp_path)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a.jpg,0,n,50,50,10,10,61,20", r"line 2: the box 10 10 61 20 does not lie in a photograph of 50 x 50"),
        ("a.jpg,0,n,50,50,-9,10,20,20", "does not lie in"),
        ("a.jpg,0,n,50,50,20,10,20,20", "the box 20 10 20 20 has no width"),
        ("a.jpg,0,n,50,50,10,20,20,20", "has no height"),
        ("a.jpg,0,n,50,50,nan,10,20,20", "not a finite number"),
        ("a.jpg,0,n,50,50,x,10,20,20", "'x' is not a number"),
        ("a.jpg,dog,n,50,50,1,10,20,20", "'dog' is not a class index"),
        ("../a.jpg,0,n,50,50,1,10,20,20", "not a file below"),
        ("a.jpg,0,n,50,50,1", "ends before its last column"),
        ("a.jpg,0,n,50,50,1,1,2,2\na.jpg,1,n,50,50,1,1,2,2", "line 3: a.jpg has another class"),
        ("", "has no boxes"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: str, words: str) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(HEADER + rows + "\n")
    with pytest.raises(BoxesInvalid, match=words):
        read_boxes(path)


def test_other_files_and_missing_photographs_are_refused(tmp_path: Path) -> None:
    for name, content in {
        "words.txt": "boxes", "no.json": "[1", "other.json": "{}", "deep.json": "[" * 100_000,
        "plain.csv": "a,b\n1,2\n", "bytes.csv": "\udcff",
    }.items():  # fmt: skip
        path = tmp_path / name
        path.write_bytes(content.encode(errors="surrogateescape"))
        with pytest.raises(BoxesInvalid):
            read_boxes(path)
    with pytest.raises(BoxesInvalid, match="no file of boxes"):
        read_boxes(tmp_path / "absent.csv")
    good = tmp_path / "boxes.csv"
    good.write_text(HEADER + "a.jpg,0,n,50,50,1,1,9,9\nb.jpg,0,n,50,50,1,1,9,9\n")
    (tmp_path / "a.jpg").touch()
    with pytest.raises(BoxesInvalid, match=r"1 photograph is not in .*, the first of them b\.jpg"):
        demand_photographs(read_boxes(good), tmp_path)


def test_what_the_machine_cannot_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "boxes" / "deep" / "x.xml").mkdir(parents=True)
    (tmp_path / "rows.csv").mkdir()
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "a.xml").symlink_to("nowhere")
    for name, words in (("boxes", "x.xml cannot be"), ("rows.csv", "rows.csv cannot be"), ("gone", "a.xml cannot be")):
        with pytest.raises(BoxesInvalid, match=words):
            read_boxes(tmp_path / name)
    with pytest.raises(BoxesInvalid, match=r"no file of boxes|cannot be read"):
        read_boxes(tmp_path / ("a" * 400))
    good = tmp_path / "boxes.csv"
    good.write_text(HEADER + f"{'a' * 400}.jpg,0,n,50,50,1,1,9,9\n")
    with pytest.raises(BoxesInvalid, match="1 photograph is not in"):
        demand_photographs(read_boxes(good), tmp_path)
