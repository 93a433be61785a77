"""Which files of a folder are its images; everything else is counted by reason and named."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.workers.engine import making
from workers.engine.images.decoding import ImageUnreadable
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers.table import open_image_set
from workers.engine.networks.preprocessing import Preprocessing


def write(path: Path, form: str = "PNG") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(path, form)


def reasons(image_set: ImageSet) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {one.reason: (one.n_files, one.examples) for one in image_set.passed_over}


def test_other_files_are_counted_by_reason_and_named(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    for name in (
        "1.heic",
        "2.HEIC",
        "3.heic",
        "4.heic",
        "noending",
        "sub/notes.txt",
        "._a.png",
        ".trash/c.png",
        ".b.png",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"?")
    (tmp_path / os.fsdecode(b"latin\xe9.png")).write_bytes(b"?")
    # Longer than a place in the database, although each folder's name is short.
    deep = tmp_path.joinpath(*["d" * 100] * 5)
    write(deep / "b.png")
    image_set = open_image_set(tmp_path)
    assert image_set.paths == ("a.png",)
    assert reasons(image_set) == {
        "AppleDouble file": (1, ("._a.png",)),
        "hidden file, or in a hidden folder": (2, (".b.png", ".trash/c.png")),
        "ending .heic, which is not read": (4, ("1.heic", "2.HEIC", "3.heic")),
        "ending .txt, which is not read": (1, ("sub/notes.txt",)),
        "name that is not UTF-8": (1, (r"latin\xe9.png",)),
        "no ending": (1, ("noending",)),
        "path of more than 500 characters": (1, (f"{'/'.join(['d' * 100] * 2)[:117]}...",)),
    }


def test_a_folder_of_other_files_alone_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"?")
    with pytest.raises(ImageSetError, match=r"1 passed over \(ending .heic, which is not read\): a.heic"):
        open_image_set(tmp_path)


@pytest.mark.parametrize(
    ("name", "form"), [("a.jfif", "JPEG"), ("a.jpe", "JPEG"), ("a.avif", "AVIF"), ("a.jpg", "WEBP")]
)
def test_rarer_endings_are_decoded(tmp_path: Path, name: str, form: str) -> None:
    write(tmp_path / name, form)
    pixels = open_image_set(tmp_path).read_pixels(0, preprocessing=Preprocessing(input_px=8))
    assert abs(int(pixels[4, 4, 0]) - 90) < 6


def test_links_to_folders_are_followed_once_each(tmp_path: Path) -> None:
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "set"
    write(elsewhere / "cats" / "1.png")
    write(elsewhere / "dogs" / "1.png")
    write(root / "own" / "1.png")
    (root / "a-link").symlink_to(elsewhere / "cats")
    (root / "dogs").symlink_to(elsewhere / "dogs")
    (root / "same-dogs").symlink_to(elsewhere / "dogs")
    (root / "aa-own").symlink_to(root / "own")
    image_set = open_image_set(root)
    assert image_set.paths == ("a-link/1.png", "dogs/1.png", "own/1.png")
    assert reasons(image_set) == {"link to a folder that is read already": (2, ("aa-own", "same-dogs"))}


def test_loops_of_links_end(tmp_path: Path) -> None:
    root, other = tmp_path / "set", tmp_path / "other"
    write(root / "a" / "1.png")
    write(other / "2.png")
    (root / "a" / "up").symlink_to(root)
    (root / "above").symlink_to(tmp_path)
    (root / "out").symlink_to(other)
    (other / "back").symlink_to(root / "a")
    (other / "itself").symlink_to(other / "itself")
    image_set = open_image_set(root)
    assert image_set.paths == ("a/1.png", "out/2.png")
    assert reasons(image_set) == {
        "link to a folder above": (1, ("above",)),
        "link to a folder that is read already": (2, ("a/up", "out/back")),
        "no ending": (1, ("out/itself",)),
    }


def test_what_is_no_file_of_data_is_passed_over(tmp_path: Path) -> None:
    """Whoever reads a pipe that nobody writes waits for ever."""
    write(tmp_path / "a.png")
    (tmp_path / "self.png").symlink_to("self.png")
    os.mkfifo(tmp_path / "pipe.png")
    image_set = open_image_set(tmp_path)
    assert image_set.paths == ("a.png",)
    assert reasons(image_set) == {
        "link that leads to itself": (1, ("self.png",)),
        "pipe, socket or device": (1, ("pipe.png",)),
    }


@pytest.mark.parametrize("name", ["a.json", "a.xml", "labels.csv", "index.csv", "masks/a.png"])
def test_a_pipe_in_the_place_of_labels_is_not_waited_for(tmp_path: Path, name: str) -> None:
    write(tmp_path / "images" / "a.png")
    (tmp_path / "masks").mkdir()
    os.mkfifo(tmp_path / name)
    assert open_image_set(tmp_path).paths == ("images/a.png",)


def test_a_packed_set_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"PK")
    with pytest.raises(ImageSetError, match=r"set.zip is not a folder. Unpack it"):
        open_image_set(tmp_path / "set.zip")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"), (b"\n<!DOCTYPE html>", "a web page"),
     (b"?", "not an image of a known format"), (b"<svg/>", "not an image of a known format")],
)  # fmt: skip
def test_what_lies_in_the_place_of_a_photograph_is_called_so(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageUnreadable, match=words):
        open_image_set(tmp_path).read_pixels(0, preprocessing=Preprocessing(input_px=8))


def test_a_set_that_none_of_this_concerns_keeps_its_digest(tmp_path: Path) -> None:
    write(tmp_path / "b.png")
    write(tmp_path / "a" / "c.png")
    before = open_image_set(tmp_path).sha256
    (tmp_path / "note.txt").write_text("?")
    assert open_image_set(tmp_path).sha256 == before


def test_files_that_an_index_does_not_name_are_counted(tmp_path: Path) -> None:
    making.make_broden(tmp_path, rng=np.random.default_rng(0), n_images=4)
    write(tmp_path / "images" / "forgotten.png")
    (one,) = open_image_set(tmp_path).passed_over
    assert (one.reason, one.n_files, one.examples) == ("not named by index.csv", 1, ("forgotten.png",))
