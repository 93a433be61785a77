"""A campaign asked here, from its answers to the table: labels, relations, chance and who answered."""

import json
import re
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from annotator.comparison import comparing
from annotator.comparison.models import UnitComparison
from annotator.comparison.tables import COLUMNS
from annotator.crowd.models import Answer, Assignment, Campaign, HITType, Worker
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, ImageSet, Layer, Network, Unit
from tests.annotator.crowd.making import make_answer, make_hit

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SIX = {"scene", "region or surface", "object", "object part", "texture or material", "simple elements or colors"}
# Broden's label, category and IoU of each unit, then what three people said.
UNITS: list[tuple[tuple[str, str, float], list[tuple[str, str]]]] = [
    (("sofa", "object", 0.21), [("Couch", "object"), ("couch", "object"), ("red things", "simple elements or colors")]),
    (("red-c", "color", 0.12), [("color red", "simple elements or colors")] * 3),
    (("skyscraper", "object", 0.08), [("buildings", "object"), ("Building", "object"), ("sky", "region or surface")]),
    (("wheel", "part", 0.02), [("dog", "object"), ("dogs", "object"), ("cat", "object")]),
]
PEOPLE = ("W-ann", "W-bob", "W-cem")
TOP = list(range(57))


@pytest.fixture
def campaign() -> Campaign:
    """Four units of one dissection; the third person misses planted crops and marks half of all."""
    network = Network.objects.create(name="net", architecture="torchvision:alexnet", registered_at=NOW)
    layer = Layer.objects.create(network=network, path="features.10", n_units=4)
    images = ImageSet.objects.create(name="set", address="set", has_labels=True, registered_at=NOW)
    dissection = Dissection.objects.create(network=network, image_set=images, layer_paths=[layer.path], created_at=NOW)
    made = Campaign.objects.create(name="demo", reward_usd=1, budget_cap_usd=50, seed=1, created_at=NOW)
    hit_type = HITType.objects.create(campaign=made)
    workers = [
        Worker.objects.create(
            marketplace="own", external_id=f"A{name}", pseudonym=name, is_simulated=True, created_at=NOW
        )
        for name in PEOPLE
    ]
    for index, (broden, said) in enumerate(UNITS):
        unit = Unit.objects.create(layer=layer, index=index)
        measured = DissectedUnit.objects.create(
            dissection=dissection, unit=unit, threshold=1, peak_low=0, peak_high=2, n_top=57, n_low=12, tile_px=128,
            strip="0" * 64,
        )  # fmt: skip
        label, category, iou = broden
        AutomaticLabel.objects.create(
            dissection=dissection, unit=unit, source=str(dissection.id), mode="paper", category=category, label=label,
            iou=iou, is_best=True,
        )  # fmt: skip
        hit = make_hit(hit_type=hit_type, unit=unit, dissected_unit=measured, seed=index)
        for worker, (description, chosen) in zip(workers, said, strict=True):
            marked = TOP[: 28 if worker is workers[2] else 2]
            make_answer(
                hit=hit, worker=worker, external_id=f"{worker.pseudonym}{index}", state="approved",
                shown_ranks=[*TOP, 57, 58, 59], planted_ranks=[57, 58, 59], marked_ranks=[*marked, 57],
                description=description, category=chosen, precision=1 - len(marked) / 57,
            )  # fmt: skip
    return made


def run(*words: str, **options: Any) -> str:
    written = StringIO()
    call_command(*words, stdout=written, **options)
    return written.getvalue()


@pytest.fixture
def report(campaign: Campaign) -> dict[str, Any]:
    run("label", "demo")
    run("compare", "demo")
    document: dict[str, Any] = json.loads(run("report", "demo", format="json"))
    return document


def test_the_people_name_the_units_and_broden_agrees_or_not(report: dict[str, Any]) -> None:
    named = [(unit["concept"], unit["category"], unit["relation"]) for unit in report["units"]]
    assert named == [
        ("couch", "object", "synonym"),
        ("red", "simple elements or colors", "equal"),
        ("building", "object", "hypernym"),
        ("dog", "object", "different"),
    ]


def test_the_report_has_the_shape_that_others_rely_on(report: dict[str, Any]) -> None:
    layer, unit = report["layers"][0], report["units"][0]
    assert report["campaign"] == "demo"
    assert set(layer["category_shares"]) == set(layer["unit_category_shares"]) == SIX
    assert (layer["path"], layer["n_units"], layer["n_detectors"]) == ("features.10", 4, 3)
    assert layer["unique_detectors"] == {"object": 2, "part": 0, "scene": 0, "material": 0, "texture": 0, "color": 1}
    assert layer["category_shares"]["object"] == pytest.approx(7 / 12)
    assert layer["unit_category_shares"]["object"] == pytest.approx(3 / 4)
    assert {"layer", "index", "broden_label", "broden_category", "iou", "relation"} <= set(unit)
    assert unit["precision"] == pytest.approx((55 / 57 + 55 / 57 + 29 / 57) / 3)
    assert unit["precision_low"] < unit["precision"] < unit["precision_high"]
    assert sorted(answer["description"] for answer in unit["answers"]) == ["Couch", "couch", "red things"]


