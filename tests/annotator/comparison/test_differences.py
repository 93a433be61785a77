"""Two campaigns or dissections by a test: published answers against plain NumPy, and what is not claimed and why."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from annotator.accounts.models import Role
from annotator.comparison.differences import NoCommonLayer, compare_campaigns, compare_dissections
from annotator.crowd.models import HITUnit, Worker
from annotator.labels.models import UnitLabel
from annotator.published.readers.table import read_answers
from annotator.units.models import AutomaticLabel, Layer
from tests.annotator.dashboard.making import World, make_world, sign_in

pytestmark = pytest.mark.django_db
# Of each published layer.
N_UNITS = 90
Precisions = dict[str, dict[int, list[float]]]


def run(*words: object, **options: object) -> str:
    written = StringIO()
    call_command(*words, stdout=written, **options)
    return written.getvalue()


@pytest.fixture(scope="module")
def answers(shared: Path) -> list[Any]:
    file = shared / "data" / "published" / "places205-alexnet" / "unitAnnotation_places205-alexnet.mat"
    return list(read_answers(file.read_bytes(), file=file.name).answers)


def bring_in(root: Path, name: str, rows: list[Any], network: str = "places") -> Precisions:
    """A campaign of these answers about the first units of each layer, and by layer and unit their precisions."""
    rows = [row for row in rows if row.index < N_UNITS]
    said: Precisions = {}
    for row in rows:
        said.setdefault(row.layer, {}).setdefault(row.index, []).append(row.precision)
    keys = ("layer", "index", "description", "category", "precision")
    lines = [json.dumps({key: getattr(row, key) for key in keys}) for row in rows]
    file = root / f"{name}.jsonl"
    file.write_text("\n".join(lines))
    run("import_annotations", name, answers=file, network=network)
    run("label", name, keep_suspected=True)
    return said


def compare(*words: object) -> dict[tuple[str, str], dict[str, Any]]:
    found = json.loads(run("compare", *words, "--json"))
    return {(layer["layer"], row["figure"]): row for layer in found["layers"] for row in layer["rows"]}


def test_halves_of_published_answers_are_paired_by_unit(answers: list[Any], tmp_path: Path) -> None:
    seen: dict[tuple[str, int], int] = {}
    halves: list[list[Any]] = [[], []]
    for row in [row for row in answers if row.layer in ("conv4", "pool5")]:
        place = (row.layer, row.index)
        seen[place] = seen.get(place, 0) + 1
        halves[seen[place] > 1].append(row)
    first, second = (bring_in(tmp_path, f"half-{i}", rows) for i, rows in enumerate(halves))
    found = compare("half-0", "half-1")
    for layer in ("conv4", "pool5"):
        units = sorted(set(first[layer]) & set(second[layer]))
        gaps = np.array([np.mean(first[layer][u]) - np.mean(second[layer][u]) for u in units])
        over = [[np.mean(side[layer][u]) > 0.75 for u in units] for side in (first, second)]
        row = found[layer, "mean precision"]
        assert (row["is_paired"], row["n_first"], row["test"]) == (True, len(units), "permutation, paired")
        check(row, gaps)
        check(found[layer, "share interpretable"], np.array(over[0], float) - np.array(over[1], float))


def check(row: dict[str, Any], gaps: np.ndarray) -> None:
    """The plain way: sign flips, and a bootstrap of units."""
    rng = np.random.default_rng(11)
    flips = np.abs(rng.choice([-1, 1], size=(4000, len(gaps))) @ gaps) / len(gaps)
    drawn = gaps[rng.integers(len(gaps), size=(4000, len(gaps)))].mean(axis=1)
    assert row["difference"] == pytest.approx(gaps.mean())
    assert row["p"] == pytest.approx((flips >= abs(gaps.mean()) - 1e-12).mean(), abs=0.03)
    assert (row["low"], row["high"]) == pytest.approx(
        tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.15 * drawn.std() * 2
    )


def test_two_published_layers_are_compared_unpaired(answers: list[Any], tmp_path: Path) -> None:
    sides = [
        bring_in(tmp_path, layer, [row for row in answers if row.layer == layer], network=f"net-{layer}")[layer]
        for layer in ("pool5", "conv4")
    ]
    a, b = (np.array([np.mean(given) for given in side.values()]) for side in sides)
    row = compare("pool5", "conv4")["pool5 / conv4", "mean precision"]
    rng = np.random.default_rng(12)
    both = np.concatenate([a, b])
    dealt = np.array([(p := rng.permutation(both))[: len(a)].mean() - p[len(a) :].mean() for _ in range(4000)])
    assert (row["n_first"], row["n_second"], row["is_paired"]) == (N_UNITS, N_UNITS, False)
    assert row["difference"] == pytest.approx(a.mean() - b.mean())
    assert (row["first"], row["second"]) == pytest.approx((a.mean(), b.mean()))
    assert row["p"] == pytest.approx((np.abs(dealt) >= abs(row["difference"])).mean(), abs=0.03)
    spread = np.sqrt(a.var() / len(a) + b.var() / len(b))
    assert (row["low"], row["high"]) == pytest.approx(
        (row["difference"] - 1.96 * spread, row["difference"] + 1.96 * spread), abs=0.2 * spread
    )
    assert "p" in run("compare", "pool5", "conv4")


@pytest.fixture
def two(tmp_path: Path) -> tuple[World, World]:
    return make_world(tmp_path / "a", n_units=9), make_world(tmp_path / "b", n_units=7, name="other", campaign="second")


def find_rows(first: World, second: World) -> dict[tuple[str, str | None], dict[str, Any]]:
    (layer,) = compare_campaigns(first.campaign, second.campaign)["layers"]
    return {(row["figure"], row["mode"]): row for row in layer["rows"]}


def choose(world: World, because: str, probability: float | None) -> None:
    HITUnit.objects.filter(hit__campaign=world.campaign).update(
        chosen_because=because, inclusion_probability=probability
    )


def test_units_chosen_by_hand_make_no_claim(two: tuple[World, World]) -> None:
    Layer.objects.filter(network=two[1].dissection.network).update(n_units=8)
    choose(two[1], "named", None)
    row = find_rows(*two)["mean precision", None]
    assert (row["p"], row["difference"]) == (None, None)
    assert "chosen by hand" in row["reason"]
    assert find_rows(*two)["mean IoU", "paper"]["p"] is not None, "automatic labels are of all units"


def test_units_drawn_with_several_probabilities_are_weighted(two: tuple[World, World]) -> None:
    first, second = two
    Layer.objects.filter(network=first.dissection.network).update(n_units=14)
    choose(first, "random", 0.5)
    asked = HITUnit.objects.filter(hit__campaign=first.campaign, unit__index__gte=5)
    asked.update(chosen_because="top IoU", inclusion_probability=1.0)
    said = dict(UnitLabel.objects.filter(campaign=first.campaign).values_list("unit__index", "precision"))
    weighted = (2 * sum(said[u] for u in range(5)) + 4 / 3 * sum(said[u] for u in range(5, 8))) / 14
    row = find_rows(first, second)["mean precision", None]
    assert row["first"] == pytest.approx(weighted)
    assert row["test"] == "bootstrap, unpaired"
    assert row["low"] < row["difference"] < row["high"]
    assert any("Weighted by how the units were chosen" in how for how in row["figures_from"])


def test_simulated_people_never_stand_beside_people_without_a_word(two: tuple[World, World]) -> None:
    first, second = two
    Worker.objects.filter(assignments__hit__campaign=first.campaign).update(is_simulated=True)
    Worker.objects.filter(assignments__hit__campaign=second.campaign).update(is_simulated=False)
    notes = compare_campaigns(first.campaign, second.campaign)["notes"]
    assert any("by simulated people, and those of second by people" in note for note in notes)
    text = run("compare", "try", "second")
    assert "simulated people" in text
    page = sign_in(Role.VIEWER).get("/networks/?campaign=try&campaign=second").content.decode()
    assert "second are by people, and those of try by simulated people" in page


def test_detectors_of_two_dissections(two: tuple[World, World]) -> None:
    first, second = (one.dissection for one in two)
    AutomaticLabel.objects.filter(dissection=second).update(iou=0.01)
    found = compare_dissections(first, second)
    (layer,) = found["layers"]
    rows = {(row["figure"], row["mode"]): row for row in layer["rows"]}
    best = AutomaticLabel.objects.filter(dissection=first, is_best=True, mode="paper")
    over = AutomaticLabel.objects.filter(dissection=first, mode="paper", iou__gt=0.04)
    assert rows["share of detectors", "paper"]["first"] == best.filter(iou__gt=0.04).count() / 9
    assert rows["share of detectors", "paper"]["second"] == 0
    unique = rows["unique detectors", "paper"]
    assert unique["difference"] == unique["first"] == over.values("category", "label").distinct().count() > 0
    assert rows["mean IoU", "paper"]["p"] < 0.05
    assert any("image sets differ" in note for note in found["notes"])
    text = run("compare", dissections=[str(first.pk), str(second.pk)])
    assert "unique detectors (paper)" in text


def test_the_same_automatic_labels_are_not_compared_with_themselves(two: tuple[World, World]) -> None:
    (layer,) = compare_dissections(two[0].dissection, two[0].dissection)["layers"]
    assert [row["p"] for row in layer["rows"]] == [None]
    assert "same automatic labels" in layer["rows"][0]["reason"]


def test_what_cannot_be_compared_is_refused_in_words(two: tuple[World, World]) -> None:
    UnitLabel.objects.filter(campaign=two[1].campaign).delete()
    with pytest.raises(NoCommonLayer, match="run `label second` first"):
        compare_campaigns(two[0].campaign, two[1].campaign)
    for words in ([], ["try", "--dissections", "a", "b"]):
        with pytest.raises(CommandError, match="Name one or two campaigns"):
            run("compare", *words)


def test_the_page_shows_the_table(two: tuple[World, World]) -> None:
    first, second = (one.dissection for one in two)
    page = (
        sign_in(Role.VIEWER)
        .get(f"/networks/?campaign=try&campaign=second&dissection={first.pk}&dissection={second.pk}")
        .content.decode()
    )
    for words in ("Campaigns by a test", "Dissections by a test", "share interpretable", "unique detectors (paper)"):
        assert words in page
