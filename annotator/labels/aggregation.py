"""Many answers to one question: one-coin Dawid-Skene, and the weighted vote that decides a category.

[DS79]; docs/measures.md, Unit label.
Tasks, workers and labels are numbered from 0; one row for each answer.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

Choice = TypeVar("Choice", bound=Hashable)

N_ITERATIONS = 100
TOLERANCE = 1e-5
# Probabilities are at least this: a label that a worker never gave must not make a truth impossible.
FLOOR = 1e-10
# A worker's accuracy is shrunk towards this many answers of which this share were right: no one who answered twice
# weighs like an expert.
PRIOR_ANSWERS = 4.0
PRIOR_ACCURACY = 0.7


class BadAnswers(ValueError):
    """Answers that number no task, worker or label, or are of different lengths."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Three arrays of one length: who said what of which task."""

    task: Ints
    worker: Ints
    label: Ints
    n_tasks: int
    n_workers: int
    n_labels: int

    def __post_init__(self) -> None:
        for name, array, n in (
            ("task", self.task, self.n_tasks),
            ("worker", self.worker, self.n_workers),
            ("label", self.label, self.n_labels),
        ):
            if len(array) != len(self.task):
                raise BadAnswers("Tasks, workers and labels must have the same length.")
            if len(array) and (array.min() < 0 or array.max() >= n):
                raise BadAnswers(f"Each {name} must lie from 0 to {n - 1}.")


@dataclass(frozen=True, eq=False)
class Truths:
    """`probabilities` (n_tasks, n_labels); `accuracy` (n_workers,): expected share of right answers."""

    probabilities: Array
    accuracy: Array
    n_iterations: int


def count_votes(answers: Answers) -> Array:
    """Shape (n_tasks, n_labels): share of each task's answers."""
    votes = np.bincount(answers.task * answers.n_labels + answers.label, minlength=answers.n_tasks * answers.n_labels)
    counts = votes.reshape(answers.n_tasks, answers.n_labels).astype(np.float64)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def fit_one_coin(answers: Answers, *, n_iterations: int = N_ITERATIONS, tolerance: float = TOLERANCE) -> Truths:
    """Each worker is right with one probability, else says any other label alike."""
    truths = count_votes(answers)
    done = 0
    for done in range(1, n_iterations + 1):  # noqa: B007
        accuracy = np.clip(_expected_accuracy(answers, truths), FLOOR, 1 - FLOOR)
        gain = np.log(accuracy) - np.log((1 - accuracy) / max(answers.n_labels - 1, 1))
        logs = np.zeros((answers.n_tasks, answers.n_labels))
        np.add.at(logs, (answers.task, answers.label), gain[answers.worker])
        fresh = _normalize(logs + _log_priors(truths))
        change = float(np.abs(fresh - truths).max(initial=0))
        truths = fresh
        if change < tolerance:
            break
    return Truths(probabilities=truths, accuracy=_expected_accuracy(answers, truths), n_iterations=done)


def weigh_workers(answers: Answers) -> Array:
    """Shape (n_workers,): log odds of being right against chance, from one-coin accuracies shrunk to a stated prior.

    Never below 0: who is worse than chance counts nothing.
    """
    fitted = fit_one_coin(answers)
    n_given = np.bincount(answers.worker, minlength=answers.n_workers)
    accuracy = (fitted.accuracy * n_given + PRIOR_ACCURACY * PRIOR_ANSWERS) / (n_given + PRIOR_ANSWERS)
    chance_of_one_error = (1 - accuracy) / max(answers.n_labels - 1, 1)
    return np.asarray(np.maximum(np.log(accuracy / chance_of_one_error), 0))


def vote(
    choices: Sequence[Choice], *, weights: Sequence[float], precisions: Sequence[float], order: Mapping[Choice, int]
) -> Choice:
    """The choice of most weight. Ties: higher summed precision, then the lower number in `order`."""
    if not choices:
        raise BadAnswers("A vote needs at least one answer.")

    def rank(choice: Choice) -> tuple[float, float, int]:
        members = [i for i, other in enumerate(choices) if other == choice]
        weight = round(sum(weights[i] for i in members), 9)
        return (-weight, -round(sum(precisions[i] for i in members), 9), order[choice])

    return min(set(choices), key=rank)


def _log_priors(truths: Array) -> Array:
    """Shape (n_labels,): how common each label is among the truths so far."""
    return np.asarray(np.log(np.maximum(truths.mean(axis=0), FLOOR)))


def _normalize(logs: Array) -> Array:
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _expected_accuracy(answers: Answers, truths: Array) -> Array:
    right = np.bincount(answers.worker, weights=truths[answers.task, answers.label], minlength=answers.n_workers)
    return np.asarray(right / np.maximum(np.bincount(answers.worker, minlength=answers.n_workers), 1))
