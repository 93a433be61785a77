"""Many answers to one question: weights by chance-corrected agreement, the vote, and how likely each label is.

docs/measures.md, Unit label. Tasks, workers and labels are numbered from 0; one row for each answer.

A worker is compared with the majority of the *other* answers to the same task. Who always says the same agrees with
others by chance alone, so that their weight is near 0; so is the weight of somebody who marks nothing.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

Choice = TypeVar("Choice", bound=Hashable)

# The weight of somebody of whom nothing is known, and how many answers this counts for: no one who answered twice
# weighs like an expert, or like a spammer.
PRIOR_WEIGHT = 0.5
PRIOR_ANSWERS = 4.0
# Of a careful person's answers, the share that agrees with the others' by chance is rarely over a quarter.
PRIOR_CHANCE = 0.25
# The probability that a worker knows a label stays below this, so that one answer never settles a crop.
MOST_CERTAIN = 0.95


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

    def count_by(self, rows: Ints, n_rows: int) -> Array:
        """Shape (n_rows, n_labels): how often each label was given, by the number of its row."""
        counts = np.bincount(rows * self.n_labels + self.label, minlength=n_rows * self.n_labels)
        return counts.reshape(n_rows, self.n_labels).astype(np.float64)


def weigh_workers(answers: Answers) -> Array:
    """Shape (n_workers,), from 0 to 1: agreement with the others' majority, (observed - chance) / (1 - chance).

    Chance is what two people would agree on who gave the same labels as often, but of any task. Shrunk to PRIOR_WEIGHT
    by PRIOR_ANSWERS answers; never below 0.
    """
    others, is_answered = _find_majorities_of_others(answers)
    worker, label, majority = answers.worker[is_answered], answers.label[is_answered], others[is_answered]
    n = np.bincount(worker, minlength=answers.n_workers).astype(np.float64)
    agreeing = np.bincount(worker, weights=majority[np.arange(len(label)), label], minlength=answers.n_workers)
    own = np.bincount(worker * answers.n_labels + label, minlength=answers.n_workers * answers.n_labels)
    theirs = np.stack(
        [np.bincount(worker, weights=column, minlength=answers.n_workers) for column in majority.T], axis=1
    )
    by_chance = (own.reshape(theirs.shape) * theirs).sum(axis=1) / np.maximum(n, 1)
    prior = PRIOR_ANSWERS * (1 - PRIOR_CHANCE)
    weights = (agreeing - by_chance + prior * PRIOR_WEIGHT) / (n - by_chance + prior)
    return np.asarray(np.maximum(weights, 0))


def _find_majorities_of_others(answers: Answers) -> tuple[Array, NDArray[np.bool_]]:
    """For each answer, the most frequent labels of the task's other answers, sharing 1; and if there are others."""
    counts = answers.count_by(answers.task, answers.n_tasks)[answers.task]
    counts[np.arange(len(answers.label)), answers.label] -= 1
    highest = counts.max(axis=1, keepdims=True, initial=0)
    is_majority = (counts == highest) & (counts > 0)
    n_majorities = is_majority.sum(axis=1, keepdims=True)
    return is_majority / np.maximum(n_majorities, 1), n_majorities[:, 0] > 0


def estimate_probabilities(answers: Answers) -> Array:
    """Shape (n_tasks, n_labels): how likely each label is the task's true one.

    Each worker either knows the label, or draws one as often as they give it. Two such people agree beyond chance as
    often as both know, so the probability of knowing is the root of the weight. An answer says the more, the rarer
    this worker gives it; the answer of somebody who always gives it says nothing. Before any answer, a label is as
    likely as informative workers give it.
    """
    weights = np.minimum(np.sqrt(weigh_workers(answers)), MOST_CERTAIN)
    given = answers.count_by(answers.worker, answers.n_workers)
    usual = (given + 1) / (given.sum(axis=1, keepdims=True) + answers.n_labels)
    knows = weights[answers.worker]
    ratio = 1 + knows / ((1 - knows) * usual[answers.worker, answers.label])
    logs = np.zeros((answers.n_tasks, answers.n_labels))
    np.add.at(logs, (answers.task, answers.label), np.log(ratio))
    return _normalize(logs + np.log(_find_base_rates(given, weights)))


def _find_base_rates(given: Array, weights: Array) -> Array:
    """Shape (n_labels,): one answer of each label is added, so that none is impossible."""
    counts = weights @ given + 1
    return np.asarray(counts / counts.sum())


def _normalize(logs: Array) -> Array:
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


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
