"""Dawid-Skene against crowd-kit's results on random tables, and the written rules of the vote."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.labels.aggregation import (
    Answers,
    BadAnswers,
    Truths,
    count_votes,
    fit_one_coin,
    vote,
    weigh_workers,
)

# Made once with crowd-kit 1.4.2; too heavy to be installed for every test run.
TABLES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("crowdkit_tables.json").read_text())["tables"]
ORDER = {"a": 1, "b": 2, "c": 3}


def read(table: dict[str, Any]) -> Answers:
    task, worker, label = np.array(table["answers"]).T
    return Answers(task, worker, label, table["n_tasks"], table["n_workers"], table["n_labels"])


@pytest.mark.parametrize("n_iterations", [1, 5, 20])
@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"seed {table['seed']}")
def test_one_coin_equals_crowd_kit(table: dict[str, Any], n_iterations: int) -> None:
    answers = read(table)
    one = fit_one_coin(answers, n_iterations=n_iterations, tolerance=-1)
    np.testing.assert_allclose(one.probabilities, table["probabilities"][f"one_coin_{n_iterations}"], atol=1e-6)


def one_coin_slowly(answers: Answers, n_iterations: int) -> Truths:
    """The paper's two steps, answer by answer."""
    rows = list(zip(answers.task, answers.worker, answers.label, strict=True))
    truths = count_votes(answers)
    for _ in range(n_iterations):
        priors = truths.mean(axis=0)
        right = [[truths[t, k] for t, w, k in rows if w == worker] for worker in range(answers.n_workers)]
        accuracy = [np.mean(hits) if hits else 0.0 for hits in right]
        fresh = np.tile(priors, (answers.n_tasks, 1))
        for t, w, k in rows:
            for label in range(answers.n_labels):
                fresh[t, label] *= accuracy[w] if label == k else (1 - accuracy[w]) / (answers.n_labels - 1)
        truths = fresh / fresh.sum(axis=1, keepdims=True)
    return Truths(truths, np.array(accuracy), n_iterations)


def test_one_coin_equals_the_slow_oracle() -> None:
    answers = read(TABLES[0])
    slow = one_coin_slowly(answers, 3)
    np.testing.assert_allclose(fit_one_coin(answers, n_iterations=3, tolerance=-1).probabilities, slow.probabilities)


def test_a_careless_worker_weighs_less_than_the_two_who_agree() -> None:
    generator = np.random.default_rng(1)
    truth = generator.integers(3, size=60)
    noise = generator.integers(3, size=60)
    said = np.concatenate([truth, truth, noise])
    answers = Answers(np.tile(np.arange(60), 3), np.repeat([0, 1, 2], 60), said, 60, 3, 3)
    weights = weigh_workers(answers)
    assert weights[0] == weights[1] > 5 * weights[2] >= 0


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
    answers = Answers(task, worker, label, 6, 4, 3)
    np.testing.assert_allclose(fit_one_coin(answers).probabilities.sum(axis=1), 1)