def test_simulated_people_are_called_so(report: dict[str, Any]) -> None:
    assert report["answers_by"] == "simulated people"
    assert "answers by simulated people" in run("compare", "demo")


def test_chance_stands_beside_the_agreement(report: dict[str, Any]) -> None:
    found = report["agreement"]
    assert (found["n_units"], found["n_equal_or_synonym"], found["n_with_constant_label"]) == (4, 2, 1)
    assert found["n_with_units_shuffled"] == pytest.approx(0.5, abs=0.2)
    assert found["category"]["n_counterparts"] == 3
    assert found["category_confusion"]["object"]["part"] == 1
    assert found["people_name_broden_misses"][0]["concept"] == "dog"


def test_known_workers_are_weighed_and_shown_by_pseudonym(report: dict[str, Any]) -> None:
    assert [worker["worker"] for worker in report["workers"]] == list(PEOPLE)
    shares = [worker["share_with_unit_category"] for worker in report["workers"]]
    assert shares == [1, 1, 0.5]
    reasons = UnitLabel.objects.get(unit__index=0).reasons
    weights = {row["description"]: row["weight"] for row in reasons["answers"]}
    assert weights["couch"] > weights["red things"] > 0
    assert "Aann" not in json.dumps(report)


def test_every_crop_has_a_probability_and_planted_ones_have_none(report: dict[str, Any]) -> None:
    kept = UnitLabel.objects.get(unit__index=1).crop_probabilities
    assert set(kept) == {str(rank) for rank in TOP}
    assert kept["0"] < 0.5 < kept["56"]


def test_doing_it_again_changes_nothing(report: dict[str, Any]) -> None:
    ids = list(UnitLabel.objects.values_list("id", flat=True))
    run("label", "demo")
    run("compare", "demo")
    assert list(UnitLabel.objects.values_list("id", flat=True)) == ids
    assert UnitComparison.objects.count() == 4
    assert json.loads(run("report", "demo", format="json")) == report


def test_answers_that_do_not_count(campaign: Campaign) -> None:
    Assignment.objects.filter(worker__pseudonym="W-ann").update(state="rejected")
    Assignment.objects.filter(worker__pseudonym="W-bob").update(is_left_out=True)
    Assignment.objects.filter(worker__pseudonym="W-cem", hit__hit_units__unit__index__gt=0).update(state="stored")
    run("label", "demo")
    label = UnitLabel.objects.get()
    assert (label.unit.index, label.n_answers, label.concept) == (0, 1, "red")


def test_the_table_is_one_line_a_unit(report: dict[str, Any]) -> None:
    lines = run("compare", "demo").splitlines()
    assert re.split("  +", lines[0]) == list(COLUMNS)
    assert lines[2].startswith("features.10 0  couch")
    assert lines[2].endswith("0.210  synonym")
    agreements = [line for line in lines if line.startswith("all units")]
    assert agreements[0].split()[:5] == ["all", "units", "2", "of", "4"]
    assert [line.partition("  ")[0] for line in agreements] == [
        "all units",
        "all units, by at least 1 answer",
        "all units, by at least 2 answers",
        "all units, by at least 3 answers",
        "all units, category",
    ]


def test_csv_is_safe_for_spreadsheets(report: dict[str, Any]) -> None:
    Answer.objects.filter(hit_unit__unit__index=3).update(description="=cmd()")
    rows = run("report", "demo", format="csv").splitlines()
    assert rows[0].startswith("layer,index,concept,category,precision,")
    assert ",'=cmd() | =cmd() | =cmd()," in rows[4]


def test_a_dissection_reports_its_labels_alone_in_the_same_shape(campaign: Campaign) -> None:
    dissection = Dissection.objects.get()
    document = json.loads(run("report", dissection=str(dissection.id), format="json"))
    unit = document["units"][1]
    assert (unit["broden_label"], unit["iou"], unit["concept"], unit["answers"]) == ("red-c", 0.12, None, [])
    assert document["layers"][0]["n_detectors"] == 3
    assert document["layers"][0]["mean_precision"] is None


@pytest.mark.parametrize(
    ("words", "options", "sentence"),
    [
        (["label", "nobody"], {}, "There is no campaign called nobody."),
        (["compare", "demo"], {}, "Campaign demo has no labeled units yet: run `label demo` first."),
        (["report"], {}, "Name either a campaign or --dissection ID."),
        (["report"], {"dissection": "no-id"}, "There is no dissection no-id."),
        (["report"], {"dissection": str(UUID(int=5))}, f"There is no dissection {UUID(int=5)}."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    campaign: Campaign, words: list[str], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CommandError) as refused:
        run(*words, **options)
    assert str(refused.value) == sentence
    assert refused.value.returncode == 2


def test_labels_that_are_deleted_while_they_are_compared_are_said(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("label", "demo")
    gather = comparing.gather_vocabulary

    def delete_then_gather(*, campaign: Campaign) -> Any:
        AutomaticLabel.objects.all().delete()
        return gather(campaign=campaign)

    monkeypatch.setattr(comparing, "gather_vocabulary", delete_then_gather)
    with pytest.raises(CommandError, match=r"deleted meanwhile, so nothing was compared\. Do it again\."):
        run("compare", "demo")
    assert not UnitComparison.objects.exists()
