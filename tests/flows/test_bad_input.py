"""Bad input to the commands: one sentence and exit status 2, no traceback, nothing half-written."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.flows.conftest import ROOT, House


def refuse(house: House, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=house.processes.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def broden(dissection_images: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(dissection_images, tmp_path / "broken"))


def test_a_missing_layer_lists_the_layers_there_are(house: House, dissection_images: Path) -> None:
    words = refuse(house, "dissect", "--network", "torchvision:squeezenet1_1", "--layer", "features.99",
                   "--images", str(dissection_images))  # fmt: skip
    assert "features.99" in words
    assert "features.12" in words


def test_a_checkpoint_that_does_not_fit_names_the_keys(house: House, dissection_images: Path, tmp_path: Path) -> None:
    save_file({"head.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    words = refuse(house, "dissect", "--network", "torchvision:squeezenet1_1", "--weights",
                   str(tmp_path / "other.safetensors"), "--layer", "features.3", "--images",
                   str(dissection_images))  # fmt: skip
    assert "head.weight" in words
    assert "features.0.weight" in words


def test_a_malformed_index_row_names_file_line_and_column(house: House, broden: Path) -> None:
    index = broden / "index.csv"
    lines = index.read_text().splitlines()
    fields = lines[5].split(",")
    height_of_label_map = lines[0].split(",").index("sh")
    fields[height_of_label_map] = "many"
    index.write_text("\n".join([*lines[:5], ",".join(fields), *lines[6:]]) + "\n")
    words = refuse(house, "dissect", "--network", "torchvision:squeezenet1_1", "--layer", "features.3",
                   "--images", str(broden))  # fmt: skip
    assert "index.csv" in words
    assert "line 6" in words
    assert "column sh" in words


def test_a_folder_that_is_not_there_and_a_name_that_is_no_network(house: House, dissection_images: Path) -> None:
    layer = ["--layer", "features.3"]
    assert "There is no folder" in refuse(house, "dissect", "--network", "torchvision:alexnet", *layer,
                                          "--images", "/nowhere/at/all")  # fmt: skip
    assert "nonesuch" in refuse(house, "dissect", "--network", "torchvision:nonesuch", *layer,
                                "--images", str(dissection_images))  # fmt: skip


def test_commands_on_what_is_not_there_say_so(house: House) -> None:
    for command in (["collect"], ["label"], ["compare"], ["report"]):
        assert "nonesuch" in refuse(house, *command, "nonesuch")
    refuse(house, "launch", "x", "--dissection", "00000000-0000-0000-0000-000000000000", "--yes")


def test_an_unreadable_image_is_quarantined_and_counted(house: House, broden: Path) -> None:
    import json

    pictures = sorted((broden / "images").rglob("*.jpg"))
    pictures[3].write_bytes(b"not an image")
    pictures[7].write_bytes(pictures[7].read_bytes()[:500])
    network = ["--network", "torchvision:squeezenet1_1", "--layer", "features.3.squeeze"]
    found = json.loads(house.manage("dissect", *network, "--images", str(broden), "--json"))
    assert found["n_quarantined"] == 2
    assert found["n_images"] == len(pictures)
