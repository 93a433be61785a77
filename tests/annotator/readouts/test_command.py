"""`readout` on a small network and photographs that the test paints. The GPU process's tasks run in the test's."""

import csv
import io
import json
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image as Picture
from pytest_django import Settings

from annotator.readouts.management.commands import readout
from annotator.readouts.models import Readout
from annotator.units import gpu_queue
from annotator.units.models import Layer, Network, Unit
from workers import answering, tasks
from workers.store import open_store

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NETWORK = ["--network", "torchvision:squeezenet1_1", "--preprocessing", '{"input_px": 32}', "--layer", "features.3"]
COLORS = {"red": (200, 20, 20), "blue": (20, 20, 200)}
N_EACH = 12


@pytest.fixture(autouse=True)
def in_this_process(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does what is sent at once."""
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    monkeypatch.setattr(gpu_queue, "send", lambda name, message: tasks.answer(message))
    monkeypatch.setattr(answering.app, "send_task", lambda *_, **__: None)
    monkeypatch.setattr(readout, "gpu_process_if_none", lambda: nullcontext(SimpleNamespace(look_after=lambda: None)))


@pytest.fixture
def painted(tmp_path: Path) -> Path:
    """Class folders of red and blue photographs, and tables beside them."""
    rng = np.random.default_rng(4)
    rows = []
    for name, color in COLORS.items():
        (tmp_path / "classes" / name).mkdir(parents=True)
        for number in range(N_EACH):
            pixels = np.clip(rng.normal(color, 30, size=(8, 8, 3)), 0, 255).astype(np.uint8)
            path = f"{name}/{number}.png"
            Picture.fromarray(pixels).resize((48, 32)).save(tmp_path / "classes" / path)
            rows.append({"image": path, "split": "test" if number % 3 == 0 else "train", "name": name})
    _write(tmp_path / "targets.csv", [{**_only(row), "target": -2.5 if row["name"] == "red" else 1.5} for row in rows])
    asked = [("what color is it", None), ("is it red", "yes"), ("is it blue", "no")]
    questions = [
        {**_only(row), "question": text, "answer": _answer(str(row["name"]), fixed)}
        for row in rows
        for text, fixed in asked
    ]
    _write(tmp_path / "questions.csv", questions)
    return tmp_path


def _only(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("image", "split")}


def _answer(name: str, fixed: str | None) -> str:
    if fixed is None:
        return name
    return fixed if name == "red" else {"yes": "no", "no": "yes"}[fixed]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def run(*given: str) -> str:
    output = io.StringIO()
    call_command("readout", *given, stdout=output)
    return output.getvalue()


def fit(name: str, task: str, *given: str) -> dict[str, Any]:
    return dict(json.loads(run("fit", name, *NETWORK, "--task", task, *given, "--json")))


def show(name: str, file: Path, *given: str) -> dict[str, Any]:
    return dict(json.loads(run("show", name, str(file), *given, "--json")))


def test_a_question_is_answered_by_image_and_words_whose_shares_are_named(painted: Path) -> None:
    found = fit("colors", "vqa", "--data", str(painted / "questions.csv"), "--images", str(painted / "classes"))
    assert (found["n_training"], found["n_test"], found["n_answers"]) == (48, 24, 4)
    for name in ("accuracy", "accuracy_image", "accuracy_words", "accuracy_first_words", "accuracy_majority"):
        assert 0 <= found[name]["low"] <= found[name]["value"] <= found[name]["high"] <= 1
    assert found["accuracy"]["value"] > found["accuracy_majority"]["value"]
    network = Network.objects.create(
        name="squeeze", architecture="torchvision:squeezenet1_1", preprocessing={"input_px": 32}, registered_at=NOW,
        weights_sha256=found["network"]["weights_sha256"], weights_from="random",
    )  # fmt: skip
    layer = Layer.objects.create(network=network, path="features.3", n_units=128)
    Unit.objects.bulk_create(Unit(layer=layer, index=index) for index in range(128))
    photograph, map_file = painted / "classes" / "blue" / "0.png", painted / "map.npy"
    picture = painted / "why.png"
    told = show(
        "colors", photograph, "--question", "What color is it, really?", "--map", str(map_file), "--picture",
        str(picture),
    )  # fmt: skip
    assert set(told) == {"prediction", "score", "image_score", "words", "units"}
    assert [one["word"] for one in told["words"]] == ["what", "color", "is", "it", "really"]
    assert told["words"][-1]["score"] == 0
    of_words = sum(one["score"] for one in told["words"])
    assert told["score"] == pytest.approx(told["image_score"] + of_words, abs=1e-5)
    assert np.load(map_file).mean() == pytest.approx(told["image_score"], abs=1e-6)
    assert len(told["units"]) == 10
    assert set(told["units"][0]) >= {"index", "contribution", "layer", "concept", "precision", "broden_label", "iou"}
    with Picture.open(picture) as drawn:
        assert drawn.width > 1000
    words = run("show", "colors", str(photograph), "--question", "what color is it", "--answer", "red")
    assert words.startswith("red: ")
    assert "[image]" in words
    assert "[word]" in words
    assert "images that speak for red: red/" in words
    assert "questions that speak for red: what color is it" in words


def test_classes_numbers_and_clusters_are_read_from_units(painted: Path) -> None:
    folder, photograph = painted / "classes", painted / "classes" / "red" / "0.png"
    found = fit("classes", "classify", "--data", str(folder))
    assert found["accuracy"]["value"] > found["accuracy_majority"]["value"]
    told = show("classes", photograph)
    assert (set(told), told["prediction"]) == ({"prediction", "score", "units"}, "red")
    found = fit("numbers", "regress", "--data", str(painted / "targets.csv"), "--images", str(folder))
    assert found["explained"]["value"] > 0.5
    assert found["absolute_error"]["value"] < found["absolute_error_of_mean"]["value"]
    map_file = painted / "map.npy"
    told = show("numbers", photograph, "--map", str(map_file))
    bias = float(open_linear("numbers")["bias"][0])
    assert told["prediction"] == told["score"] < 0
    assert np.load(map_file).mean() + bias == pytest.approx(told["score"], abs=1e-5)
    assert np.load(map_file).min() < 0
    fit("groups", "cluster", "--data", str(folder), "--clusters", "3")
    told = show("groups", photograph, "--map", str(map_file), "--answer", "cluster 1", "--against", "cluster 2")
    arrays = open_linear("groups")
    assert told["prediction"] == "cluster 1"
    bias = arrays["bias"][0] - arrays["bias"][1]
    assert np.load(map_file).mean() + bias == pytest.approx(told["score"], abs=1e-5)
    assert "numbers: a number, fitted; explained variance" in run("list")
    run("delete", "numbers")
    assert "numbers" not in run("list")
    # Pooled units are shared by the other read-outs of these photographs, and go with the last one.
    store = open_store(f"file://{painted / 'store' / 'features'}")
    assert list(store.names())
    for name in ("classes", "groups"):
        run("delete", name)
    assert list(store.names()) == []


def open_linear(name: str) -> dict[str, Any]:
    from safetensors.numpy import load

    kept = Readout.objects.get(name=name)
    return load(open_store(kept.folder).read("readout.safetensors"))


def test_what_cannot_be_fitted_or_shown_is_refused_in_one_sentence(painted: Path) -> None:
    folder, photograph = str(painted / "classes"), painted / "classes" / "red" / "0.png"
    fit("classes", "classify", "--data", folder)
    (painted / "wrong.csv").write_text("image,target\nred/0.png,much\n")
    (listed := painted / "list.txt").write_text("红.png\r\n\r\nred/0.png\r\n", encoding="utf-16")
    started = ["fit", "other", *NETWORK, "--data"]
    refused = {
        "There is a read-out 'classes' already": ["fit", "classes", *NETWORK, "--task", "classify", "--data", folder],
        "line 2, column target: 'much' is not a number": [*started, str(painted / "wrong.csv"), "--task", "regress",
                                                         "--images", folder],
        "needs the columns image, question and answer": [*started, str(painted / "wrong.csv"), "--task", "vqa"],
        "A read-out reads one layer": [*started, folder, "--task", "cluster", "--layer", "features.4"],
        "There is nothing at": [*started, str(painted / "absent"), "--task", "classify"],
        "There is no class 'green'": [*started, folder, "--task", "classify", "--positive", "green"],
        "not there, or unreadable: 红.png": [*started, folder, "--task", "cluster", "--test", str(listed)],
        "lists nothing": [*started, folder, "--task", "cluster", "--test", "/dev/null"],
        "clusters lies between": [*started, folder, "--task", "cluster", "--clusters", "1"],
        "takes no question": ["show", "classes", str(photograph), "--question", "why"],
        "has no answer 'green'": ["show", "classes", str(photograph), "--answer", "green"],
        "There is no read-out 'none'": ["show", "none", str(photograph)],
    }  # fmt: skip
    for words, given in refused.items():
        with pytest.raises(CommandError, match=words) as caught:
            run(*given)
        assert "\n" not in str(caught.value)
    # Another network under the same address, as after its file was overwritten.
    Readout.objects.filter(name="classes").update(preprocessing={"input_px": 48})
    with pytest.raises(CommandError, match=r"network changed since the read-out was fitted \(preprocessing\)"):
        run("show", "classes", str(photograph))
    kept = Readout.objects.get(name="classes")
    kept.preprocessing = {"input_px": 32}
    kept.save()
    store = open_store(kept.folder)
    store.write("readout.safetensors", store.read("readout.safetensors")[:-4] + b"spam")
    with pytest.raises(CommandError, match="file is damaged"):
        run("show", "classes", str(photograph))
