"""Figures of a layer from the units that were asked about: unbiased by how these were chosen, or not given at all."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from annotator.comparison.layer_figures import describe_layer_people, find_asked
from annotator.comparison.layer_sampling import Chosen, weigh_units
from annotator.comparison.reports import describe_campaign, describe_dissection
from annotator.comparison.tables import print_report
from annotator.crowd.models import Campaign, HITUnit
from annotator.figures.listing import list_figures
from annotator.labels.models import UnitLabel
from annotator.published.readers.table import read_answers, read_labels
from annotator.units.models import DissectedUnit, Dissection
from tests.annotator.crowd.making import NOW, make_campaign, make_dissection
from workers.engine.resampling import estimate_mean

N_TOP, N_RANDOM = 24, 8


@pytest.fixture(scope="module")
def pool5(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """(256,) published precision and IoU of each unit of Places205-AlexNet's pool5."""
    folder = shared / "data" / "published" / "places205-alexnet"
    said = (folder / "unitAnnotation_places205-alexnet.mat").read_bytes()
    given: dict[int, list[float]] = {}
    for answer in read_answers(said, file="unitAnnotation_places205-alexnet.mat").answers:
        if answer.layer == "pool5":
            given.setdefault(answer.index, []).append(answer.precision)
    labels = read_labels((folder / "caffe_reference_places205.csv").read_bytes(), file="labels.csv", layer="pool5")
    iou = {row.index: row.iou for row in labels.labels if row.is_best}
    return np.array([np.mean(given[u]) for u in range(256)]), np.array([iou.get(u, 0.0) for u in range(256)])


def draw_as_launch_does(iou: np.ndarray, seed: int) -> list[Chosen]:
    order = np.argsort(-iou, kind="stable").tolist()
    rest = order[N_TOP:]
    drawn = random.Random(seed).sample(rest, N_RANDOM)
    top = [Chosen(unit, "top IoU", 1.0) for unit in order[:N_TOP]]
    return top + [Chosen(unit, "random", N_RANDOM / len(rest)) for unit in drawn]


def test_weighted_means_of_top_and_random_units_are_unbiased_and_pooled_ones_are_not(
    pool5: tuple[np.ndarray, np.ndarray],
) -> None:
    precision, iou = pool5
    same_name = np.argsort(np.argsort(-iou)) / 256  # anything that goes with IoU: here its rank
    n_draws = 1500
    for values in (precision, same_name, (precision > 0.75).astype(float)):
        weighted, pooled = [], []
        for seed in range(n_draws):
            chosen = draw_as_launch_does(iou, seed)
            units = [one.unit_id for one in chosen]
            sample = weigh_units(chosen, labeled=units, n_units=256)
            assert sample.weights is not None
            assert sample.weights.sum() == pytest.approx(256)
            weighted.append(float(np.average(values[units], weights=sample.weights)))
            pooled.append(float(values[units].mean()))
        error = float(np.std(weighted) / np.sqrt(n_draws))
        assert abs(np.mean(weighted) - values.mean()) < 4 * error
        assert abs(np.mean(pooled) - values.mean()) > 10 * error


def test_the_interval_of_a_weighted_mean_covers_the_layer(pool5: tuple[np.ndarray, np.ndarray]) -> None:
    precision, iou = pool5
    n_draws, covered = 120, 0
    for seed in range(n_draws):
        chosen = draw_as_launch_does(iou, seed)
        units = [one.unit_id for one in chosen]
        sample = weigh_units(chosen, labeled=units, n_units=256)
        found = estimate_mean(precision[units], seed=seed, weights=sample.weights, strata=sample.strata)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= precision.mean() <= found.high
    assert covered / n_draws > 0.8, "a percentile interval over 8 units is a little narrow"


def chosen(*groups: tuple[str, float | None, int]) -> list[Chosen]:
    listed: list[Chosen] = []
    for because, probability, n in groups:
        listed += [Chosen(len(listed) + i, because, probability) for i in range(n)]
    return listed


def explain(asked: Sequence[Chosen], *, n_units: int, n_labeled: int | None = None) -> str:
    labeled = [one.unit_id for one in asked][:n_labeled]
    sample = weigh_units(asked, labeled=labeled, n_units=n_units)
    assert sample.weights is None
    return sample.how


def test_what_is_no_sample_of_the_layer_gives_no_figure_and_says_why() -> None:
    assert "chosen by hand" in explain(chosen(("named", None, 5)), n_units=50)
    assert "no random sample" in explain(chosen(("top IoU", 1.0, 24)), n_units=256)
    assert "not recorded" in explain(chosen(("random", None, 8)), n_units=256)
    assert "not recorded" in explain(chosen(("", None, 8)), n_units=256)
    assert "not recorded" in explain(chosen(("top IoU", 1.0, 24), ("random", None, 8)), n_units=256)
    # The draw has no label yet.
    assert "no random sample" in explain(chosen(("top IoU", 1.0, 2), ("random", 0.5, 3)), n_units=8, n_labeled=2)


