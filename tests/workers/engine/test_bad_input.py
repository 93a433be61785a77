"""Damaged and hostile input: clear words, no code executed, and the rest of the set is processed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from tests.workers.engine import hostile, making
from workers.engine.images.batches import Stopwatch, read_batch
from workers.engine.images.decoding import MAX_PIXELS, ImageUnreadable, decode_image
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers.table import open_image_set
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.filling import CheckpointMismatch
from workers.engine.networks.loading import load_network
from workers.engine.networks.preprocessing import Preprocessing, PreprocessingInvalid
from workers.engine.networks.sources.built import ArchitectureNotFound

INPUT = Preprocessing(input_px=32)
MADE_IMAGES, MADE_TABLES = 150, 60


def check_images(folder: Path, *, n: int, seed: int) -> None:
    """n mutated images beside one good one: each is decoded or quarantined with one line of words."""
    rng = default_rng(seed)
    (folder / "good.png").write_bytes(hostile.valid_images(rng)["plain.png"])
    for i in range(n):
        name, data = list(hostile.valid_images(rng).items())[i % 10]
        suffix = rng.choice([Path(name).suffix, ".jpg", ".png"])
        (folder / f"{i:04}{suffix}").write_bytes(hostile.mutate(data, rng))
    image_set = open_image_set(folder)
    batch = read_batch(image_set=image_set, preprocessing=INPUT, indices=range(len(image_set.paths)), watch=Stopwatch())
    assert image_set.paths.index("good.png") in batch.images
    assert len(batch.images) + len(batch.quarantined) == len(image_set.paths)
    assert len(batch.quarantined) > n / 5
    assert all(reason and "\n" not in reason and "0x" not in reason for _, reason in batch.quarantined)


def check_tables(folder: Path, *, n: int, seed: int) -> None:
    """n Broden folders with one damaged csv or label map: opened, or refused in one sentence."""
    rng = default_rng(seed)
    making.make_broden(folder / "good", rng=rng, n_images=3)
    files = sorted(path.relative_to(folder / "good") for path in (folder / "good").rglob("*.*"))
    refusals: list[str] = []
    for i in range(n):
        root = folder / f"bad-{i}"
        shutil.copytree(folder / "good", root)
        target = root / files[int(rng.integers(0, len(files)))] if i % 2 else root / "index.csv"
        target.write_bytes(hostile.mutate(target.read_bytes(), rng))
        try:
            image_set = open_image_set(root)
        except ImageSetError as error:
            refusals.append(str(error))
            continue
        read_batch(image_set=image_set, preprocessing=INPUT, indices=range(len(image_set.paths)), watch=Stopwatch())
    assert len(refusals) > n / 5
    assert all(words.endswith(".") and "\n" not in words for words in refusals)


def test_mutated_images_are_decoded_or_quarantined(tmp_path: Path) -> None:
    check_images(tmp_path, n=MADE_IMAGES, seed=1)


def test_broken_tables_and_label_maps_are_refused_or_quarantined(tmp_path: Path) -> None:
    check_tables(tmp_path, n=MADE_TABLES, seed=2)


def test_every_kind_of_image_is_decoded(tmp_path: Path) -> None:
    for name, data in hostile.valid_images(default_rng(0)).items():
        (tmp_path / name).write_bytes(data)
        pixels = decode_image(tmp_path / name, input_px=16, resize="center_crop", interpolation="bilinear")
        assert pixels.shape == (16, 16, 3)
        assert 5 < pixels.mean() < 250


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 1), (9000, 9000)])
def test_a_header_that_claims_too_much_is_not_believed(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(hostile.png_claiming(*size))
    with pytest.raises(ImageUnreadable):
        decode_image(tmp_path / "a.png", input_px=16, resize="warp", interpolation="bilinear")


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(hostile.bomb(12_000))
    assert MAX_PIXELS < 12_000**2
    with pytest.raises(ImageUnreadable, match="pixels"):
        decode_image(tmp_path / "a.png", input_px=16, resize="warp", interpolation="bilinear")


def tiny() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.Conv2d(2, 2, 3))


def test_fifty_hostile_checkpoints_are_refused_in_words_and_run_no_code(tmp_path: Path) -> None:
    made = hostile.checkpoints(tiny().state_dict(), default_rng(3))
    assert len(made) == 50
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(NetworkError) as caught:
            load_network(architecture="tests.workers.engine.test_bad_input:tiny", weights=tmp_path / name)
        assert name in str(caught.value)
        assert str(caught.value).count("\n") <= 1


def test_keys_that_do_not_fit_are_named(tmp_path: Path) -> None:
    state = tiny().state_dict()
    state["head.bias"] = state.pop("1.bias")
    state["0.weight"] = torch.zeros(5, 3, 3, 3)
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(CheckpointMismatch) as caught:
        load_network(architecture="tests.workers.engine.test_bad_input:tiny", weights=tmp_path / "a.pth")
    found, help_ = str(caught.value).split("\n")
    assert found == (
        "a.pth does not fit the network; keys 1 missing: 1.bias; 1 unexpected: head.bias; "
        "1 of another shape: 0.weight (5x3x3x3 instead of 2x3x3x3)."
    )
    assert "--network torchvision:NAME" in help_


def test_prefixes_and_wrappers_of_training_scripts_are_taken_off(tmp_path: Path) -> None:
    state = {f"module.{key}": value for key, value in tiny().state_dict().items()}
    torch.save({"epoch": 90, "state_dict": state, "best": 0.5}, tmp_path / "a.pth.tar")
    network = load_network(architecture="tests.workers.engine.test_bad_input:tiny", weights=tmp_path / "a.pth.tar")
    np.testing.assert_array_equal(network.module.state_dict()["0.weight"], state["module.0.weight"])
    assert len(network.weights_sha256) == 64


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("alexnet", "'alexnet' is none of torchvision:NAME, timm:NAME"),
        ("torchvision:alexnot", "torchvision has no network 'alexnot'; it has alexnet"),
        ("no.such.module:make", "no.such.module cannot be imported"),
        ("os:getcwd", "os:getcwd gives a str, not a network"),
        ("sys:exit", "sys:exit\\(\\) fails: SystemExit"),
        ("nets/mine.py:make", "is a path: .* such as nets.mine:make, and .* the folder where nets lies"),
        ("/home/me/nets/mine.py:make", "such as mine:make, and"),
        ("../nets/mine.py:make", "such as mine:make, and .* the folder where mine lies"),
        ("unitscope:net", "no 'net'"),
    ],
)
def test_unknown_architectures_are_named(name: str, words: str) -> None:
    with pytest.raises(ArchitectureNotFound, match=words):
        load_network(architecture=name, weights=None)


def test_a_module_that_cannot_be_imported_says_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name, code, words in (
        ("mine_relative", "from .blocks import block", r"in the folder above, and name FOLDER\.mine_relative:make"),
        ("mine_script", "import sys\nsys.exit(2)", r"SystemExit: 2\. It ends the program .* below `if __name__"),
    ):
        (tmp_path / f"{name}.py").write_text(code)
        with pytest.raises(ArchitectureNotFound, match=words):
            load_network(architecture=f"{name}:make", weights=None)


def test_random_weights_are_drawn_by_the_seed() -> None:
    make = "tests.workers.engine.test_bad_input:tiny"
    first, again, other = (load_network(architecture=make, weights=None, seed=seed).module for seed in (1, 1, 2))
    assert torch.equal(first[0].weight, again[0].weight)  # type: ignore[index]
    assert not torch.equal(first[0].weight, other[0].weight)  # type: ignore[index]


def test_an_input_convention_survives_json_and_is_checked() -> None:
    assert INPUT.stated(INPUT.to_json()) == INPUT
    for change in ({"input_px": 4}, {"resize": "stretch"}, {"std": [1, 0, 1]}, {"interpolation": "magic"}, {"more": 1}):
        with pytest.raises(PreprocessingInvalid):
            INPUT.stated({**INPUT.to_json(), **change})


def test_a_malformed_row_names_file_line_and_column(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(0), n_images=3)
    index = tmp_path / "set" / "index.csv"
    good = index.read_text()
    for old, new, words in (
        (",16,16,", ",16,sixteen,", "index.csv, line 2, column sw: 'sixteen' is not a whole number"),
        ("002.png,", "../../002.png,", r"index.csv, line 4, column image: '../../002.png' is not a path below images/"),
        ("001.png,", "000.png,", "index.csv, line 3, column image: '000.png' stands twice"),
        ("image,split", "picture,split", "index.csv, line 1: there is no column image"),
    ):
        index.write_text(good.replace(old, new, 1))
        with pytest.raises(ImageSetError, match=words):
            open_image_set(tmp_path / "set")
    index.write_text(good)
    (tmp_path / "set" / "c_part.csv").unlink()
    with pytest.raises(ImageSetError, match=r"c_part\.csv is missing"):
        open_image_set(tmp_path / "set")
