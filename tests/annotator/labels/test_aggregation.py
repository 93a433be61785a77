"""Weights by chance-corrected agreement against slow oracles and on simulated crowds, and the rules of the vote."""

from collections import Counter
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.labels.aggregation import (
    PRIOR_ANSWERS,
    PRIOR_CHANCE,
    PRIOR_WEIGHT,
    Answers,
    BadAnswers,
    estimate_probabilities,
    vote,
    weigh_workers,
)
from benchmarks._category_crowds import N_SPAMMERS, draw_categories
from benchmarks._crop_crowds import draw_crops

ORDER = {"a": 1, "b": 2, "c": 3}


def weigh_slowly(answers: Answers) -> list[float]:
    """Answer by answer, as docs/measures.md says it."""
    rows = list(zip(answers.task.tolist(), answers.worker.tolist(), answers.label.tolist(), strict=True))
    weights = []
    for worker in range(answers.n_workers):
        agreeing, own, theirs = 0.0, Counter[int](), Counter[int]()
        for place, (task, who, label) in enumerate(rows):
            others = Counter(said for i, (other, _, said) in enumerate(rows) if other == task and i != place)
            if who != worker or not others:
                continue
            majority = [one for one, n in others.items() if n == max(others.values())]
            agreeing += (label in majority) / len(majority)
            own[label] += 1
            theirs.update({one: 1 / len(majority) for one in majority})
        n = own.total()
        by_chance = sum(own[one] * theirs[one] for one in own) / n if n else 0
        prior = PRIOR_ANSWERS * (1 - PRIOR_CHANCE)
        weights.append(max(0, (agreeing - by_chance + prior * PRIOR_WEIGHT) / (n - by_chance + prior)))
    return weights


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30))
def test_weights_equal_the_slow_oracle(rows: list[tuple[int, int, int]]) -> None:
    task, worker, label = np.array(rows).T
    answers = Answers(task, worker, label, 6, 4, 3)
    np.testing.assert_allclose(weigh_workers(answers), weigh_slowly(answers), atol=1e-9)


def estimate_slowly(answers: Answers) -> list[list[float]]:
    """Answer by answer, as docs/measures.md says it."""
    rows = list(zip(answers.task.tolist(), answers.worker.tolist(), answers.label.tolist(), strict=True))
    said, n_said = Counter((who, label) for _, who, label in rows), Counter(who for _, who, _ in rows)
    knows = [min(0.95, weight**0.5) for weight in weigh_slowly(answers)]
    labels = range(answers.n_labels)
    usual = [1 + sum(knows[who] for _, who, given in rows if given == label) for label in labels]
    found = [list(usual) for _ in range(answers.n_tasks)]
    for task, who, label in rows:
        rarity = (said[who, label] + 1) / (n_said[who] + answers.n_labels)
        found[task][label] *= 1 + knows[who] / ((1 - knows[who]) * rarity)
    return [[one / sum(row) for one in row] for row in found]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30))
def test_probabilities_equal_the_slow_oracle(rows: list[tuple[int, int, int]]) -> None:
    task, worker, label = np.array(rows).T
    answers = Answers(task, worker, label, 6, 4, 3)
    np.testing.assert_allclose(estimate_probabilities(answers), estimate_slowly(answers), atol=1e-9)


def test_a_careless_worker_weighs_less_than_the_two_who_agree() -> None:
    generator = np.random.default_rng(1)
    truth = generator.integers(3, size=60)
    noise = generator.integers(3, size=60)
    said = np.concatenate([truth, truth, noise])
    answers = Answers(np.tile(np.arange(60), 3), np.repeat([0, 1, 2], 60), said, 60, 3, 3)
    weights = weigh_workers(answers)
    assert min(weights[:2]) > 3 * weights[2] >= 0


def test_nobody_is_known_from_answers_that_no_one_else_gave() -> None:
    alone = Answers(np.arange(5), np.array([0, 0, 0, 1, 1]), np.array([1, 1, 1, 0, 2]), 5, 2, 3)
    assert weigh_workers(alone).tolist() == [PRIOR_WEIGHT] * 2


