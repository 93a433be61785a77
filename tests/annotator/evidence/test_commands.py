"""`heads` and `explain` on a trained network and a real photograph, by a GPU process of its own."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from pytest_django import Settings

from annotator.evidence.models import Question
from annotator.units.models import AutomaticLabel, Layer, Network, Unit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("gpu_process")]
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
BITTERN = 133


@pytest.fixture(autouse=True)
def artifact_root(settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"


@pytest.fixture
def squeezenet(shared: Path) -> list[str]:
    weights = shared / "data" / "weights" / "squeezenet1_1_imagenet.safetensors"
    return ["--network", "torchvision:squeezenet1_1", "--weights", str(weights)]


@pytest.fixture
def bittern(shared: Path) -> Path:
    return shared / "data" / "loc" / "images" / "ILSVRC2012_val_00000363.JPEG"


def run(*given: str) -> str:
    output = io.StringIO()
    call_command(*given, stdout=output)
    return output.getvalue()


def explain(*given: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run("explain", *given, "--json"))
    return answer


def test_the_head_of_a_trained_network_is_told(squeezenet: list[str]) -> None:
    head = json.loads(run("heads", *squeezenet, "--json"))
    assert (head["layer"], head["form"]) == ("features.12", "mean of rectified scores")
    assert head["error"] < 1e-4
    assert "512 units of features.12" in run("heads", *squeezenet)
    refused = json.loads(run("heads", "--network", "torchvision:alexnet", "--json"))
    assert "classifier.4" in refused["refused"]
    with pytest.raises(CommandError, match=r"classifier\.4"):
        run("heads", "--network", "torchvision:alexnet")


def test_a_photograph_is_explained_by_its_units(squeezenet: list[str], bittern: Path, tmp_path: Path) -> None:
    found = explain(*squeezenet, str(bittern))
    first = found["predictions"][0]
    assert (first["class_index"], first["label"]) == (BITTERN, "bittern")
    assert 0.5 < first["probability"] <= 1
    assert len(found["predictions"]) == 5
    for prediction in found["predictions"]:
        shares = sum(unit["contribution"] for unit in prediction["units"])
        assert prediction["bias"] + prediction["rest"] + shares == pytest.approx(prediction["logit"], rel=1e-4)
        x0, y0, x1, y1 = prediction["box"]
        assert 0 <= x0 < x1 <= 227
        assert 0 <= y0 < y1 <= 227
    # The annotated box of this photograph, with an IoU over one half.
    assert overlap(first["box"], [29.96, 23.04, 195.22, 181.89]) > 0.5
    picture = tmp_path / "why.png"
    words = run("explain", *squeezenet, str(bittern), "--picture", str(picture))
    assert "bittern (133)" in words
    assert "not asked yet" in words
    with Image.open(picture) as opened:
        assert opened.format == "PNG"
        assert opened.width > 800


def overlap(one: list[float], other: list[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return both / (sum(areas) - both)


def test_units_are_named_by_what_is_known_of_them(squeezenet: list[str], bittern: Path) -> None:
    found = explain(*squeezenet, str(bittern))
    unit = found["predictions"][0]["units"][0]
    assert (unit["layer"], unit["concept"], unit["broden_label"]) == ("features.12", None, None)
    network = Network.objects.create(
        name="squeeze", architecture="torchvision:squeezenet1_1", registered_at=NOW, weights_from="file",
        weights_sha256=found["network"]["weights_sha256"],
    )  # fmt: skip
    layer = Layer.objects.create(network=network, path="features", n_units=512)
    row = Unit.objects.create(layer=layer, index=unit["index"])
    AutomaticLabel.objects.create(
        unit=row, source="s", mode="imported", category="object", label="bird", iou=0.25, is_best=True
    )
    again = explain(*squeezenet, str(bittern))["predictions"][0]["units"][0]
    assert (again["layer"], again["broden_label"], again["iou"]) == ("features", "bird", 0.25)


def test_other_classes_methods_and_layers_can_be_asked_for(squeezenet: list[str], bittern: Path) -> None:
    found = explain(*squeezenet, str(bittern), "--class", "7", "--class", "134", "--boxes", "authors")
    assert [one["class_index"] for one in found["predictions"]] == [7, 134]
    found = explain(*squeezenet, str(bittern), "--method", "grad-cam", "--layer", "features.7")
    assert found["layer"] == "features.7"
    assert found["predictions"][0]["units"] == []
    headless = explain(
        "--network", "torchvision:alexnet", str(bittern), "--method", "layer-cam", "--layer", "features.11"
    )
    assert headless["predictions"][0]["label"].startswith("class ")


def save(path: Path, size: tuple[int, int], mode: str = "RGB", **options: Any) -> Path:
    Image.new(mode, size).save(path, **options)
    return path


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1), (8000, 6000)])
def test_odd_photographs_are_explained(squeezenet: list[str], tmp_path: Path, size: tuple[int, int]) -> None:
    found = explain(*squeezenet, str(save(tmp_path / "a.png", size)))
    assert found["photograph"] == {"width": size[0], "height": size[1]}
    for prediction in found["predictions"]:
        x0, y0, x1, y1 = prediction["box"]
        assert 0 <= x0 < x1 <= size[0]
        assert 0 <= y0 < y1 <= size[1]


def test_what_cannot_be_explained_is_refused_in_one_sentence(
    squeezenet: list[str], bittern: Path, tmp_path: Path
) -> None:
    save(tmp_path / "cmyk.jpg", (40, 30), "CMYK")
    assert explain(*squeezenet, str(tmp_path / "cmyk.jpg"))["photograph"] == {"width": 40, "height": 30}
    (tmp_path / "words.jpg").write_text("no picture")
    (tmp_path / "large.jpg").write_bytes(bytes(11 * 2**20))
    refused = {
        "not an image": [str(tmp_path / "words.jpg")],
        "larger than 10 MiB": [str(tmp_path / "large.jpg")],
        "cannot be read": [str(tmp_path / "absent.jpg")],
        "There is no class 1000: the network has the classes 0 to 999": [str(bittern), "--class", "1000"],
        "There is no class -1": [str(bittern), "--class", "-1"],
        "ask for --method grad-cam": [str(bittern), "--layer", "features.3"],
        "There is no layer 'nothing'": [str(bittern), "--method", "grad-cam", "--layer", "nothing"],
    }
    for words, given in refused.items():
        with pytest.raises(CommandError, match=words) as caught:
            run("explain", *squeezenet, *given)
        assert "\n" not in str(caught.value)
    with pytest.raises(CommandError, match=r"no weights file"):
        run("explain", "--network", "torchvision:alexnet", "--weights", "absent.pth", str(bittern))
    assert not Question.objects.filter(state=Question.State.ASKED).exists()


def localize(*given: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run("localize", *given, "--json"))
    return answer


def test_class_maps_are_measured_against_boxes(squeezenet: list[str], shared: Path, tmp_path: Path) -> None:
    lines = (shared / "data" / "loc" / "index.csv").read_text().splitlines()
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("\n".join(lines[:25]) + "\n")
    images = ["--images", str(shared / "data" / "loc" / "images"), "--boxes", str(boxes)]
    found = localize(*squeezenet, *images)
    names = [
        "top1", "top5", "gt_known", "top1_localization", "top5_localization", "top5_authors", "v1", "v2", "centre_box",
        "centre_gaussian_v2", "off_centre_gt_known",
    ]  # fmt: skip
    for name in names:
        assert 0 <= found[f"{name}_low"] <= found[name] <= found[f"{name}_high"] <= 100, name
    assert found["top5"] >= found["top1"] >= found["top1_localization"]
    assert 0 <= found["v1_tau"] <= 1
    assert found["n_images"] == len({line.split(",")[0] for line in lines[1:25]})
    assert found["top5"] > 50
    overlaps = [one["overlap"] for one in [*found["worst"], *reversed(found["best"])]]
    assert overlaps == sorted(overlaps)
    assert len(overlaps) == min(24, found["n_images"])
    report = tmp_path / "report.html"
    assert f"{found['top1']:.1f} [" in run("localize", *squeezenet, *images, "--report", str(report))
    page = report.read_text()
    assert found["worst"][0]["path"] in page
    assert page.count("data:image/jpeg;base64,") == len(overlaps)
    with pytest.raises(CommandError, match="no folder"):
        run("localize", *squeezenet, *images, "--report", str(tmp_path / "absent" / "report.html"))
    (tmp_path / "few.csv").write_text(lines[0] + "\nabsent.jpg,1,n,a,227,227,1,1,0,1,1,9,9\n")
    refused = {
        "1 photograph is not in images": [*images[:2], "--boxes", str(tmp_path / "few.csv")],
        "no file of boxes": [*images[:2], "--boxes", str(tmp_path / "absent.csv")],
        "no folder of images": ["--images", str(tmp_path / "absent"), *images[2:]],
    }
    for words, given in refused.items():
        with pytest.raises(CommandError, match=words):
            run("localize", *squeezenet, *given)
    with pytest.raises(CommandError, match=r"classifier\.4"):
        run("localize", "--network", "torchvision:alexnet", *images)
