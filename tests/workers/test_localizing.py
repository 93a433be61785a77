"""A set with boxes is measured in parts, whatever they are, to the same answer."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from workers import contract, localizing, localizing_masks
from workers.engine import localize as localize_images
from workers.engine import resampling
from workers.engine.evidence.box_files.boxed_images import BoxesInvalid
from workers.engine.images.decoding import ORIENTATION
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing
from workers.leases import Reporter
from workers.localizing import localize_set
from workers.parts import Asked, PartsChanged
from workers.store import FileStore

N_IMAGES, PX, N_CLASSES = 12, 32, 3
UNREADABLE = 7
SHARD_IMAGES = 8


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """12 photographs of bright squares, one of which cannot be read; boxes around the squares, and masks of them."""
    rng, rows, masks = np.random.default_rng(5), [], []
    (tmp_path / "images" / "masks").mkdir(parents=True)
    for number in range(N_IMAGES):
        pixels = rng.integers(0, 60, size=(40, 40, 3), dtype=np.uint8)
        x, y = rng.integers(0, 20, size=2)
        pixels[y : y + 16, x : x + 16, number % 3] = 250
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number:02d}.png")
        mask = np.zeros((40, 40), dtype=np.uint8)
        mask[y : y + 16, x : x + 16] = 255
        Image.fromarray(mask).save(tmp_path / "images" / "masks" / f"{number:02d}.png")
        masks.append(f"{number:02d}.png,{number % N_CLASSES},masks/{number:02d}.png")
        rows.append(f"{number:02d}.png,{number % N_CLASSES},40,40,{x},{y},{x + 16},{y + 16}")
    (tmp_path / "images" / f"{UNREADABLE:02d}.png").write_text("no picture")
    header = "image,class_index,width,height,x0,y0,x1,y1"
    (tmp_path / "all.csv").write_text("\n".join([header, *rows]))
    (tmp_path / "few.csv").write_text("\n".join([header, *rows[:5]]))
    (tmp_path / "masks.csv").write_text("\n".join(["image,class_index,mask", *masks]))
    return {"images": str(tmp_path / "images"), "boxes": str(tmp_path / "all.csv")}


@pytest.fixture(autouse=True)
def small_batches_and_few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cuts lie between batches, so that a few photographs have some. No interval is read here."""
    for module in (localizing, localizing_masks, localize_images):
        monkeypatch.setattr(module, "BATCH", 4)
    monkeypatch.setattr(
        resampling.bootstrap, "__kwdefaults__", {**resampling.bootstrap.__kwdefaults__, "n_resamples": 50}
    )


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
    assert (whole["n_images"], list(whole["unreadable"])) == (N_IMAGES - 1, ["07.png"])
    two = answer_all(network, options | {"shard_images": SHARD_IMAGES}, tmp_path / "two")
    plan = json.loads((tmp_path / "two" / contract.result_name(0)).read_bytes())
    assert plan[contract.PARTS] == [8, 4]
    assert two == whole
    assert len(list((tmp_path / "two" / "pictures").iterdir())) == N_IMAGES - 1
    # What a lost GPU process left is joined by the next one, which measures nothing again.
    monkeypatch.setattr(localizing, "localize", lambda **given: pytest.fail("measured again"))
    assert ask(network, options | {"shard_images": SHARD_IMAGES}, tmp_path / "two", 3) == whole


def test_thresholds_come_from_other_photographs_if_these_are_stated(options: dict[str, Any], tmp_path: Path) -> None:
    network, boxes = make_network(0), str(tmp_path / "few.csv")
    few = answer_all(network, options | {"boxes": boxes}, tmp_path / "few")
    found = answer_all(network, options | {"tau_boxes": boxes}, tmp_path / "chosen")
    assert found["v1_tau"] == few["v1_tau"]
    assert found["v2_taus"] == few["v2_taus"]
    assert found["tau_from"] == {"boxes": "few.csv", "n_images": 5, "sha256": few["sha256"]}
    whole = answer_all(network, options, tmp_path / "whole")
    assert (whole["tau_from"], found["sha256"]) == (None, whole["sha256"])
    assert found["v1"] <= whole["v1"]
    assert found["gt_known"] == whole["gt_known"]


