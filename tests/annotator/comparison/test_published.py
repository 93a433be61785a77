"""The published answers of 2015 and labels of 2017 give the published figures, to the last printed digit."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


@pytest.fixture
def report(published: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    answers = published / "unitAnnotation_places205-alexnet.mat"
    call_command("import_annotations", "places205-alexnet", answers=answers)
    call_command("import_iou", "places205-alexnet", published / "caffe_reference_places205.csv", layer="pool5")
    capsys.readouterr()
    call_command("report", "places205-alexnet", format="json")
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_published_files_give_the_published_figures(report: dict[str, Any]) -> None:
    layers = report["layers"]
    print(json.dumps({k: v for k, v in report.items() if k != "units"}, indent=1))
    assert [layer["path"] for layer in layers] == ["pool1", "pool2", "conv3", "conv4", "pool5"]
    assert [layer["n_units"] for layer in layers] == [96, 256, 384, 384, 256]
    assert [f"{layer['mean_precision']:.3f}"[1:] for layer in layers] == [".797", ".743", ".743", ".740", ".778"]
    assert [layer["n_interpretable"] for layer in layers] == [63, 130, 211, 199, 151]
    shares = layers[4]["category_shares"]
    codes = ["scene", "object", "region or surface", "object part", "texture or material", "simple elements or colors"]
    assert [f"{shares[code]:.3f}"[1:] for code in codes] == [".163", ".382", ".169", ".124", ".053", ".109"]
    assert layers[4]["n_detectors"] == 107
    unique = {"object": 36, "part": 8, "scene": 12, "material": 1, "texture": 20, "color": 2}
    assert layers[4]["unique_detectors"] == unique
    assert sum(unique.values()) == 79


def test_the_four_units_of_the_talk(report: dict[str, Any]) -> None:
    pool5 = {unit["index"]: unit for unit in report["units"] if unit["layer"] == "pool5"}
    said = [pool5[one_based - 1]["answers"][0] for one_based in (76, 13, 77, 112)]
    assert [(a["description"], a["category"], round(100 * a["precision"])) for a in said] == [
        ("ocean", "scene", 93),
        ("Lamps", "object", 84),
        ("legs", "object part", 96),
        ("Pool table", "object", 70),
    ]
