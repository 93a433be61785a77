"""Importance and ablation go on where a GPU process was killed, and end with the same answer."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from torch import nn

from workers import contract, keeping
from workers.engine import weigh
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing
from workers.leases import Reporter
from workers.parts import Asked
from workers.store import FileStore
from workers.weighing import ablate_units, weigh_units

N_IMAGES, PX, N_CLASSES, N_UNITS = 70, 32, 2, 6
ABLATION = {"layer": "", "classes": "", "asked": {"n_others": 4, "n_random": 2, "n_least": 3, "counts": [2]}}
IMPORTANCE = {"layers": [""]}
PARTS_OF_ABLATION = ("own", "others", "costs", "counts", "n_images", "unreadable")
ANSWER = {contract.ABLATE: ablate_units, contract.IMPORTANCE: weigh_units}
OPTIONS: dict[str, dict[str, Any]] = {contract.ABLATE: ABLATION, contract.IMPORTANCE: IMPORTANCE}


def make_network() -> LoadedNetwork:
    torch.manual_seed(3)
    body = [nn.Conv2d(3, N_UNITS, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    module = nn.Sequential(*body, nn.Linear(N_UNITS, N_CLASSES)).eval()
    return LoadedNetwork("tests:six", module, Preprocessing(input_px=PX), weights_sha256="3")


def answer(kind: str, images: Path, folder: Path, **more: Any) -> dict[str, Any]:
    request = contract.QuestionRequest(
        question_id="q", kind=kind, architecture="", weights="", preprocessing=None, artifact=str(folder), attempt=1,
        options={"images": str(images), **OPTIONS[kind], **more},
    )  # fmt: skip
    return ANSWER[kind](Asked(request, make_network(), FileStore(f"file://{folder}"), Reporter()))


def paint(folder: Path) -> Path:
    """70 photographs, which are three batches; one cannot be read."""
    rng = np.random.default_rng(1)
    folder.mkdir()
    for number in range(N_IMAGES):
        coarse = Picture.fromarray(rng.integers(0, 256, size=(4, 4, 3), dtype=np.uint8))
        coarse.resize((PX, PX)).save(folder / f"{number:02d}.png")
    (folder / "05.png").write_text("no picture")
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return paint(tmp_path / "images")


# Each question is asked in a process of its own, which ends after so many batches as kill -9 ends it. They come from
# one that has read all modules: torch is read once.
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.workers import test_keeping
from workers import keeping
from workers.engine import ablate, weigh
keeping.KEPT_EVERY_SECONDS = 0
read = weigh.read_images
folder = Path(sys.argv[1])
for kind, n_batches in test_keeping.KILLED_AFTER.items():
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"{kind} ended with status {status}")
        continue
    left = [n_batches]
    def dying(*given, **named):
        for batch in read(*given, **named):
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            yield batch
    ablate.read_images = weigh.read_images = dying
    test_keeping.answer(kind, folder / "images", folder / kind)
    os._exit(0)
"""
KILLED_AFTER = {contract.IMPORTANCE: 2, contract.ABLATE: 4}
N_LEFT = {contract.IMPORTANCE: N_IMAGES - 2 * weigh.BATCH, contract.ABLATE: N_IMAGES - 1 - weigh.BATCH}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `images`, and for each kind of question the folder in which its process left what it had done."""
    folder = tmp_path_factory.mktemp("killed")
    paint(folder / "images")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder)], cwd=Path(__file__).parents[2], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder


@pytest.mark.parametrize("kind", KILLED_AFTER)
def test_what_a_killed_process_had_done_is_not_done_again(
    kind: str, killed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = answer(kind, killed / "images", tmp_path / "whole")
    seen: list[str] = []
    decode = weigh.decode_image
    monkeypatch.setattr(
        weigh,
        "decode_image",
        lambda path, **how: seen.append(path.name) or decode(path, **how),  # type: ignore[func-returns-value]
    )
    resumed = answer(kind, killed / "images", killed / kind)
    if kind == contract.ABLATE:
        assert [resumed[name] for name in PARTS_OF_ABLATION] == [whole[name] for name in PARTS_OF_ABLATION]
    else:
        (left,), (right,) = resumed.pop("layers"), whole.pop("layers")
        assert left.pop("importance") == pytest.approx(right.pop("importance"))
        assert left.pop("mean_share") == pytest.approx(right.pop("mean_share"))
        assert (left, resumed) == (right, whole)
    assert len(seen) == N_LEFT[kind]
    assert list(FileStore(f"file://{killed / kind}").names()) == [], "what was kept is not needed any more"


def test_what_was_kept_of_another_question_is_passed_over(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEPT_EVERY_SECONDS", 0)
    monkeypatch.setattr(keeping.FolderKeeper, "forget", lambda keeper: None)
    before = answer(contract.IMPORTANCE, images, tmp_path / "one")
    (images / "06.png").unlink()
    after = answer(contract.IMPORTANCE, images, tmp_path / "one")
    assert (before["layers"][0]["n_images"], after["layers"][0]["n_images"]) == (69, 68)
    (tmp_path / "one" / contract.kept_name("1")).write_bytes(b"cut short")
    assert answer(contract.IMPORTANCE, images, tmp_path / "one") == after


def test_importance_sees_photographs_as_a_dissection_with_these_labels_does(tmp_path: Path) -> None:
    """Labeled photographs are warped to the input; of others, the central square is seen."""
    rng = np.random.default_rng(2)
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        pixels = rng.integers(0, 256, size=(32, 96, 3), dtype=np.uint8)
        Picture.fromarray(pixels).save(tmp_path / "images" / name / "1.png")
    seen = [
        answer(contract.IMPORTANCE, tmp_path / "images", tmp_path / "one", labels=labels)["layers"][0]["importance"]
        for labels in ("none", "folders")
    ]
    assert seen[0] != pytest.approx(seen[1])