def test_every_unit_of_a_layer_counts_once_however_it_was_chosen() -> None:
    sample = weigh_units(chosen(("named", None, 6)), labeled=range(6), n_units=6)
    assert sample.weights is not None
    assert sample.weights.tolist() == [1] * 6
    # Two of the answers have not come yet.
    sample = weigh_units(chosen(("named", None, 6)), labeled=range(4), n_units=6)
    assert sample.weights is not None
    assert sample.weights.tolist() == [1.5] * 4
    assert "4 of 6 have a label" in sample.how


def test_units_without_a_label_yet_are_stood_for_by_those_that_were_chosen_alike() -> None:
    sample = weigh_units(chosen(("top IoU", 1.0, 4), ("random", 0.25, 4)), labeled=[0, 1, 4, 5, 6], n_units=20)
    assert sample.weights is not None
    assert sample.weights.tolist() == pytest.approx([2, 2, 16 / 3, 16 / 3, 16 / 3])
    assert sample.has_interval
    assert not weigh_units(chosen(("top IoU", 1.0, 4), ("random", 0.25, 4)), labeled=[0, 1, 4], n_units=20).has_interval


def test_a_unit_chosen_by_hand_has_no_part_in_the_figures_of_a_draw() -> None:
    sample = weigh_units(chosen(("named", None, 1), ("random", 0.5, 5)), labeled=range(6), n_units=10)
    assert sample.weights is not None
    assert sample.weights.tolist() == [0, 2, 2, 2, 2, 2]
    assert "by hand have no part" in sample.how


@pytest.fixture
def campaign(db: None, tmp_path: Path) -> Campaign:
    """12 units: the two of highest IoU and two of the other ten at random; precisions 1, 1 and .5, .5."""
    made = make_campaign(make_dissection(tmp_path, n_units=12))
    rows = list(HITUnit.objects.filter(hit__campaign=made).order_by("unit__index"))
    for row in rows[4:]:
        row.hit.delete()
    for row in rows[:4]:
        is_top = row.unit.index < 2
        row.chosen_because, row.inclusion_probability = ("top IoU", 1.0) if is_top else ("random", 0.2)
        row.save()
        UnitLabel.objects.create(
            campaign=made, unit=row.unit, concept="dog", category="object" if is_top else "scene",
            precision=1.0 if is_top else 0.5, precision_low=0.1, precision_high=1, n_answers=1, labeled_at=NOW,
        )  # fmt: skip
    return made


def test_the_report_weighs_and_says_so(campaign: Campaign) -> None:
    report = describe_campaign(campaign=campaign)
    (layer,) = report["layers"]
    assert layer["mean_precision"] == pytest.approx((2 * 1 + 10 * 0.5) / 12)
    assert layer["n_interpretable"] == pytest.approx(2)
    assert layer["unit_category_shares"]["object"] == pytest.approx(2 / 12)
    assert (layer["n_units"], layer["n_layer_units"], layer["n_silent"]) == (4, 12, 0)
    assert layer["chosen"] == {"top IoU": 2, "random": 2}
    assert "Weighted by how the units were chosen: 2 top IoU, 2 random." in print_report(report)
    assert [(u["chosen_because"], u["inclusion_probability"]) for u in report["units"]] == [
        ("top IoU", 1.0), ("top IoU", 1.0), ("random", 0.2), ("random", 0.2),
    ]  # fmt: skip


def test_no_pooled_mean_is_printed_where_the_choice_is_unknown(campaign: Campaign) -> None:
    HITUnit.objects.filter(hit__campaign=campaign).update(inclusion_probability=None)
    report = describe_campaign(campaign=campaign)
    printed = print_report(report)
    assert "was not recorded" in printed
    assert "mean precision" not in printed
    assert "0.75" not in json.dumps(report["layers"])
    assert "semantic-types" not in dict(list_figures(report))


def test_silent_units_are_a_share_of_the_layer_and_no_part_of_its_mean(campaign: Campaign) -> None:
    dissection = Dissection.objects.get()
    DissectedUnit.objects.filter(unit__index__gte=9).update(silence="constant")
    (layer,) = describe_dissection(dissection=dissection)["layers"]
    assert (layer["n_silent"], layer["silent_share"]) == (3, 0.25)
    HITUnit.objects.filter(chosen_because="random").update(inclusion_probability=2 / 7)
    labels = list(campaign.unit_labels.select_related("unit__layer"))
    found = describe_layer_people(labels[0].unit.layer, labels, {}, find_asked(campaign))
    assert found["silent_share"] == 0.25
    assert found["mean_precision"] == pytest.approx((2 * 1 + 7 * 0.5) / 9)
