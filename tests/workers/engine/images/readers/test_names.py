"""What names in files of labels stand for: photographs, values, colors, label maps and columns."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.workers.engine import making
from tests.workers.engine.images.label_files import photo, write_coco, write_masks
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.photographs import Photographs
from workers.engine.images.readers.table import open_image_set


def name_rows(root: Path, text: str, photographs: tuple[str, ...]) -> dict[str, set[str]]:
    """The labels that rows of a CSV give each photograph that is there."""
    for path in photographs:
        photo(root / path)
    (root.parent / "labels.csv").write_text(text)
    image_set = open_image_set(root, str(root.parent / "labels.csv"))
    assert image_set.labels is not None
    names = {label.number: label.name for label in image_set.labels.labels}
    return {
        path: {names[number] for number in image_set.read_labels(index).run_label.tolist()}
        for index, path in enumerate(image_set.paths)
        if path in photographs
    }


@pytest.mark.parametrize(
    ("names", "photographs", "found"),
    [
        # The photograph of the second row is missing; another one has its name.
        (("cats/1.jpg", "dogs/1.jpg"), ("cats/1.jpg",), {"cats/1.jpg": {"a"}}),
        (("2.jpg", "/x/dogs/1.jpg", "../cats/1.jpg"), ("2.jpg", "cats/1.jpg"), {"2.jpg": {"a"}, "cats/1.jpg": {"c"}}),
        (("a/cats/1", "dogs/2"), ("cats/1.jpg", "2.jpg"), {"cats/1.jpg": {"a"}, "2.jpg": {"b"}}),
        # The path of the folder (photos) and its photographs end like the first name.
        (("photos/1.jpg", "dogs/2.jpg"), ("1.jpg", "2.jpg"), {"1.jpg": {"a"}, "2.jpg": set()}),
        (("train/1.jpg", "train\\2.jpg"), ("1.jpg", "2.jpg"), {"1.jpg": {"a"}, "2.jpg": {"b"}}),
        # Nothing tells whose photograph 1.jpg is.
        (("cats/1.jpg", "dogs/1.jpg", "2.jpg"), ("1.jpg", "2.jpg"), {"1.jpg": set(), "2.jpg": {"c"}}),
    ],
)
def test_labels_of_a_missing_photograph_go_to_no_other(
    tmp_path: Path, names: tuple[str, ...], photographs: tuple[str, ...], found: dict[str, set[str]]
) -> None:
    text = "image,label,,\n" + "".join(f"{name},{label}\n" for name, label in zip(names, "abc", strict=False))
    labels = name_rows(tmp_path / "photos", text, photographs)
    assert labels == {path: one for path, one in found.items() if one}


@pytest.mark.parametrize("name", ["a/1", "1", "x/a/1", "photos/a/1"])
def test_a_name_without_an_ending_may_fit_two_photographs(tmp_path: Path, name: str) -> None:
    photographs = ("a/1.jpg", "a/1.png", "2.jpg")
    with pytest.raises(ImageSetError, match=r"1 may be a/1\.jpg or a/1\.png: .* or the path in full"):
        name_rows(tmp_path / "photos", f"image,label\n{name},dog\n", photographs)
    assert name_rows(tmp_path / "photos", "image,label\na/1.png,dog\n", photographs) == {"a/1.png": {"dog"}}


def test_capitals_and_composed_accents_count_if_a_name_fits_no_photograph(tmp_path: Path) -> None:
    composed, apart = "caf\u00e9.png", "cafe\u0301.png"
    for name in (composed, "sub/IMG_1.JPG", "x.png"):
        photo(tmp_path / name)
    photographs = Photographs(tmp_path, (composed, "sub/IMG_1.JPG", "x.png"))
    assert photographs.find([apart, "Sub/img_1.jpg"]) == {apart: composed, "Sub/img_1.jpg": "sub/IMG_1.JPG"}
    # A photograph that a row names by its own path is that row's.
    assert photographs.find(["X.png", "x.png"]) == {"x.png": "x.png"}


def test_a_label_map_is_of_one_photograph_and_a_photograph_has_one(tmp_path: Path) -> None:
    write_masks(tmp_path, np.ones((8, 8)))
    photo(tmp_path / "images" / "b.jpg")
    for copy in ("masks/b.png", "masks/c.png"):
        shutil.copy(tmp_path / "masks" / "a.png", tmp_path / copy)
    assert open_image_set(tmp_path).paths == ("a.jpg", "b.jpg")
    photo(tmp_path / "images" / "b.png")
    image_set = open_image_set(tmp_path)
    assert image_set.paths == ("a.jpg",)
    passed = {one.reason: one.n_files for one in image_set.passed_over}
    assert passed == {"its label map could be another photograph's, too": 2}
    (tmp_path / "masks" / "c.png").unlink()
    assert open_image_set(tmp_path, "none").paths == ("images/a.jpg", "images/b.jpg", "images/b.png")
    shutil.copytree(tmp_path / "images", tmp_path / "beside")
    for name in ("a_mask.png", "b_mask.png"):
        shutil.copy(tmp_path / "masks" / "a.png", tmp_path / "beside" / name)
    assert open_image_set(tmp_path / "beside").paths == ("a.jpg",)
    for name in ("a.jpg", "a_mask.png"):
        (tmp_path / "beside" / name).unlink()
    with pytest.raises(ImageSetError, match=r"beside could be that of several photographs, such as b\.jpg: leave one"):
        open_image_set(tmp_path / "beside")
    assert open_image_set(tmp_path / "beside", "none").paths == ("b.jpg", "b.png")
    Image.new("L", (8, 8), 3).save(tmp_path / "masks" / "a.bmp")
    with pytest.raises(ImageSetError, match=r"masks has two label maps of one name, a\.png and a\.bmp"):
        open_image_set(tmp_path)


def test_other_colors_or_void_values_make_another_image_set(tmp_path: Path) -> None:
    """Labels are kept from one dissection to the next by the digest of the set."""
    write_masks(tmp_path, np.array([[[9, 0, 4], [9, 0, 5]]] * 2), names="")
    found = set()
    for colors in ("sky,9,0,4\nsea,9,0,5", "sky,9,0,5\nsea,9,0,4"):
        (tmp_path / "class_dict.csv").write_text(f"name,r,g,b\n{colors}\n")
        image_set = open_image_set(tmp_path)
        found.add((image_set.sha256, tuple(image_set.read_labels(0).run_label.tolist())))
    assert len({sha256 for sha256, _ in found}) == len(found) == 2
    (tmp_path / "class_dict.csv").unlink()
    Image.fromarray(np.array([[0, 3]] * 8, dtype=np.uint8)).save(tmp_path / "masks" / "a.png")
    digests = set()
    for names in ("1: dog\n3: void\n", "1: dog\n4: void\n"):
        (tmp_path / "labels.txt").write_text(names)
        digests.add(open_image_set(tmp_path).sha256)
    assert len(digests) == 2


def test_the_names_of_open_images_are_found_in_every_edition(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "boxes.csv").write_text("ImageID,LabelName,XMin,XMax,YMin,YMax\na,/m/01,0.5,0.5,0,1\n")
    for name in ("class-descriptions-boxable.csv", "oidv7-class-descriptions-boxable.csv"):
        (tmp_path / name).write_text("LabelName,DisplayName\n/m/01,dog\n")
        labels = open_image_set(tmp_path).labels
        assert labels is not None
        assert [one.name for one in labels.labels] == ["dog"]
        (tmp_path / name).unlink()


def test_other_names_of_the_ids_of_open_images_make_another_image_set(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("ImageID,LabelName\na,/m/01\n")
    digests = set()
    for names in ("/m/01,dog\n/m/02,cat\n", "/m/02,dog\n/m/01,cat\n"):
        (tmp_path / "class-descriptions.csv").write_text(names)
        digests.add(open_image_set(tmp_path).sha256)
    assert len(digests) == 2
    for content, words in (
        (b"/m/01,caf\xe9\n", "class-descriptions.csv is not UTF-8 text"),
        (b'/m/01,"' + b"x" * 140_000, "field larger"),
    ):
        (tmp_path / "class-descriptions.csv").write_bytes(content)
        with pytest.raises(ImageSetError, match=words):
            open_image_set(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("class_dict.csv", "name,r,g,b\nsky,9,0,4\nsea,,0,5\n", "class_dict.csv, line 3, column r: '' is not a whole"),
        (
            "class_dict.csv",
            "name,r,g,b\nsky,9,0,blue\n",
            "line 2, column b: 'blue' is not a whole number from 0 to 255",
        ),
        ("labels.txt", "300 0 0 sky\n", "labels.txt has the color (300, 0, 0); red, green and blue go from 0 to 255"),
        (
            "labels.csv",
            "id,name\n1,dog\n70000,ignore\n",
            "labels.csv, line 3, column id: '70000' is not a whole number",
        ),
        ("labels.csv", "id,name\n1,\n", "labels.csv has a number or a color without a name"),
        ("labels.txt", "0: dog\n-1: void\n", "labels.txt has number -1; numbers go from 0 to 65,535"),
        ("labels.json", '{"categories": [{"id": -1, "name": "x"}, {"id": 1, "name": "y"}]}', "has number -1"),
        ("labels.json", '{"categories": [{"id": 70000, "name": "void"}, {"id": 1, "name": "y"}]}', "has number 70000"),
        ("labels.txt", f"1: {'x' * 101}\n", "Label 1 is called 'xxxxxxxxxx"),
    ],
)
def test_names_that_no_map_can_carry_are_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    write_masks(tmp_path, np.array([[0, 1]] * 2), names="")
    (tmp_path / name).write_text(text)
    with pytest.raises(ImageSetError) as refused:
        open_image_set(tmp_path)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("file_name", "words"),
    [
        ("/a.png", "annotations 1, file_name: '/a.png' is not a path below"),
        ("../a.png", "is not a path below"),
        ("a\0.png", r"'a\x00.png' is not a path below"),
        ("\ud800.png", "holds half of a letter"),
    ],
)
def test_a_panoptic_map_outside_its_folder_is_refused(tmp_path: Path, file_name: str, words: str) -> None:
    write_coco(tmp_path, annotation={"file_name": file_name, "segments_info": [{"id": 1, "category_id": 3}]})
    with pytest.raises(ImageSetError) as refused:
        open_image_set(tmp_path)
    assert words in str(refused.value)
    str(refused.value).encode()


@pytest.mark.parametrize("hidden", [".h/a.png", ".b.png", "._b.png"])
def test_a_hidden_photograph_that_a_file_names_is_read(tmp_path: Path, hidden: str) -> None:
    named = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": hidden}]
    named = [{**one, "height": 8, "width": 8} for one in named]
    file = write_coco(tmp_path, images=named)
    for path, value in ((hidden, 30), (".gone/c.png", 0)):
        photo(tmp_path / path, value=value)
    rows = tmp_path / "labels.csv"
    rows.write_text(f"image,label\na.png,dog\n{hidden},dog\n")
    for labels in (file, rows):
        image_set = open_image_set(tmp_path, str(labels))
        assert image_set.paths == tuple(sorted(("a.png", hidden)))
        passed = {path for one in image_set.passed_over for path in one.examples}
        assert (".gone/c.png" in passed, hidden in passed) == (True, False)


def test_a_panoptic_map_may_be_hidden(tmp_path: Path) -> None:
    photo(tmp_path / ".m" / "a.png", value=0)
    write_coco(tmp_path, annotation={"file_name": ".m/a.png", "segments_info": [{"id": 1, "category_id": 3}]})
    assert open_image_set(tmp_path).read_labels(0).run_label.tolist() == [0]


def test_columns_without_a_name_are_passed_over(tmp_path: Path) -> None:
    """Spreadsheets write them, and leave the cells of the last ones out."""
    labels = name_rows(tmp_path / "photos", "image,label,,\na.png,dog,,\nb.png,cat\n", ("a.png", "b.png"))
    assert labels == {"a.png": {"dog"}, "b.png": {"cat"}}
    making.make_broden(tmp_path / "broden", rng=np.random.default_rng(3), n_images=3)
    paths = open_image_set(tmp_path / "broden").paths
    for name in ("index.csv", "label.csv", "category.csv"):
        file = tmp_path / "broden" / name
        file.write_text("".join(f"{line},,\n" for line in file.read_text().splitlines()))
    assert open_image_set(tmp_path / "broden").paths == paths
