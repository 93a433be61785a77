"""`surgery` and `fit`: a network is cut, taught, registered, and taken by every command; a fit outlives what breaks."""

import errno
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from pytest_django import Settings

from annotator.evidence import asking
from annotator.evidence.fitting import CannotKeep, Destination, ask_for_fit, cancel_fits, keep_networks, write_whole
from annotator.evidence.models import Question
from annotator.evidence.published_figures import CLASSIFICATION, LOCALIZATION, read_published
from annotator.units import gpu_queue
from annotator.units.models import Network
from workers import contract
from workers.store import open_store

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TINY = "tests.workers.engine.making:tiny_module"
COLORS = {"blue": (40, 40, 200), "green": (40, 200, 40), "red": (200, 40, 40)}


@pytest.fixture(autouse=True)
def artifact_root(settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Three classes of eight pictures each, told by their color."""
    generator = np.random.default_rng(5)
    for name, color in COLORS.items():
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(8):
            pixels = np.clip(np.array(color) + generator.normal(0, 40, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{i}.png")
    return tmp_path / "set"


def run(*given: object) -> str:
    output = io.StringIO()
    call_command(*map(str, given), stdout=output)
    return output.getvalue()


def run_json(*given: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*given, "--json"))
    return found


@pytest.mark.django_db(transaction=True)
def test_a_network_is_cut_taught_and_explained(gpu_process: None, folders: Path, tmp_path: Path) -> None:
    cut = run_json("surgery", TINY, "--layer", "3", "--units", 8, "--classes", 3, "--out", tmp_path / "cut.safetensors")
    assert (cut["maps"], cut["registered"]) == ([5, 7, 7], "cut")
    assert cut["parameters"] == cut["parameters_before"] + cut["parameters_head"] == 443 + 392
    teach = ["fit", "--images", folders, "--epochs", 8, "--batch-size", 8, "--learning-rate", 0.02]
    found = run_json(*teach, "--network", "cut", "--out", tmp_path / "taught.safetensors", "--name", "taught")
    assert found["registered"] == [{"name": "taught", "weights": str(tmp_path / "taught.safetensors")}]
    assert [one["name"] for one in found["heads"][0]["classes"]] == list(COLORS)
    assert found["published"]["rows"]["GoogLeNet-GAP"] == [35.0, 13.2]
    head = run_json("heads", "--network", "taught")
    assert (head["layer"], head["form"], head["n_classes"]) == ("surgery.relu1", "mean", 3)
    why = run_json("explain", "--network", "taught", folders / "red" / "0.png")
    assert {one["label"] for one in why["predictions"]} == set(COLORS)
    assert why["network_name"] is None or why["network_name"] == "taught"
    # Nobody needs the question's copy of the weights any more.
    for question in Question.objects.filter(kind__in=["surgery", "fit"]):
        assert list(open_store(question.folder).names()) == []
    words = run(*teach, "--network", TINY, "--layer", "3", "--head", "gap", "--head", "fc", "--units", 8)
    assert "Published, not measured here" in words
    assert "gap minus fc" in words
    refused = [
        (("surgery", TINY, "--layer", "nothing"), "no layer 'nothing'"),
        (("surgery", TINY), "--layer"),
        (("dissect", "--network", "taught", "--layer", "none", "--images", folders), "surgery.relu1, surgery.pool"),
        (("surgery", TINY, "--layer", "3", "--convolutions", 7), "7 convolutions"),
        (("surgery", "torchvision:alexnet", "--layer", "classifier.1"), "not maps of units"),
        ((*teach, "--network", "cut", "--layer", "3"), "cut already"),
        ((*teach, "--network", TINY), "--layer"),
        ((*teach, "--network", "cut", "--seeds", 0), "seeds"),
        (("fit", "--network", "cut", "--images", tmp_path / "absent"), "no folder of images"),
        (("fit", "--network", "cut", "--images", folders / "red"), "0 classes"),
        ((*teach, "--network", "cut", "--out", tmp_path / "cut.safetensors"), "already"),
        ((*teach, "--network", "cut", "--out", tmp_path / "a.pth"), "ends with .safetensors"),
        ((*teach, "--network", "cut", "--out", tmp_path / "no" / "a.safetensors"), "no folder"),
        ((*teach, "--network", "cut", "--out", tmp_path / "b.safetensors", "--name", "cut"), "another network"),
    ]
    for given, sentence in refused:
        with pytest.raises(CommandError, match=sentence) as caught:
            run(*given)
        assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == ["cut.safetensors", "taught.safetensors"]
    assert sorted(Network.objects.values_list("name", flat=True)) == ["cut", "taught"]


ASKED: dict[str, Any] = {
    "network": asking.AskedNetwork("torchvision:squeezenet1_1"), "options": {"images": "/a", "epochs": 3}, "now": NOW,
}  # fmt: skip


def ask() -> Question:
    return ask_for_fit(**ASKED)


def cancel() -> int:
    return cancel_fits(**ASKED)


@pytest.mark.django_db
def test_the_same_fit_goes_on_and_what_was_refused_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: None)
    monkeypatch.setattr(gpu_queue, "is_empty", lambda: True)
    first = ask()
    assert ask().id == first.id
    # The GPU process was lost too often: the same command goes on where the checkpoint is.
    store = open_store(first.folder)
    store.write(contract.checkpoint_name("gap-0"), b"half")
    store.write(contract.failure_name(0, 1), b"lost")
    Question.objects.filter(id=first.id).update(state=Question.State.REFUSED, refusal="lost", n_attempts=3)
    again = ask()
    again.refresh_from_db()
    assert (again.id, again.state, again.n_attempts) == (first.id, Question.State.ASKED, 1)
    assert list(store.names("results")) == []
    assert store.read(contract.checkpoint_name("gap-0")) == b"half"
    # It ended, and nobody took its networks: a GPU process looks again whether photographs and weights are the same.
    store.write(contract.weights_name("gap"), b"weights")
    store.write(contract.result_name(0), b"{}")
    Question.objects.filter(id=first.id).update(state=Question.State.ANSWERED, answer={"old": 1}, answered_at=NOW)
    again = ask()
    again.refresh_from_db()
    assert (again.id, again.state, again.answer, again.answered_at) == (first.id, Question.State.ASKED, {}, None)
    assert list(store.names("results")) == []
    assert store.read(contract.checkpoint_name("gap-0")) == b"half"
    # Its networks were taken.
    store.clear()
    Question.objects.filter(id=first.id).update(state=Question.State.ANSWERED)
    second = ask()
    assert second.id != first.id
    # Refused for a reason, which may be mended by now.
    open_store(second.folder).write(contract.result_name(0), b'{"error": "no"}')
    Question.objects.filter(id=second.id).update(state=Question.State.REFUSED, refusal="no")
    third = ask()
    assert third.id != second.id
    # A canceled fit is not taken up again.
    assert cancel() == 1
    third.refresh_from_db()
    assert (third.state, third.refusal) == (Question.State.REFUSED, "The fit was canceled.")
    assert cancel() == 0
    assert list(open_store(third.folder).names()) == [], "as a GPU process leaves it that worked on it"
    assert ask().id not in {second.id, third.id}


@pytest.mark.django_db
def test_networks_that_were_kept_before_a_failure_are_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: None)
    question, fsync = ask(), os.fsync
    store = open_store(question.folder)
    heads = [{"head": head, "architecture": "torchvision:squeezenet1_1"} for head in ("gap", "gmp", "fc")]
    for told in heads:
        store.write(contract.weights_name(told["head"]), told["head"].encode())

    def plan() -> Destination:
        return Destination.plan(out=tmp_path / "a.safetensors", name="", heads=[told["head"] for told in heads])

    def fill_from_the_second(number: int) -> None:
        if (tmp_path / "a-gap.safetensors").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(number)

    monkeypatch.setattr(os, "fsync", fill_from_the_second)
    with pytest.raises(CannotKeep, match="give the same command again"):
        keep_networks(question, heads, plan(), now=NOW)
    monkeypatch.setattr(os, "fsync", fsync)
    (tmp_path / "a-gap.safetensors").write_bytes(b"other")
    with pytest.raises(CannotKeep, match="is another network by now"):
        keep_networks(question, heads, plan(), now=NOW)
    (tmp_path / "a-gap.safetensors").write_bytes(b"gap")
    kept = keep_networks(question, heads, plan(), now=NOW)
    assert [one.name for one in kept] == ["a-gap", "a-gmp", "a-fc"]
    assert [Path(one.weights).read_bytes() for one in kept] == [b"gap", b"gmp", b"fc"]
    with pytest.raises(CannotKeep, match="already"):
        plan()


def test_a_full_disk_leaves_no_half_of_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(CannotKeep, match="cannot be written: No space left on device"):
        write_whole(tmp_path / "a.safetensors", b"weights")
    assert list(tmp_path.iterdir()) == []


def test_published_figures_are_those_of_the_paper() -> None:
    table = read_published(CLASSIFICATION)["rows"]
    assert len(table) == 9
    assert (table["AlexNet*-GAP"], table["GoogLeNet-GMP"]) == ([44.9, 20.9], [35.6, 13.9])
    assert len(read_published(LOCALIZATION)["rows"]) == 6
