"""Files of labels as annotation programs, spreadsheets and scripts export them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.workers.engine.images.label_files import SQUARE, photo, write_coco, write_masks
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers.table import open_image_set


def count(image_set: ImageSet, number: int, *, index: int = 0) -> int:
    """Pixels of a label in one label map of an image, by its runs."""
    runs = image_set.read_labels(index)
    ends = np.append(runs.run_start[1:], runs.height * runs.width)
    return int((ends - runs.run_start)[runs.run_label == number].sum())


@pytest.mark.parametrize("ids", [("1", 1, 3, "3"), (1.0, "1", "3", 3), ("1", 1.0, 3.0, "3"), ("a7", "a7", 3, 3)])
def test_ids_may_be_texts_or_have_a_point(tmp_path: Path, ids: tuple[Any, ...]) -> None:
    image, of_annotation, category, used = ids
    write_coco(
        tmp_path,
        images=[{"id": image, "file_name": "a.png", "height": 8, "width": 8}],
        categories=[{"id": category, "name": " dog\n"}],
        annotation={"image_id": of_annotation, "category_id": used},
    )
    image_set = open_image_set(tmp_path)
    assert [one.name for one in image_set.labels.labels] == ["dog"]
    assert count(image_set, 3) == 16


@pytest.mark.parametrize("size", [{}, {"height": None, "width": None}, {"height": 0, "width": 0}])
def test_a_size_that_is_not_stated_is_the_photographs(tmp_path: Path, size: dict[str, Any]) -> None:
    write_coco(tmp_path)
    stated = open_image_set(tmp_path)
    write_coco(tmp_path, images=[{"id": 1, "file_name": "a.png", **size}])
    image_set = open_image_set(tmp_path)
    assert count(image_set, 3) == count(stated, 3) == 16
    assert image_set.find_map_size is not None
    assert image_set.find_map_size(0) == (8, 8)
    assert image_set.sha256 != stated.sha256
    (tmp_path / "a.png").write_bytes(b"?")
    with pytest.raises(LabelMapUnreadable, match="the size of the photograph cannot be read"):
        image_set.read_labels(0)


@pytest.mark.parametrize(
    "region",
    [
        {"segmentation": [], "bbox": [8, 0, 4, 4]}, {"segmentation": [], "bbox": [-4, 1, 4, 4]},
        {"segmentation": [[1, 9, 5, 9, 5, 12]]},
    ],
)  # fmt: skip
def test_a_region_outside_its_photograph_is_said(tmp_path: Path, region: dict[str, Any]) -> None:
    write_coco(tmp_path)
    inside = open_image_set(tmp_path)
    square = {"id": 1, "image_id": 1, "category_id": 3, "segmentation": SQUARE}
    write_coco(tmp_path, annotations=[square, {"id": 2, "image_id": 1, "category_id": 3, **region}])
    image_set = open_image_set(tmp_path)
    with pytest.raises(LabelMapUnreadable, match=r"annotations 2 .* the region lies outside the photograph of 8 x 8"):
        image_set.read_labels(0)
    assert image_set.sha256 != inside.sha256


def test_a_region_partly_outside_is_cut(tmp_path: Path) -> None:
    write_coco(tmp_path, annotation={"segmentation": [], "bbox": [6, 6, 2.5, 9]}, categories=[{"id": 3, "name": "dog"}])
    with pytest.raises(ImageSetError, match="most boxes begin inside"):
        open_image_set(tmp_path)
    write_coco(tmp_path, annotation={"segmentation": [], "bbox": [6, 6, 2.5, 2.5]})
    assert count(open_image_set(tmp_path), 3) == 4


def test_two_corners_are_no_box_of_coco(tmp_path: Path) -> None:
    boxes = [[4, 4, 8, 8], [5, 1, 7, 3], [0, 0, 8, 8]]
    listed = [{"id": one, "image_id": 1, "category_id": 3, "bbox": box} for one, box in enumerate(boxes)]
    write_coco(tmp_path, annotations=listed)
    with pytest.raises(ImageSetError, match=r"coco.json: most boxes .* and not two corners"):
        open_image_set(tmp_path)
    # What is not read of an annotation says nothing of it.
    write_coco(tmp_path, annotations=[{**one, "segmentation": SQUARE} for one in listed])
    assert count(open_image_set(tmp_path), 3) == 16


def test_points_in_a_list_of_their_own_are_said(tmp_path: Path) -> None:
    write_coco(tmp_path, annotation={"segmentation": [[[2, 2], [6, 2], [6, 6]]]})
    image_set = open_image_set(tmp_path)
    assert image_set.notes == ()
    with pytest.raises(LabelMapUnreadable, match=r"'\[2, 2\]' is no number"):
        image_set.read_labels(0)


COLORS = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:128,0,0::\ndog:0,128,0::\n"


def paint(values: np.ndarray) -> Image.Image:
    """Values 1 and 2 in the colors of cat and dog, as a picture with a palette."""
    painted = Image.fromarray(values.astype(np.uint8))
    painted.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    return painted


@pytest.mark.parametrize("folders", [("JPEGImages", "SegmentationClass"), ("images", "masks")])
@pytest.mark.parametrize("mode", ["P", "RGB"])
def test_colors_have_names_also_where_they_stand_in_a_palette(
    tmp_path: Path, folders: tuple[str, str], mode: str
) -> None:
    photographs, masks = (tmp_path / name for name in folders)
    photo(photographs / "a.jpg")
    masks.mkdir()
    values = np.repeat([[0, 1, 1, 2, 2, 2, 0, 0]], 8, axis=0)
    paint(values).convert(mode).save(masks / "a.png")
    (tmp_path / "labelmap.txt").write_text(COLORS)
    image_set = open_image_set(tmp_path)
    assert [one.name for one in image_set.labels.labels] == ["cat", "dog"]
    assert [count(image_set, number) for number in (1, 2)] == [16, 24]


def test_transparency_of_gray_maps_does_not_count(tmp_path: Path) -> None:
    values = np.repeat([[0, 1, 1, 1, 1, 1, 0, 0]], 8, axis=0).astype(np.uint8)
    write_masks(tmp_path, values)
    plain = open_image_set(tmp_path)
    Image.merge("LA", [Image.fromarray(values), Image.fromarray(values * 200)]).save(tmp_path / "masks" / "a.png")
    transparent = open_image_set(tmp_path)
    assert count(transparent, 1) == count(plain, 1) == 40


@pytest.mark.parametrize(
    ("names", "modes"), [("0: background\n1: dog\n", ("L", "LA")), ("255 255 255 dog\n", ("RGB", "P"))]
)
def test_maps_that_were_not_read_before_are_of_another_set(tmp_path: Path, names: str, modes: tuple[str, str]) -> None:
    """Paths and sizes are the same: what is kept of a set that was read in another way must not be taken."""
    write_masks(tmp_path, np.ones((8, 8)), names)
    digests = []
    for mode in modes:
        saved = io.BytesIO()
        Image.new("L", (8, 8), 255).convert(mode).save(saved, "PNG")
        (tmp_path / "masks" / "a.png").write_bytes(saved.getvalue().ljust(2000, b"\0"))
        digests.append(open_image_set(tmp_path).sha256)
    assert digests[0] != digests[1]


def test_roboflows_maps_have_their_names(tmp_path: Path) -> None:
    photo(tmp_path / "a_jpg.rf.1.jpg")
    Image.fromarray(np.full((8, 8), 2, np.uint8)).save(tmp_path / "a_jpg.rf.1_mask.png")
    (tmp_path / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, cat\n2, dog\n")
    image_set = open_image_set(tmp_path)
    assert [one.name for one in image_set.labels.labels] == ["cat", "dog"]
    assert count(image_set, 2) == 64


def test_a_map_may_keep_the_ending_of_its_photograph(tmp_path: Path) -> None:
    write_masks(tmp_path, np.ones((8, 8)))
    (tmp_path / "masks" / "a.png").rename(tmp_path / "masks" / "a.jpg.png")
    assert count(open_image_set(tmp_path), 1) == 64


def test_pictures_in_a_folder_of_maps_that_are_called_otherwise_are_said(tmp_path: Path) -> None:
    write_masks(tmp_path, np.ones((8, 8)))
    (tmp_path / "masks" / "a.png").rename(tmp_path / "masks" / "other.png")
    image_set = open_image_set(tmp_path)
    assert image_set.paths == ("images/a.jpg", "masks/other.png")
    (note,) = image_set.notes
    assert note.startswith(
        "masks holds pictures such as other.png, none of which is called like a photograph of images"
    )


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ('"[""cat"", ""dog""]"', ["cat", "dog"]), ("\"['cat']\"", ["cat"]), ('"{""choices"": [""cat""]}"', ["cat"]),
        ("[other]", ["[other]"]), ('"hot\n dog"', ["hot dog"]), ('"cat, black"', ["cat, black"]),
        ("cat;dog|bird", ["bird", "cat", "dog"]),
    ],
)  # fmt: skip
def test_a_cell_may_list_its_labels(tmp_path: Path, cell: str, names: list[str]) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "LABELS.CSV").write_text(f"image,label\na.png,{cell}\n")
    assert [one.name for one in open_image_set(tmp_path).labels.labels] == names


@pytest.mark.parametrize("cell", ['"[{""x"": 1, ""rectanglelabels"": [""cat""]}]"', '"{""cat"": 1}"', "[1]", "[[]]"])
def test_json_of_another_kind_is_no_label(tmp_path: Path, cell: str) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text(f"image,label\na.png,{cell}\n")
    with pytest.raises(ImageSetError, match=r"line 2, column label: .* is JSON of another kind"):
        open_image_set(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", json.dumps({"version": "5", "shapes": [], "imagePath": "a.png"}), "(LabelMe's JSON)"),
        ("export.json", json.dumps([{"annotations": [{"completed_by": 1}]}]), "(Label Studio's JSON)"),
        ("Annotations/a.xml", "<annotation><filename>a.png</filename></annotation>", "(Pascal's XML)"),
        ("annotations.xml", '<?xml version="1.0"?>\n<annotations></annotations>', "(CVAT's XML)"),
        ("data.yaml", "names: [cat]\n", "(YOLO's lists of boxes)"),
        ("labels.csv", "image,cat,dog\na.png,1,0\n", "its first line has to name a column"),
        ("labels.csv", "image,label\na.png,kätzchen\n".encode("latin-1"), "as UTF-8 or UTF-16"),
    ],
)
def test_labels_that_no_reader_reads_are_said(tmp_path: Path, name: str, content: str | bytes, words: str) -> None:
    photo(tmp_path / "a.png")
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (note,) = open_image_set(tmp_path).notes
    assert note.startswith(f"{name} ")
    assert words in note
    assert open_image_set(tmp_path, "none").notes == ()
