"""The published answers of 2015 and labels of 2017 give the published figures, to the last printed digit."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from pytest_django import DjangoDbBlocker

pytestmark = pytest.mark.django_db

CODES = ("scene", "object", "region or surface", "object part", "texture or material", "simple elements or colors")


def run(*words: object, **options: object) -> str:
    written = StringIO()
    call_command(*words, stdout=written, **options)
    return written.getvalue()


@pytest.fixture(scope="module")
def report(shared: Path, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Any]]:
    """The report of the imported campaign; the database is as before afterwards."""
    published = shared / "data" / "published" / "places205-alexnet"
    with django_db_blocker.unblock(), transaction.atomic():
        run("import_annotations", "places205-alexnet", answers=published / "unitAnnotation_places205-alexnet.mat")
        run("import_iou", "places205-alexnet", published / "caffe_reference_places205.csv", layer="pool5")
        yield json.loads(run("report", "places205-alexnet", format="json"))
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def layers(report: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = report["layers"]
    return found


def test_five_layers_with_their_units_and_mean_precision(layers: list[dict[str, Any]]) -> None:
    assert [layer["path"] for layer in layers] == ["pool1", "pool2", "conv3", "conv4", "pool5"]
    assert [layer["n_units"] for layer in layers] == [96, 256, 384, 384, 256]
    assert [f"{layer['mean_precision']:.3f}" for layer in layers] == ["0.797", "0.743", "0.743", "0.740", "0.778"]
    assert [layer["n_interpretable"] for layer in layers] == [63, 130, 211, 199, 151]


def test_category_shares_count_answers(layers: list[dict[str, Any]]) -> None:
    shares = layers[4]["category_shares"]
    assert [f"{shares[code]:.3f}" for code in CODES] == ["0.163", "0.382", "0.169", "0.124", "0.053", "0.109"]
    assert sum(layers[4]["unit_category_shares"].values()) == pytest.approx(1)


def test_detectors_and_unique_detectors_of_the_last_layer(layers: list[dict[str, Any]]) -> None:
    unique = {"object": 36, "part": 8, "scene": 12, "material": 1, "texture": 20, "color": 2}
    assert layers[4]["n_detectors"] == 107
    assert layers[4]["unique_detectors"] == unique
    assert sum(unique.values()) == 79
    assert all(layer["n_detectors"] is None for layer in layers[:4])


def test_the_four_units_of_the_talk(report: dict[str, Any]) -> None:
    pool5 = {unit["index"]: unit for unit in report["units"] if unit["layer"] == "pool5"}
    said = [pool5[one_based - 1]["answers"][0] for one_based in (76, 13, 77, 112)]
    assert [(a["description"], a["category"], round(100 * a["precision"])) for a in said] == [
        ("ocean", "scene", 93),
        ("Lamps", "object", 84),
        ("legs", "object part", 96),
        ("Pool table", "object", 70),
    ]


def test_the_2017_labels_name_what_people_named_far_beyond_chance(report: dict[str, Any]) -> None:
    found = report["agreement"]
    listed = [unit for unit in report["units"] if unit["relation"] in ("equal", "synonym")]
    assert found["n_units"] == 256
    assert found["n_equal_or_synonym"] == len(listed) > 60
    assert found["n_with_units_shuffled_95th_percentile"] < 10
    assert found["n_with_constant_label"] < 20
    assert all(unit["rule"] for unit in listed)


def test_agreement_stands_by_units_detectors_and_answers_each_beside_chance(report: dict[str, Any]) -> None:
    found = report["agreement"]
    counts = {row["units"]: (row["n_agreeing"], row["n_units"]) for row in found["rows"]}
    # 68 and 34, and 97, 52, 28, while a last word alone made two phrases equal, and kinds made groups of their own:
    # a computer screen is a kind of screen now, and road, street, road is one road.
    assert counts == {
        "all units": (71, 256),
        "detectors": (34, 107),
        "all units, by at least 1 answer": (97, 256),
        "all units, by at least 2 answers": (51, 256),
        "all units, by at least 3 answers": (27, 256),
    }
    for row in found["rows"]:
        assert row["n_with_units_shuffled"] < 5 < row["n_low"] < row["n_agreeing"] < row["n_high"]
        assert row["p_shuffled"] <= 0.001
        assert row["share_over_constant"]["p"] < 0.01


def test_the_category_agrees_less_often_than_one_category_for_all_would(report: dict[str, Any]) -> None:
    category = report["agreement"]["category"]
    # 115 and 148 by the votes of all people; these are of the people who name the concept.
    assert (category["n_counterparts"], category["n_with_constant_category"]) == (110, 139)
    assert category["share_over_constant"]["high"] < 0, "beside chance this is no agreement to speak of"
    assert category["p_shuffled"] < 0.01, "yet more than with the units shuffled"


def test_figures_of_a_layer_have_intervals(layers: list[dict[str, Any]]) -> None:
    for layer in layers:
        mean, count = layer["mean_precision_interval"], layer["n_interpretable_interval"]
        assert mean["low"] < layer["mean_precision"] < mean["high"]
        assert count["low"] < layer["n_interpretable"] < count["high"]
        for code, share in layer["category_shares"].items():
            assert layer["category_share_intervals"][code]["low"] <= share
            assert layer["category_share_intervals"][code]["high"] >= share


def test_what_the_file_does_not_hold_is_not_made_up(report: dict[str, Any]) -> None:
    assert report["answers_by"] == "people, as imported"
    assert report["workers"] is None


def test_every_interval_holds_its_mean(report: dict[str, Any]) -> None:
    assert all(0 <= u["precision_low"] <= u["precision"] <= u["precision_high"] <= 1 for u in report["units"])
    widths = [unit["precision_high"] - unit["precision_low"] for unit in report["units"]]
    assert 0.3 < sum(widths) / len(widths) < 0.6, "three people leave much open"