def test_masks_are_measured_in_parts_to_the_same_answer(options: dict[str, Any], tmp_path: Path) -> None:
    network = make_network(0)
    given = {"images": options["images"], "masks": str(tmp_path / "masks.csv")}
    whole = answer_all(network, given, tmp_path / "whole")
    assert (whole["n_images"], list(whole["unreadable"])) == (N_IMAGES - 1, ["07.png"])
    assert answer_all(network, given | {"shard_images": SHARD_IMAGES}, tmp_path / "two") == whole
    assert whole["pxap_low"] <= whole["pxap"] <= whole["pxap_high"]
    assert whole["object_share"] == pytest.approx(100 * (90 / 224) ** 2, abs=0.5), "16 of 40 px"
    (tmp_path / "images" / "masks" / "03.png").unlink()
    with pytest.raises(BoxesInvalid, match=r"Photographs or masks that are not in images: 1, the first masks/03\.png"):
        answer_all(network, given, tmp_path / "gone")


def test_maps_that_say_nothing_are_counted_and_if_there_are_no_others_refused(
    options: dict[str, Any], tmp_path: Path
) -> None:
    network = make_network(0)
    last = network.module[-1]
    assert isinstance(last, nn.Linear)
    last.weight[1] = 0
    found = answer_all(network, options, tmp_path / "one")
    assert found["n_without_map"] == sum(number % N_CLASSES == 1 for number in range(N_IMAGES) if number != UNREADABLE)
    last.weight[[0, 2]] = -1.0
    with pytest.raises(BoxesInvalid, match="positive nowhere or the same everywhere: they give no boxes"):
        answer_all(network, options, tmp_path / "two")
    last.weight[0, 0] = torch.nan
    with pytest.raises(Exception, match=r"not finite|not a number"):
        answer_all(network, options, tmp_path / "three")


def test_parts_of_what_changed_meanwhile_are_not_joined(options: dict[str, Any], tmp_path: Path) -> None:
    given = options | {"shard_images": SHARD_IMAGES}
    ask(make_network(0), given, tmp_path / "one", 0)
    with pytest.raises(PartsChanged, match="changed while this was measured"):
        ask(make_network(1), given, tmp_path / "one", 2)


def test_boxes_and_masks_of_a_photograph_that_lies_otherwise_are_not_measured(
    options: dict[str, Any], tmp_path: Path
) -> None:
    images, exif = tmp_path / "images", Image.Exif()
    exif[ORIENTATION] = 6
    for name, size, given in (("00", (40, 20), exif), ("01", (40, 20), None), ("02", (40, 20), None)):
        Image.new("RGB", size).save(images / f"{name}.png", **({"exif": given} if given else {}))
    Image.new("L", (80, 40), 255).save(images / "masks" / "01.png")
    Image.new("L", (40, 20), 255).save(images / "masks" / "00.png")
    lines = ["00.png,0,40,20,0,0,9,9", "01.png,1,80,40,0,0,9,9", "02.png,2,60,40,0,0,9,9", "03.png,0,40,40,0,0,9,9"]
    header = (tmp_path / "all.csv").read_text().splitlines()[0]
    (tmp_path / "turned.csv").write_text("\n".join([header, *lines]))
    network = make_network(0)
    boxed = answer_all(network, options | {"boxes": str(tmp_path / "turned.csv")}, tmp_path / "boxed")
    assert list(boxed["unreadable"]) == ["00.png", "02.png"], "of twice the size, 01.png is measured"
    assert "upright it has 20 x 40 px, but its boxes are for 40 x 20 px" in boxed["unreadable"]["00.png"]
    given = {"images": options["images"], "masks": str(tmp_path / "masks.csv")}
    masked = answer_all(network, given, tmp_path / "masked")
    assert list(masked["unreadable"]) == ["00.png", "02.png", "07.png"]
    assert "its masks are for 40 x 20 px" in masked["unreadable"]["00.png"]
