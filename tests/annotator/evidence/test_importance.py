"""`importance` and `ablate` by a GPU process of their own, on a small network that the test writes."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image as Picture
from pytest_django import Settings

from annotator.evidence.models import Question
from annotator.evidence.weighing import keep_importance
from annotator.units.models import ImageSet, Layer, Network, Unit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("gpu_process")]
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
N_UNITS = 512
SQUEEZENET = ["--network", "torchvision:squeezenet1_1"]


@pytest.fixture(autouse=True)
def artifact_root(settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    rng = np.random.default_rng(2)
    for number in range(6):
        pixels = rng.integers(0, 256, size=(8, 8, 3), dtype=np.uint8)
        Picture.fromarray(pixels).resize((64, 64)).save(folder / f"{number}.png")
    lines = [f"{number}.png,{number % 2}" for number in range(6)]
    (tmp_path / "index.csv").write_text("image,class_index\n" + "\n".join(lines) + "\n")
    return folder


def run(*given: str) -> str:
    output = io.StringIO()
    call_command(*given, stdout=output)
    return output.getvalue()


def test_importance_is_kept_beside_the_units_of_the_dissected_layer(photographs: Path) -> None:
    given = [*SQUEEZENET, "--images", str(photographs)]
    found = json.loads(run("importance", *given, "--json"))
    (told,) = found["layers"]
    assert (told["layer"], told["by"], told["n_images"]) == ("features.12", "contributions", 6)
    assert len(told["units"]) == N_UNITS
    assert [unit["importance"] for unit in told["units"]] == sorted(told["importance"], reverse=True)
    assert "Not kept: nobody has dissected features.12" in run("importance", *given)
    network = Network.objects.create(
        name="squeeze", architecture="torchvision:squeezenet1_1", registered_at=NOW, weights_from="random",
        weights_sha256=found["network"]["weights_sha256"],
    )  # fmt: skip
    layer = Layer.objects.create(network=network, path="features", n_units=N_UNITS)
    Unit.objects.bulk_create(Unit(layer=layer, index=index) for index in range(N_UNITS))
    ImageSet.objects.create(name="six", address=str(photographs), registered_at=NOW)
    assert "Kept beside the units of features." in run("importance", *given)
    layer.refresh_from_db()
    assert layer.importance_over == {"images": "six", "n_images": 6, "by": "contributions"}
    kept = list(layer.units.order_by("index").values_list("importance", flat=True))
    assert kept == pytest.approx(told["importance"])
    # Another measurement replaces it; a layer of another size is another layer.
    question = Question(architecture="torchvision:squeezenet1_1")
    again = {"network": found["network"], "layers": [{**told, "importance": [2.0] * N_UNITS, "n_images": 1}]}
    Layer.objects.create(network=network, path="features.12", n_units=3)
    (place,) = keep_importance(again, question=question, images="others")
    assert [one.path for one in place.layers] == ["features"]
    assert set(layer.units.values_list("importance", flat=True)) == {2.0}
    # The same tensors with another preprocessing are another network.
    question.preprocessing = {"input_px": 64}
    (place,) = keep_importance(again, question=question, images="small")
    assert place.layers == []


def test_ablation_is_told_and_drawn(photographs: Path, tmp_path: Path) -> None:
    given = [*SQUEEZENET, "--images", str(photographs), "--classes", str(tmp_path / "index.csv")]
    few = ["--count", "2", "--count", "20", "--random", "2", "--others", "2"]
    words = run("ablate", *given, *few, "--out", str(tmp_path / "figures"))
    assert "512 units of features.12, shares by contributions; 2 classes by file, 6 of their photographs" in words
    assert "points [95 % over photographs]" in words
    assert sorted(path.name for path in (tmp_path / "figures").glob("*.svg")) == [
        "ablation-0.svg", "ablation-1.svg", "ablation.svg",
    ]  # fmt: skip
    found: dict[str, Any] = json.loads(run("ablate", *SQUEEZENET, *given[2:4], *few, "--json"))
    assert (found["classes_by"], found["counts"]) == ("the network", [2, 20])
    # Without a list, the class is what the network says of a photograph with all its units.
    assert {point["value"] for points in found["own"]["curves"].values() for point in points[:1]} == {1.0}
    assert [cost["n"] for cost in found["costs"]] == [2, 20]


def test_what_cannot_be_weighed_or_ablated_is_refused_in_one_sentence(photographs: Path, tmp_path: Path) -> None:
    images = ["--images", str(photographs)]
    listed = ["ablate", *SQUEEZENET, *images, "--classes"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "wrong.csv").write_text("image,class_index\n1.png,1000\n")
    (tmp_path / "gone.csv").write_text("image,class_index\ngone.png,1\n")
    refused = {
        "no folder of images at": ["importance", *SQUEEZENET, "--images", str(tmp_path / "absent")],
        "holds no images": ["importance", *SQUEEZENET, "--images", str(tmp_path / "empty")],
        "no file or folder of labels at": ["importance", *SQUEEZENET, *images, "--labels", str(tmp_path / "absent")],
        r"classifier\.4": ["importance", "--network", "torchvision:alexnet", *images],
        "There is no layer 'nothing'": ["ablate", *SQUEEZENET, *images, "--layer", "nothing"],
        "the network has the classes 0 to 999": [*listed, str(tmp_path / "wrong.csv")],
        "1 photograph is not in": [*listed, str(tmp_path / "gone.csv")],
        "no file of classes": [*listed, str(tmp_path / "absent.csv")],
        "--random is 1 or more": ["ablate", *SQUEEZENET, *images, "--random", "0"],
        "No class has 9 photographs": ["ablate", *SQUEEZENET, *images, "--least", "9"],
    }  # fmt: skip
    for words, given in refused.items():
        with pytest.raises(CommandError, match=words) as caught:
            run(*given)
        assert "\n" not in str(caught.value)
