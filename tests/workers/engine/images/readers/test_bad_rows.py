"""What is wrong in a file of labels is refused, or its photograph quarantined, with the place named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.workers.engine import making
from tests.workers.engine.images.label_files import SQUARE, photo, write_coco, write_masks
from workers.engine.images.decoding import read_size
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers import csv_labels
from workers.engine.images.readers.table import find_reader, open_image_set


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"annotation": {"category_id": 4}}, "coco.json, annotations 1, category_id: '4' is the id of no category"),
        ({"annotation": {"image_id": 9}}, "coco.json, annotations 1, image_id: '9' is the id of no image"),
        ({"categories": []}, "coco.json lists no categories"),
        ({"categories": [{"id": 3, "name": " "}]}, "categories 1, name: ' ' is not a text"),
        ({"images": [{"id": 1}]}, "images 1, file_name: 'None' is not a text"),
        ({"images": [5]}, "images 1: '5' is not an object"),
        ({"annotation": {"segmentation": [], "bbox": [0.1, 0.2, 0.5, 0.25]}}, "annotations 1: neither this place nor"),
        ({"annotation": {"segmentation": [[0, 0, 1, 0, 0.5, 0.5]]}}, "COCO's places are in pixels"),
        ({"annotations": "?"}, "coco.json has no list annotations"),
        (
            {"images": [{"id": 1, "file_name": "gone.png", "height": 8, "width": 8}]},
            "None of 1 photograph that coco.json names, the first of them gone.png, lies in",
        ),
        ({"images": [{"id": 1, "file_name": "../a.png", "height": 8, "width": 8}] * 2}, "stands twice"),
    ],
)
def test_a_wrong_entry_of_coco_is_refused_by_its_place(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    write_coco(tmp_path, **changes)
    with pytest.raises(ImageSetError) as refused:
        open_image_set(tmp_path)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ({"segmentation": [[1, 2, 3]]}, "annotations 1 of coco.json: a polygon has 3 numbers"),
        ({"segmentation": [[1, 2, 3, "x", 1, 1]]}, "'x' is no number"),
        ({"segmentation": {"size": [8, 8], "counts": [3, 4]}}, "the run lengths do not fill 8 x 8 px"),
        ({"segmentation": {"size": [8, 8], "counts": "\x7f\x7f"}}, "the packed run lengths are damaged"),
        ({"segmentation": {"size": [4, 8], "counts": [32]}}, "not of the photograph's"),
        ({"segmentation": [], "bbox": [1, 1, -1, 3]}, "the box has a side of less than 0"),
        ({"segmentation": [SQUARE[0], 5]}, "'5' is no list of numbers"),
        ({"segmentation": [[*SQUARE[0][:-1], 10**400]]}, "is no number"),
        ({"segmentation": {"size": [8, 8], "counts": [10**400]}}, "is no number"),
        ({"segmentation": []}, "there is neither segmentation nor bbox"),
    ],
)
def test_a_region_that_cannot_be_drawn_quarantines_its_photograph(
    tmp_path: Path, annotation: dict[str, Any], words: str
) -> None:
    write_coco(tmp_path, annotation=annotation)
    with pytest.raises(LabelMapUnreadable) as refused:
        open_image_set(tmp_path).read_labels(0)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "annotation",
    [
        {"segmentation": [], "bbox": [1, 1, 0, 3]}, {"segmentation": [[1, 2, 3, 4]]}, {"segmentation": [[5, 2]]},
        {"segmentation": [[]], "bbox": [4, 4, 2, 0]},
    ],
)  # fmt: skip
def test_a_region_without_area_marks_no_pixel_and_costs_no_other_its_own(
    tmp_path: Path, annotation: dict[str, Any]
) -> None:
    flat = {"id": 1, "image_id": 1, "category_id": 3, **annotation}
    square = {"id": 2, "image_id": 1, "category_id": 3, "segmentation": SQUARE}
    write_coco(tmp_path, annotations=[square])
    plain = open_image_set(tmp_path)
    write_coco(tmp_path, annotations=[flat, square])
    image_set = open_image_set(tmp_path)
    assert image_set.read_labels(0).run_start.tolist() == plain.read_labels(0).run_start.tolist()
    assert image_set.notes == ("1 annotation has a box or polygon without area: it marks no pixel.",)


def test_an_empty_list_of_polygons_leaves_the_box(tmp_path: Path) -> None:
    write_coco(tmp_path, annotation={"segmentation": [[]], "bbox": [2, 2, 4, 4]})
    assert open_image_set(tmp_path).read_labels(0).run_label.tolist().count(3) == 4


def test_lvis_names_photographs_by_their_address(tmp_path: Path) -> None:
    address = "http://images.cocodataset.org/val2017/a.png"
    write_coco(tmp_path, images=[{"id": 1, "coco_url": address, "height": 8, "width": 8}])
    assert open_image_set(tmp_path).paths == ("a.png",)


def test_a_damaged_json_file_is_refused_by_line_and_column(tmp_path: Path) -> None:
    write_coco(tmp_path).write_text('{"images": [], "categories": [],\n "annotations": [}')
    with pytest.raises(ImageSetError, match=r"coco.json, line 2, column 18"):
        open_image_set(tmp_path)
    write_coco(tmp_path).write_text('{"images": [], "categories": [], "annotations": [' + "1" * 5000 + "]}")
    with pytest.raises(ImageSetError, match=r"coco.json holds a number of too many digits"):
        open_image_set(tmp_path)


def test_of_several_label_files_the_one_whose_photographs_are_here_is_read(tmp_path: Path) -> None:
    write_coco(tmp_path)
    (tmp_path / "other.json").write_text((tmp_path / "coco.json").read_text().replace("a.png", "b.png"))
    assert open_image_set(tmp_path).paths == ("a.png",)
    (tmp_path / "other.json").write_text((tmp_path / "coco.json").read_text())
    with pytest.raises(ImageSetError, match=r"several files of labels .* name one with --labels"):
        open_image_set(tmp_path)
    assert open_image_set(tmp_path, str(tmp_path / "other.json")).paths == ("a.png",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,label\na.png,\n", "labels.csv, line 2, column label: '' names no label"),
        (
            "ImageID,LabelName,XMin,XMax,YMin,YMax\na,/m/01,0.5,0.4,0,1\n",
            "'0.4' makes a box that ends before it begins",
        ),
        ("image,label\na.png,dog,cat\n", "labels.csv, line 2: 3 values for 2 columns"),
        ("image,label\n../a.png/..,dog\n", "column image: '../a.png/..' is not the path of a photograph"),
        ("image,label,xmin,ymin,xmax,ymax\na.png,dog,1,1,x,3\n", "line 2, column xmax: 'x' is not a number"),
        ("image,label,xmin,ymin,xmax,ymax\na.png,dog,4,1,2,3\n", "have no area"),
        ("image,label,x,y,w,h\na.png,dog,4,1,0,3\n", "have no area"),
        ("image,label,bbox\na.png,dog,4 1 2 3\n", "column bbox says where a label holds, but boxes are read from xmin"),
        ("image,label,x_center,y_center,width,height\na.png,dog,4,1,2,3\n", "the column x_center says where"),
        ("image,label,mask_path\na.png,dog,m.png\n", "Rename the columns, or take them out"),
        ("image,label,x,y,width,height\na.png,dog,3,2,8,8\na.png,cat,0,0,8,8\na.png,cat,2,4,8,8\n", "most boxes begin"),
        ("image,label,x,y,w,h\na.png,dog,0.5,0.9,0.2,0.2\n", "line 2: the box ends at 1.1, farther than any other"),
        ("image,label\nb.png,dog\n", "None of 1 photograph that labels.csv names"),
        ("image,label\n", "labels.csv has no rows"),
        ("image,label\na.png,d\0og\n", "Label 1 is called 'd\\x00og', which holds a NUL"),
        ("ImageID,LabelName,XMin,XMax,YMin,YMax\na,/m/01,0,1.5,0,1\n", "column xmax: '1.5' is not a share"),
    ],
)
def test_a_wrong_row_of_a_csv_is_refused_by_its_line(tmp_path: Path, text: str, words: str) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(ImageSetError) as refused:
        open_image_set(tmp_path)
    assert words in str(refused.value)


def test_a_space_after_a_comma_belongs_to_no_cell(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text('image, "label"\na.png, "dog, big"\n')
    labels = open_image_set(tmp_path).labels
    assert labels is not None
    assert [one.name for one in labels.labels] == ["dog, big"]


def test_a_box_may_be_stated_by_its_sides_or_in_shares(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    size, found, notes = read_size(tmp_path / "a.png"), [], []
    right, bottom = size["width"] // 2, size["height"] // 4
    for names, corners in (
        ("xmin,ymin,xmax,ymax", f"0,0,{right},{bottom}"), ("x,y,width,height", f"0,0,{right},{bottom}"),
        ("left,top,width,height", f"0,0,{right},{bottom}"), ("xmin,ymin,xmax,ymax", "0,0,0.5,0.25"),
    ):  # fmt: skip
        (tmp_path / "labels.csv").write_text(f"image,label,{names}\na.png,dog,{corners}\n")
        image_set = open_image_set(tmp_path)
        found.append(image_set.read_labels(0).run_start.tolist())
        notes.append(len(image_set.notes))
    assert found == found[:1] * 4
    assert len(found[0]) == 2 * bottom
    assert notes == [0, 0, 0, 1]
    rounded = "image,label,x,y,w,h\na.png,dog,0.333334,0,0.666667,1\n"
    (tmp_path / "labels.csv").write_text(rounded)
    assert len(open_image_set(tmp_path).notes) == 1
    (tmp_path / "labels.csv").write_text(f"image,label,x,y,w,h\na.png,dog,1,1,{size['width']},{size['height']}\n")
    assert open_image_set(tmp_path).read_labels(0).run_label.tolist().count(1) == size["height"] - 1


def test_a_table_that_was_read_in_another_way_is_another_image_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Releases before knew no sides: their labels are kept by the digest of the set."""
    photo(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("image,label,x,y,w,h\na.png,dog,1,1,3,3\n")
    now = open_image_set(tmp_path)
    monkeypatch.setattr(csv_labels, "SIDES", ())
    monkeypatch.setattr(csv_labels, "_PLACE", re.compile("none"))
    before = open_image_set(tmp_path)
    assert before.labels == now.labels
    assert before.sha256 != now.sha256


def test_a_box_outside_its_photograph_is_said(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("image;label;x0;y0;x1;y1\na.png;dog;9;1;12;3\n")
    with pytest.raises(LabelMapUnreadable, match="line 2: the box lies outside the photograph of 8 x 8 px"):
        open_image_set(tmp_path).read_labels(0)


def test_a_value_without_a_name_is_said_and_255_is_void(tmp_path: Path) -> None:
    write_masks(tmp_path, np.array([[0, 1], [255, 2]]))
    with pytest.raises(LabelMapUnreadable, match=r"a.png carries number 2, which labels.txt does not list"):
        open_image_set(tmp_path).read_labels(0)
    Image.fromarray(np.array([[0, 1], [255, 1]], dtype=np.uint8)).save(tmp_path / "masks" / "a.png")
    assert open_image_set(tmp_path).read_labels(0).run_label.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("text", ['{"0": "background", "7": "dog"}', '{"background": 0, "dog": 7}'])
def test_names_stand_in_json_by_value_or_by_name(tmp_path: Path, text: str) -> None:
    write_masks(tmp_path, np.array([[0, 7]] * 2), names="")
    (tmp_path / "classes.json").write_text(text)
    labels = open_image_set(tmp_path).labels
    assert labels is not None
    assert [(one.number, one.name) for one in labels.labels] == [(7, "dog")]


def test_values_without_a_list_of_names_are_their_own_names(tmp_path: Path) -> None:
    write_masks(tmp_path, np.array([[0, 7], [0, 7]]), names="")
    image_set = open_image_set(tmp_path)
    assert image_set.labels is not None
    assert [label.name for label in image_set.labels.labels if label.number == 7] == ["value 7"]
    assert "labels.txt" in image_set.notes[0]


@pytest.mark.parametrize(
    ("names", "label", "words"),
    [
        ("", "value 255", "The label maps carry 0 and 255 alone: 255 is the label value 255."),
        ("background\ntumor\n", "tumor", "The label maps carry 0 and 255 alone: 255 is the label tumor."),
        ("0: nothing\n255: tumor\n", "tumor", ""),
        ("wall\nsky\n", "", "and labels.txt does not say what 255 is: no pixel has a label."),
    ],
)
def test_of_maps_of_two_values_255_is_what_they_mark(tmp_path: Path, names: str, label: str, words: str) -> None:
    write_masks(tmp_path, np.array([[0, 255], [255, 255]]), names=names)
    image_set = open_image_set(tmp_path)
    assert image_set.labels is not None
    called = {one.number: one.name for one in image_set.labels.labels}
    carried = {called[number] for number in image_set.read_labels(0).run_label.tolist() if number}
    assert carried - {"nothing"} == ({label} if label else set())
    assert words in " ".join(image_set.notes)
    Image.fromarray(np.array([[0, 255], [255, 7]], dtype=np.uint8)).save(tmp_path / "masks" / "a.png")
    assert "alone" not in " ".join(open_image_set(tmp_path).notes)


def test_a_map_of_another_shape_than_its_photograph_is_said(tmp_path: Path) -> None:
    write_masks(tmp_path, np.zeros((8, 8)))
    open_image_set(tmp_path).read_labels(0)
    photo(tmp_path / "images" / "a.jpg", size=(12, 6))
    with pytest.raises(LabelMapUnreadable, match="label map has the shape of 8 x 8 px, the photograph of 12 x 6"):
        open_image_set(tmp_path).read_labels(0)


def test_a_segment_of_a_panoptic_map_that_no_entry_lists_is_said(tmp_path: Path) -> None:
    segments = [{"id": 300, "category_id": 3}]
    write_coco(tmp_path, annotation={"file_name": "a.png", "segments_info": segments})
    ids = np.zeros((8, 8), dtype=np.int64)
    ids[:, 4:] = 300
    for unlisted in (0, 70_000):
        ids[0, 0] = unlisted
        colors = np.stack([ids % 256, ids // 256 % 256, ids // 65_536], axis=-1).astype(np.uint8)
        (tmp_path / "coco").mkdir(exist_ok=True)
        Image.fromarray(colors).save(tmp_path / "coco" / "a.png")
        if unlisted == 0:
            assert open_image_set(tmp_path).read_labels(0).run_label.tolist()[:2] == [0, 3]
    with pytest.raises(LabelMapUnreadable, match=r"a.png carries segment 70000, which annotations 1 of coco.json does"):
        open_image_set(tmp_path).read_labels(0)


def test_label_maps_are_no_photographs(tmp_path: Path) -> None:
    """Neither as JPEG, which no reader takes for labels, nor where labels are not wanted."""
    for name in ("images/a.jpg", "images/b.jpg", "masks/a.jpg", "masks/b.jpg"):
        photo(tmp_path / "apart" / name)
    for name in ("a.jpg", "a_mask.png", "b.jpg", "b_mask.png", "c.png"):
        photo(tmp_path / "beside" / name)
    apart = open_image_set(tmp_path / "apart")
    assert apart.labels is None
    assert apart.paths == ("images/a.jpg", "images/b.jpg")
    assert apart.passed_over[0].words().startswith("2 passed over (named like the label map of a photograph): masks/a")
    assert "2 files in masks named like label maps" in apart.notes[0]
    assert "JPEG changes the values" in apart.notes[1]
    photo(tmp_path / "one" / "images" / "a.jpg")
    photo(tmp_path / "one" / "masks" / "a.jpg")
    (note, _) = open_image_set(tmp_path / "one").notes
    assert note.startswith(
        "1 file in masks named like label maps of the photographs, such as masks/a.jpg, was not taken"
    )
    with pytest.raises(ImageSetError, match=r"masks holds no label maps: they are .png.* JPEG changes their values"):
        open_image_set(tmp_path / "apart", str(tmp_path / "apart" / "masks"))
    assert open_image_set(tmp_path / "apart" / "masks").paths == ("a.jpg", "b.jpg")
    assert open_image_set(tmp_path / "apart", "none").paths == apart.paths
    alone = open_image_set(tmp_path / "beside", "none")
    assert alone.paths == ("a.jpg", "b.jpg", "c.png")
    assert len(alone.notes) == 1


def test_hidden_files_are_no_label_maps(tmp_path: Path) -> None:
    write_masks(tmp_path, np.array([[0, 1]] * 2))
    for name in (".copies/a.png", "._b.png"):
        photo(tmp_path / "masks" / name)
    photo(tmp_path / "images" / "more" / "a.jpg")
    photo(tmp_path / "images" / "._b.jpg")
    assert open_image_set(tmp_path).paths == ("a.jpg",)
    # The only map that is left is hidden.
    (tmp_path / "masks" / "a.png").unlink()
    with pytest.raises(ImageSetError, match="holds no label maps"):
        open_image_set(tmp_path, str(tmp_path / "masks"))


def test_categories_of_one_name_are_one_label(tmp_path: Path) -> None:
    boxes = [{"image_id": 1, "category_id": one, "bbox": [x, 0, 1, 8]} for one, x in ((5, 1), (6, 3), (7, 5))]
    categories = [{"id": one, "name": name} for one, name in ((7, "dog"), (6, "cat"), (5, "cat"))]
    write_coco(tmp_path / "coco", annotations=boxes, categories=categories)
    write_masks(tmp_path / "maps", np.array([[0, 5, 6, 7]] * 4), names="0: void\n7: dog\n6: cat\n5: cat\n")
    for name in ("coco", "maps"):
        image_set = open_image_set(tmp_path / name)
        assert image_set.labels is not None
        assert [(one.number, one.name) for one in image_set.labels.labels] == [(5, "cat"), (7, "dog")]
        assert set(image_set.read_labels(0).run_label.tolist()) == {0, 5, 7}
        assert image_set.notes == ("2 categories are called 'cat': they are one label.",)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_tables_and_lists_are_read_as_spreadsheets_save_them(tmp_path: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    photo(tmp_path / "table" / "a.png")
    rows = f"{mark}image\tlabel\na.png\tkočka\n"
    (tmp_path / "table" / "labels.csv").write_bytes(rows.encode(encoding))
    write_masks(tmp_path / "maps", np.array([[0, 1]] * 2), names="")
    (tmp_path / "maps" / "labels.txt").write_bytes(f"{mark}1: kočka\n".encode(encoding))
    write_coco(tmp_path / "coco", categories=[{"id": 3, "name": "kočka"}])
    text = (tmp_path / "coco" / "coco.json").read_text()
    (tmp_path / "coco" / "coco.json").write_bytes(f"{mark}{text}".encode(encoding))
    for name in ("table", "maps", "coco"):
        image_set = open_image_set(tmp_path / name)
        assert image_set.labels is not None
        assert [one.name for one in image_set.labels.labels] == ["kočka"]


def test_a_folder_of_labels_one_step_down_is_named(tmp_path: Path) -> None:
    write_masks(tmp_path / "VOCdevkit" / "VOC2012", np.array([[0, 1]] * 2))
    photo(tmp_path / "VOCdevkit" / "other" / "b.png")
    image_set = open_image_set(tmp_path / "VOCdevkit")
    assert image_set.notes == ("VOC2012 holds labels (label maps beside photographs): to read them, give that folder.",)
    (note,) = open_image_set(tmp_path / "VOCdevkit", "none").notes
    assert note.endswith("are read as photographs. To leave them out, give that folder.")
    shutil.rmtree(tmp_path / "VOCdevkit" / "VOC2012")
    write_coco(tmp_path / "VOCdevkit" / "coco")
    assert open_image_set(tmp_path / "VOCdevkit", "none").notes == ()


def test_other_json_and_csv_files_make_no_labels(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "meta.json").write_text('{"images": ["a.png"]}')
    (tmp_path / "camera.csv").write_text("filename,name,focal\na.png,x,50\n")
    assert open_image_set(tmp_path).labels is None


def test_colors_that_nothing_explains_are_refused_with_the_way_out(tmp_path: Path) -> None:
    write_masks(tmp_path, np.array([[[0, 0, 0], [9, 0, 3]]] * 2))
    with pytest.raises(ImageSetError, match=r"The label maps are colors .* put class_dict.csv"):
        open_image_set(tmp_path)
    (tmp_path / "labels.txt").unlink()
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nsky,9,0,4\n")
    with pytest.raises(LabelMapUnreadable, match=r"carries the color \(9, 0, 3\), which class_dict.csv does not list"):
        open_image_set(tmp_path).read_labels(0)


@pytest.mark.parametrize("labels", ["nothing.json", "notes.txt"])
def test_labels_that_are_no_labels_are_refused_with_what_is_read(tmp_path: Path, labels: str) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("?")
    with pytest.raises(ImageSetError, match=r"There is no file or folder of labels|takes a .json"):
        find_reader(tmp_path, str(tmp_path / labels))


def test_class_folders_are_labels_if_a_person_says_so(tmp_path: Path) -> None:
    for path in ("train/cat/1.png", "train/dog/deep/2.png", "val/cat/3.png", "4.png"):
        photo(tmp_path / path)
    assert open_image_set(tmp_path).labels is None
    image_set = open_image_set(tmp_path, "folders")
    assert image_set.labels is not None
    assert [label.name for label in image_set.labels.labels] == ["cat", "dog"]
    assert image_set.paths == ("train/cat/1.png", "train/dog/deep/2.png", "val/cat/3.png")
    assert [image_set.read_labels(index).run_label.tolist() for index in range(3)] == [[1], [2], [1]]
    assert image_set.passed_over[0].words() == "1 passed over (lies in no class folder): 4.png"
    table = tmp_path / "labels.csv"
    table.write_text("path,classes\ntrain/cat/1.png,cat\n2.png,dog\nval/cat/3.png,cat\n")
    assert [open_image_set(tmp_path).read_labels(index).run_label.tolist() for index in range(3)] == [[1], [2], [1]]
    assert open_image_set(tmp_path, "none").labels is None


def test_regions_over_one_another_are_all_kept(tmp_path: Path) -> None:
    """A rider on a horse in boxes: pixels carry both labels."""
    boxes = [{"image_id": 1, "category_id": one, "bbox": [1, 1, 4, 4]} for one in (3, 5, 3)]
    write_coco(tmp_path, annotations=boxes, categories=[{"id": 3, "name": "horse"}, {"id": 5, "name": "rider"}])
    runs = open_image_set(tmp_path).read_labels(0)
    assert len(runs.slot_category) == 2
    for first, number in zip(runs.slot_start[:-1], (3, 5), strict=True):
        assert set(runs.run_label[first : first + 3].tolist()) == {0, number}


def test_brodens_quirks(tmp_path: Path) -> None:
    """index_sm.csv, the folder above, and labels of a category that category.csv leaves out."""
    root = tmp_path / "above" / "broden1_224"
    making.make_broden(root, rng=np.random.default_rng(3), n_images=6)
    whole = open_image_set(root)
    (root / "index_sm.csv").write_text("\n".join((root / "index.csv").read_text().splitlines()[:4]))
    assert open_image_set(root.parent).paths == whole.paths
    assert open_image_set(root.parent, str(root / "index_sm.csv")).paths == whole.paths[:3]
    lines = (root / "category.csv").read_text().splitlines()
    (root / "category.csv").write_text("\n".join(line for line in lines if not line.startswith("texture")))
    less = open_image_set(root.parent)
    assert less.labels is not None
    assert {label.name for label in less.labels.labels} == {"red-c", "blue-c", "wheel", "car", "door", "mesh"}
    assert less.notes == ("1 label of texture is left out: category.csv does not list it.",)
    less.read_labels(0)
    making.make_broden(tmp_path / "above" / "broden1_384", rng=np.random.default_rng(3), n_images=2)
    with pytest.raises(ImageSetError, match=r"holds 2 image sets in Broden's layout \(broden1_224, broden1_384\)"):
        open_image_set(root.parent)
