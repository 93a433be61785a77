"""Methods beside one another: files, people and labeled pixels alike; shared words beside chance; published figures."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from annotator.comparison.methods import gather_said
from annotator.comparison.shared_words import list_words, measure_shared_words
from annotator.crowd.models import Campaign
from annotator.descriptions.models import Description, Method
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, Layer, Network, Unit

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 28, tzinfo=UTC)
CSV = {
    "NetDissect": "data/NetDissect_results/resnet18_places365_layer4.csv",
    "CLIP-Dissect": "data/CLIP_Dissect_results/resnet18_places_imagenet_broden.csv",
    "MILAN": "linear_explanations/results/baselines_orig/MILAN/m_base_resnet18_places365.csv",
}
MEANS = {
    "LE_label/resnet18_places365_layer4.csv": 0.3388, "LE_label/resnet50_imagenet_layer4.csv": 0.2924,
    "LE_siglip/resnet18_places365_layer4.csv": 0.4372, "LE_siglip/resnet50_imagenet_layer4.csv": 0.3772,
}  # fmt: skip


def bring(path: Path, **options: Any) -> None:
    call_command("import_descriptions", str(path), network="net", stdout=StringIO(), **options)


def print_methods(*, layer: str | None = None) -> Any:
    said = StringIO()
    call_command("methods", network="net", layer=layer, json=True, stdout=said)
    return json.loads(said.getvalue())


@pytest.fixture
def published(shared: Path) -> Path:
    return shared / "data" / "descriptions"


@pytest.fixture
def units(db: None) -> list[Unit]:
    network = Network.objects.create(name="net", architecture="imported", registered_at=NOW)
    layer = Layer.objects.create(network=network, path="c", n_units=3)
    return Unit.objects.bulk_create([Unit(layer=layer, index=index) for index in range(3)])


def describe(method: str, texts: dict[Unit, str]) -> None:
    made, _ = Method.objects.get_or_create(name=method, defaults={"created_at": NOW})
    Description.objects.bulk_create(
        [Description(unit=unit, method=made, text=text, source="s", imported_at=NOW) for unit, text in texts.items()]
    )


def label_pixels(unit: Unit, label: str, **values: Any) -> None:
    AutomaticLabel.objects.create(
        unit=unit,
        label=label,
        **{"source": label, "mode": "imported", "category": "c", "iou": 0.1, "is_best": True} | values,
    )


def test_people_and_labeled_pixels_are_methods_like_those_of_files(units: list[Unit]) -> None:
    describe("Z", {units[0]: "dogs"})
    describe("A", {units[0]: "a dog"})
    label_pixels(units[0], "dining_room-s")
    campaign = Campaign.objects.create(
        name="c", marketplace="own", n_assignments=3, reward_usd=1, budget_cap_usd=1, seed=0, created_at=NOW
    )
    shared = {"category": "object", "precision_low": 0, "precision_high": 1, "n_answers": 3, "labeled_at": NOW}
    for unit, n_simulated in ((units[0], 0), (units[1], 3)):
        UnitLabel.objects.create(
            campaign=campaign, unit=unit, concept="puppy", precision=0.9, n_simulated=n_simulated, is_of_record=True,
            **shared,
        )  # fmt: skip
    found = gather_said([unit.pk for unit in units])
    assert list(found) == ["people", "people (simulated)", "labeled pixels", "A", "Z"]
    assert {name: [one.text for one in by_unit.values()] for name, by_unit in found.items()} == {
        "people": ["puppy"], "people (simulated)": ["puppy"], "labeled pixels": ["dining room"], "A": ["a dog"],
        "Z": ["dogs"],
    }  # fmt: skip
    assert found["people"][units[0].pk].score_name == "precision"


def test_of_several_modes_the_papers_own_counts(units: list[Unit]) -> None:
    label_pixels(units[0], "cat", mode="lite", source="d", iou=0.5)
    label_pixels(units[0], "dog", mode="paper", source="d", iou=0.2)
    assert gather_said([units[0].pk])["labeled pixels"][units[0].pk].text == "dog"


def test_content_words_are_counted_without_plurals_and_empty_words() -> None:
    assert list_words("The tops of GLASS, dogs; bus not-a (cats AND dog)") == {"top", "glass", "dog", "bus", "cat"}
    assert list_words("of the") == frozenset()


def test_chance_is_the_mean_over_256_shuffles() -> None:
    first, second = {0: "dog", 1: "cat", 2: "car", 3: "sky"}, {0: "dogs", 1: "a cat", 2: "bus", 9: "sky"}
    found = measure_shared_words(first, second)
    assert found is not None
    texts = list(second.values())[:3]
    shares = []
    for seed in range(256):
        order = np.random.default_rng(seed).permutation(3)
        shares.append(np.mean([first[i] in texts[order[i]] for i in range(3)]))
    assert (found.n_units, found.n_sharing, found.share.value) == (3, 2, pytest.approx(2 / 3))
    assert (found.chance, found.p) == (
        pytest.approx(np.mean(shares)),
        pytest.approx((1 + sum(np.array(shares) > 0.6)) / 257),
    )
    assert measure_shared_words({0: "dog"}, {1: "dog"}) is None


def test_published_agreements_between_methods_are_found(published: Path) -> None:
    for path in CSV.values():
        bring(published / path, layer=["layer4"])
    pairs = {
        (pair["first"], pair["second"]): pair["shared"] for pair in print_methods(layer="layer4")["layer4"]["pairs"]
    }
    wanted = {
        ("CLIP-Dissect", "NetDissect"): (14.5, 0.2), ("MILAN", "NetDissect"): (9.2, 0.4),
        ("CLIP-Dissect", "MILAN"): (5.7, 0.2),
    }  # fmt: skip
    assert {pair: shared["n_units"] for pair, shared in pairs.items()} == dict.fromkeys(wanted, 512)
    for pair, (share, chance) in wanted.items():
        assert 100 * pairs[pair]["share"]["value"] == pytest.approx(share, abs=0.3)
        assert 100 * pairs[pair]["chance"] == pytest.approx(chance, abs=0.3)


@pytest.mark.parametrize("path", MEANS)
def test_published_mean_scores_are_found_to_four_digits(published: Path, path: str) -> None:
    bring(published / "linear_explanations/results/ours" / path, layer=["layer4"], method="LE")
    only = print_methods()["layer4"]["methods"][0]
    assert (only["score_name"], round(only["score"]["value"], 4)) == ("sim correlation", MEANS[path])


def test_two_raters_of_describe_and_dissect_correlate_as_published(published: Path) -> None:
    bring(published / "data/DnD_results/human_evals/RN50_table_4_scoring_function.csv")
    methods = print_methods()["all layers"]["methods"]
    assert [one["n_units"] for one in methods] == [one["raters"]["n_units"] for one in methods] == [200] * 4
    assert sorted(round(one["raters"]["correlation"]["value"], 2) for one in methods) == [0.51, 0.63, 0.64, 0.65]


def test_what_cannot_be_printed_is_said(units: list[Unit]) -> None:
    with pytest.raises(CommandError, match="no network other"):
        call_command("methods", network="other")
    with pytest.raises(CommandError, match="no layer d; its layers: c"):
        call_command("methods", network="net", layer="d")
    with pytest.raises(CommandError, match="No method describes units of net"):
        call_command("methods", network="net")