@pytest.mark.parametrize(
    ("kind", "least", "gain"), [("none", 0.84, -0.005), ("constant", 0.75, 0.03), ("random", 0.76, 0.03)]
)
def test_the_weighted_vote_finds_the_category_in_spite_of_spam(kind: str, least: float, gain: float) -> None:
    """One-coin Dawid-Skene found .53 of the categories with constant answerers, where a plain majority finds .70."""
    crowds = [draw_categories(kind, seed) for seed in range(40)]  # type: ignore[arg-type]
    weighted = fmean(crowd.measure_weighted() for crowd in crowds)
    assert weighted >= least
    assert weighted >= fmean(crowd.measure_majority() for crowd in crowds) + gain


def test_who_always_says_the_same_weighs_next_to_nothing() -> None:
    weights = weigh_workers(draw_categories("constant", 0).answers)
    assert max(weights[:N_SPAMMERS]) < 0.15 < min(weights[N_SPAMMERS:])


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3])
def test_who_marks_nothing_tells_nothing_of_a_crop(share: float) -> None:
    """One-coin Dawid-Skene called each crop fitting with probability 1.000 where 30 % marked nothing."""
    crowds = [draw_crops(share, seed) for seed in range(5)]
    unfit = fmean(float(crowd.estimate_fits()[crowd.truth == 0].mean()) for crowd in crowds)
    assert unfit < 0.4
    error = fmean(crowd.find_error(crowd.estimate_fits()) for crowd in crowds)
    assert error < fmean(crowd.find_error(crowd.count_keeping()) for crowd in crowds)
    bias = fmean(float((crowd.estimate_fits() - crowd.truth).mean()) for crowd in crowds)
    assert abs(bias) < 0.06


def test_one_more_who_marks_nothing_hardly_changes_a_crop() -> None:
    generator = np.random.default_rng(4)
    fits = generator.random(400) < 0.7
    keeps = np.stack([np.where(generator.random(400) < 0.9, fits, ~fits) for _ in range(2)])
    with_blind = np.concatenate([keeps.reshape(-1), np.ones(400, dtype=bool)]).astype(np.int64)
    crop, worker = np.tile(np.arange(400), 3), np.repeat([0, 1, 2], 400)
    two = estimate_probabilities(Answers(crop[:800], worker[:800], with_blind[:800], 400, 2, 2))[:, 1]
    three = estimate_probabilities(Answers(crop, worker, with_blind, 400, 3, 2))[:, 1]
    both_marked = ~keeps.any(axis=0)
    assert two[both_marked].max() < 0.2
    assert three[both_marked].max() < 0.25


def test_heaviest_choice_wins_whatever_the_count() -> None:
    assert vote(["a", "b", "b"], weights=[3, 1, 1], precisions=[0, 1, 1], order=ORDER) == "a"


def test_equal_weights_go_to_the_higher_summed_precision() -> None:
    assert vote(["a", "b"], weights=[1, 1], precisions=[0.5, 0.6], order=ORDER) == "b"


def test_equal_precisions_go_to_the_published_order() -> None:
    assert vote(["c", "b"], weights=[1, 1], precisions=[0.6, 0.6], order=ORDER) == "b"


def test_a_vote_without_answers_is_refused() -> None:
    with pytest.raises(BadAnswers, match="at least one"):
        vote([], weights=[], precisions=[], order=ORDER)


def test_numbers_outside_the_table_are_refused() -> None:
    with pytest.raises(BadAnswers, match="from 0 to 2"):
        Answers(np.array([3]), np.array([0]), np.array([0]), 3, 1, 2)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30))
def test_probabilities_always_sum_to_one(rows: list[tuple[int, int, int]]) -> None:
    task, worker, label = np.array(rows).T
    np.testing.assert_allclose(estimate_probabilities(Answers(task, worker, label, 6, 4, 3)).sum(axis=1), 1)
