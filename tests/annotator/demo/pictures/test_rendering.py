"""The set in its folder: Broden layout, the same bytes however it is made, whole or not at all."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotator.demo.pictures import rendering
from annotator.demo.pictures.concepts import DECK, draw_picture
from annotator.demo.pictures.rendering import FolderTaken, render_set

N = 6


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def read_all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "one"
    render_set(folder=folder, n_images=N, seed=5, n_jobs=1)
    return folder


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_processes(rendered, tmp_path):
    render_set(folder=tmp_path / "two", n_images=N, seed=5, n_jobs=2)
    assert read_all(rendered) == read_all(tmp_path / "two")


def test_label_maps_on_disk_are_those_of_the_picture(rendered):
    rows = read_table(rendered / "index.csv")
    assert len(rows) == N
    for index, row in enumerate(rows):
        picture = draw_picture(seed=5, index=index)
        for category in ("color", "object", "part", "material", "scene", "texture"):
            names = ("part", "inner part") if category == "part" else (category,)
            wanted = [picture.maps[name] for name in names if picture.maps[name].any()]
            entries = row[category].split(";") if row[category] else []
            assert len(entries) == len(wanted)
            for entry, labels in zip(entries, wanted, strict=True):
                if entry.isdigit():
                    assert (labels == int(entry)).all()
                else:
                    coded = np.asarray(Image.open(rendered / "images" / entry)).astype(int)
                    assert (coded[..., 0] + 256 * coded[..., 1] == labels).all()


def test_the_tables_count_what_the_maps_hold(rendered):
    coverage: dict[int, float] = {}
    for index in range(N):
        for labels in draw_picture(seed=5, index=index).maps.values():
            for number in np.unique(labels[labels > 0]):
                coverage[int(number)] = coverage.get(int(number), 0) + float((labels == number).mean())
    table = {int(row["number"]): row for row in read_table(rendered / "label.csv")}
    assert set(table) == set(coverage)
    for number, share in coverage.items():
        assert float(table[number]["coverage"]) == pytest.approx(share, abs=1e-6)
    for row in read_table(rendered / "category.csv"):
        codes = read_table(rendered / f"c_{row['name']}.csv")
        assert len(codes) == int(row["count"])
        assert sum(int(code["frequency"]) for code in codes) == int(row["frequency"])


def test_a_set_that_stands_is_used_again_and_said_so(rendered):
    before = {path: path.stat().st_mtime_ns for path in rendered.rglob("*")}
    assert render_set(folder=rendered, n_images=N, seed=5, n_jobs=1)
    assert before == {path: path.stat().st_mtime_ns for path in rendered.rglob("*")}


def test_a_folder_that_holds_something_else_is_left_alone(rendered, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(FolderTaken):
        render_set(folder=tmp_path, n_images=N, seed=5, n_jobs=1)
    with pytest.raises(FolderTaken):
        render_set(folder=rendered, n_images=N, seed=6, n_jobs=1)
    assert read_all(tmp_path) == {"holiday.jpg": b"mine"}


def test_a_failure_midway_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail_late(workplace, seed, index):
        if index == 2:
            raise OSError("the disk is full")
        return original(workplace, seed, index)

    original = rendering.draw_file
    monkeypatch.setattr(rendering, "draw_file", fail_late)
    with pytest.raises(OSError, match="full"):
        render_set(folder=tmp_path / "set", n_images=N, seed=5, n_jobs=1)
    assert list(tmp_path.iterdir()) == []


def test_every_concept_comes_up_about_equally_often():
    dealt = [DECK[index % len(DECK)] for index in range(1500)]
    counts = {concept: dealt.count(concept) for concept in set(dealt)}
    shares = {concept: DECK.count(concept) for concept in counts}
    assert all(abs(counts[c] - 1500 * shares[c] / len(DECK)) <= shares[c] for c in counts)
