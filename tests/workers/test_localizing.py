"""A set with boxes is measured in parts, whatever they are, to the same answer."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from workers import contract, localizing
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing
from workers.leases import Reporter
from workers.localizing import localize_set
from workers.parts import Asked, PartsChanged
from workers.store import FileStore

N_IMAGES, PX, N_CLASSES = 80, 32, 3


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """80 photographs of bright squares, one of which cannot be read, and boxes around the squares."""
    rng, rows = np.random.default_rng(5), []
    (tmp_path / "images").mkdir()
    for number in range(N_IMAGES):
        pixels = rng.integers(0, 60, size=(40, 40, 3), dtype=np.uint8)
        x, y = rng.integers(0, 20, size=2)
        pixels[y : y + 16, x : x + 16, number % 3] = 250
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number:02d}.png")
        rows.append(f"{number:02d}.png,{number % N_CLASSES},40,40,{x},{y},{x + 16},{y + 16}")
    (tmp_path / "images" / "41.png").write_text("no picture")
    header = "image,class_index,width,height,x0,y0,x1,y1"
    (tmp_path / "all.csv").write_text("\n".join([header, *rows]))
    (tmp_path / "few.csv").write_text("\n".join([header, *rows[:20]]))
    return {"images": str(tmp_path / "images"), "boxes": str(tmp_path / "all.csv")}


def make_network(seed: int) -> LoadedNetwork:
    torch.manual_seed(seed)
    body = [nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(8, 6, 3, stride=2, padding=1), nn.ReLU()]
    module = nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, N_CLASSES)).eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return LoadedNetwork("tests:squares", module, Preprocessing(input_px=PX), weights_sha256=str(seed))


def ask(network: LoadedNetwork, options: dict[str, Any], folder: Path, position: int) -> dict[str, Any]:
    """As a GPU process answers and keeps it."""
    request = contract.QuestionRequest(
        question_id=folder.name, kind=contract.LOCALIZE, architecture="", weights="", preprocessing=None,
        artifact=str(folder), attempt=1, options=options, position=position,
    )  # fmt: skip
    store = FileStore(f"file://{folder}")
    found = localize_set(Asked(request, network, store, Reporter()))
    store.write(contract.result_name(position), json.dumps(found).encode())
    return found


def answer_all(network: LoadedNetwork, options: dict[str, Any], folder: Path) -> dict[str, Any]:
    found = ask(network, options, folder, 0)
    if contract.PARTS not in found:
        return found
    for position in range(len(found[contract.PARTS]), 0, -1):
        ask(network, options, folder, position)
    return ask(network, options, folder, len(found[contract.PARTS]) + 1)


def test_however_a_set_is_cut_the_answer_is_the_same(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = make_network(0)
    whole = answer_all(network, options, tmp_path / "whole")
    assert (whole["n_images"], list(whole["unreadable"])) == (N_IMAGES - 1, ["41.png"])
    two = answer_all(network, options | {"shard_images": 64}, tmp_path / "two")
    plan = json.loads((tmp_path / "two" / contract.result_name(0)).read_bytes())
    assert plan[contract.PARTS] == [64, 16]
    assert two == whole
    assert len(list((tmp_path / "two" / "pictures").iterdir())) == 24
    # What a lost GPU process left is joined by the next one, which measures nothing again.
    monkeypatch.setattr(localizing, "localize", lambda **given: pytest.fail("measured again"))
    assert ask(network, options | {"shard_images": 64}, tmp_path / "two", 3) == whole


def test_thresholds_come_from_other_photographs_if_these_are_stated(options: dict[str, Any], tmp_path: Path) -> None:
    network, boxes = make_network(0), str(tmp_path / "few.csv")
    few = answer_all(network, options | {"boxes": boxes}, tmp_path / "few")
    found = answer_all(network, options | {"tau_boxes": boxes}, tmp_path / "chosen")
    assert found["v1_tau"] == few["v1_tau"]
    assert found["v2_taus"] == few["v2_taus"]
    assert found["tau_from"] == {"boxes": "few.csv", "n_images": 20, "sha256": few["sha256"]}
    whole = answer_all(network, options, tmp_path / "whole")
    assert (whole["tau_from"], found["sha256"]) == (None, whole["sha256"])
    assert found["v1"] <= whole["v1"]
    assert found["gt_known"] == whole["gt_known"]


def test_parts_of_what_changed_meanwhile_are_not_joined(options: dict[str, Any], tmp_path: Path) -> None:
    given = options | {"shard_images": 32}
    ask(make_network(0), given, tmp_path / "one", 0)
    with pytest.raises(PartsChanged, match="changed while this was measured"):
        ask(make_network(1), given, tmp_path / "one", 2)
