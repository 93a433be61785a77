"""Describers beside slow plain versions of what their papers define."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata

from annotator.studies.describers import areas
from annotator.studies.describers.areas import compute_areas, rank_units
from annotator.studies.describers.given import CannotDescribe, Given
from annotator.studies.describers.invert import describe_by_areas
from annotator.studies.describers.linear import ALPHA, PENALTY, describe_by_sums, fit_elastic_net
from annotator.studies.describers.wpmi import describe_by_information, measure_information

NAMES = ("ball", "cat", "dog", "egg")


def make_holds(n: int = 90, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((n, len(NAMES))) < 0.2


def count_pairs(activation: np.ndarray, holds: np.ndarray) -> float:
    """The area as a share of pairs, one by one."""
    won = [(a > b) + (a == b) / 2 for a, b in product(activation[holds], activation[~holds])]
    return sum(won) / len(won)


def test_areas_are_shares_of_pairs_also_with_ties_and_cut_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    holds = make_holds()
    activations = np.random.default_rng(2).normal(size=(90, 3)).round(1).astype(np.float16)
    monkeypatch.setattr(areas, "IMAGES_AT_ONCE", 40)
    ranks = rank_units(activations)
    np.testing.assert_allclose(ranks, rankdata(activations, axis=0).T - 45.5)
    found = compute_areas(ranks, holds)
    for unit, concept in product(range(3), range(4)):
        wanted = count_pairs(activations[:, unit].astype(float), holds[:, concept])
        assert found[unit, concept] == pytest.approx(wanted, abs=1e-6)
    assert compute_areas(ranks, np.ones((90, 1), dtype=bool)).tolist() == [[0.5]] * 3


def test_invert_finds_the_formula_that_a_unit_follows() -> None:
    holds = make_holds(400)
    ball, cat, dog, egg = holds.T
    noise = np.random.default_rng(3).normal(size=(400, 4)) / 10
    units = np.stack([cat, cat & ~dog, (ball | cat) & ~egg, ball | dog], axis=1) + noise
    told = describe_by_areas(Given(units, holds, NAMES))
    assert (told[0].text, told[1].text) == ("cat", "cat AND NOT dog")
    assert told[2].text in ("(ball OR cat) AND NOT egg", "(cat OR ball) AND NOT egg")
    assert told[0].score == pytest.approx(1)
    assert told[3].text in ("ball OR dog", "dog OR ball")
    for one, unit in zip(told, units.T, strict=True):
        parts = one.text.replace("(", " ( ").replace(")", " ) ").replace("AND NOT", "&~").split()
        spelled = " ".join({"AND": "&", "OR": "|"}.get(part, part) for part in parts)
        formula = eval(spelled, {}, dict(zip(NAMES, holds.T, strict=True)))  # noqa: S307  our own words
        assert one.score == pytest.approx(count_pairs(unit, formula), abs=1e-6)


def test_the_elastic_net_is_at_its_minimum() -> None:
    """The conditions of optimality, weight by weight."""
    generator = np.random.default_rng(5)
    x = generator.normal(size=(200, 6))
    y = np.stack([x @ [1.0, 0, 0, -0.5, 0, 0], x @ [0, 0, 0.02, 0, 0, 0]], axis=1) + generator.normal(size=(200, 2))
    weights = fit_elastic_net(x, y)
    x, y = ((one - one.mean(axis=0)) / one.std(axis=0) for one in (x, y))
    slope = x.T @ (y - x @ weights) / len(x) - PENALTY * (1 - ALPHA) * weights
    at_zero = weights == 0
    assert at_zero.any()
    assert (np.abs(slope[at_zero]) <= PENALTY * ALPHA + 1e-4).all()
    np.testing.assert_allclose(slope[~at_zero], PENALTY * ALPHA * np.sign(weights[~at_zero]), atol=1e-4)


def test_linear_explanations_weigh_the_concepts_that_make_a_unit() -> None:
    holds = make_holds(500)
    noise = np.random.default_rng(4).normal(size=(500, 3)) / 10
    units = np.stack([3 * holds[:, 1] + 1.5 * holds[:, 3], holds[:, 2] - 2.0 * holds[:, 0], 0 * holds[:, 0]], 1) + noise
    told = describe_by_sums(Given(units, holds, NAMES))
    assert [one.text for one in told[:2]] == ["cat; egg", "dog; not ball"]
    assert np.allclose([weight for _, weight in told[0].details["weights"]], [3, 1.5], atol=0.1)
    assert told[0].score > 0.99
    assert told[2].score < 0.3  # noise has one concept, and a score that says how little it tells


def test_soft_wpmi_is_the_sum_over_top_images_less_what_all_units_share() -> None:
    generator = np.random.default_rng(7)
    concepts, activations = generator.random((150, 3)), generator.normal(size=(150, 2))
    found = measure_information(activations, concepts)
    log_given = [
        [
            sum(
                math.log(1 + (0.998 - place / 100 * 0.028) * (concepts[image, t] - 1) + 1e-7)
                for place, image in enumerate(np.argsort(-activations[:, u])[:100])
            )
            for t in range(3)
        ]
        for u in range(2)
    ]
    for u, t in product(range(2), range(3)):
        shared = math.log(sum(math.exp(row[t]) for row in log_given) / 2)
        assert found[u, t] == pytest.approx(log_given[u][t] - shared)
    holds = make_holds(300)
    told = describe_by_information(Given(holds[:, :3] + generator.normal(size=(300, 3)) / 10, holds, NAMES))
    assert [one.text for one in told] == ["ball", "cat", "dog"]


@pytest.mark.parametrize(("n_images", "allowed"), [(800, False), (200, True)])
def test_a_formula_that_holds_on_one_image_of_many_is_none(n_images: int, allowed: bool) -> None:
    """INVERT: on fewer than .35 percent of the images an area near 1 comes by chance."""
    holds = make_holds(n_images)
    holds[:, 1] = False
    holds[0, 1] = True
    activations = np.linspace(1, 0, n_images)[:, None]
    (told,) = describe_by_areas(Given(activations, holds, NAMES))
    assert (told.score == 1.0) is allowed
    assert (NAMES[1] in told.text) is allowed


@pytest.mark.parametrize(
    ("holds", "describe", "says"),
    [
        (np.ones((9, 4), dtype=bool), describe_by_areas, "at most 50%"),
        (np.ones((9, 4), dtype=bool), describe_by_sums, "No concept holds on some"),
        (np.ones((9, 4), dtype=bool), describe_by_information, "nothing to compare"),
    ],
)
def test_what_cannot_be_described_is_refused(holds: np.ndarray, describe: object, says: str) -> None:
    with pytest.raises(CannotDescribe, match=says):
        describe(Given(np.zeros((9, 1)), holds, NAMES))  # type: ignore[operator]
    with pytest.raises(CannotDescribe, match="shape"):
        Given(np.zeros((8, 1)), holds, NAMES)
