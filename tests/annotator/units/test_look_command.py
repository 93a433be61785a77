"""`manage.py look` says in words and in pictures what is understood of a folder."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from numpy.random import default_rng

from tests.workers.engine import making
from tests.workers.engine.images.label_files import photo


def look(*given: object) -> str:
    output = io.StringIO()
    call_command("look", *map(str, given), stdout=output)
    return output.getvalue()


def test_labels_and_what_cannot_be_used_are_told_and_drawn(tmp_path: Path) -> None:
    root, page = tmp_path / "set", tmp_path / "page.html"
    making.make_broden(root, rng=default_rng(3), n_images=12)
    (root / "images" / "003_object.png").write_bytes(b"?")
    said = look(root, "--output", page, "--pictures", 4, "--all")
    assert "Layout: Broden." in said
    assert "12 images below" in said
    assert "7 labels in the categories color, object, part, texture" in said
    assert "Not usable: 003.png: label map 003_object.png is not a PNG." in said
    assert "11 of 12 images that were read are usable" in said
    shown = page.read_text()
    assert shown.count("<img") == 4
    assert "mesh (whole image)" in shown
    assert "<script" not in shown
    assert "http" not in shown


def test_photographs_that_cannot_be_decoded_are_not_called_usable(tmp_path: Path) -> None:
    for name in ("cat/1.png", "cat/2.png", "dog/3.png"):
        photo(tmp_path / "set" / name)
    whole = (tmp_path / "set" / "cat" / "1.png").read_bytes()
    (tmp_path / "set" / "cat" / "broken.jpg").write_text("text")
    (tmp_path / "set" / "cat" / "cut.png").write_bytes(whole[:45])
    for labels, words in (("folders", "usable with labels."), ("none", "usable.")):
        asked = (tmp_path / "set", "--labels", labels, "--pictures", 1, "--output", tmp_path / "page.html")
        said = look(*asked, "--all")
        assert "Not usable: cat/broken.jpg: not an image of a known format." in said
        assert "Not usable: cat/cut.png: cannot be decoded" in said
        assert f"3 of 5 images that were read are {words}" in said
        assert f"1 of 1 image that was read is {words}" in look(*asked)


def test_a_folder_without_labels_and_names_that_are_markup(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(3), n_images=2)
    odd = tmp_path / "set" / "images" / "<b>&.png"
    (tmp_path / "set" / "images" / "000.png").rename(odd)
    page = tmp_path / "page.html"
    said = look(odd.parent, "--labels", "none", "--output", page)
    assert "The images carry no labels" in said
    assert "&lt;b&gt;&amp;.png" in page.read_text()
    assert "<b>" not in page.read_text()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["gone"], "There is no folder of images at gone."),
        ([".", "--labels", "gone.json"], "There is no file or folder of labels at gone.json"),
        ([".", "--pictures", "0"], "--pictures is a number from 1 to 200."),
        (["empty"], "empty holds no images"),
        (["one", "--output", "gone/page.html"], "The page cannot be written to gone/page.html"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_in_one_sentence(
    given: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    making.make_broden(tmp_path / "one", rng=default_rng(3), n_images=1)
    with pytest.raises(CommandError, match=words.replace("(", r"\(")) as refused:
        look(*given)
    assert refused.value.returncode == 2
