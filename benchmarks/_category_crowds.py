"""25 people, 256 units, three answers each about the category: how often the weighted vote finds the true one.

The six categories are equally frequent. A person finds the true one with an accuracy of their own (mean .70, deviation
.08), else gives any other alike. In two crowds five of the 25 do not look: they always say "object", or say anything.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from annotator.labels.aggregation import Answers, Array, Ints, weigh_workers

Kind = Literal["none", "constant", "random"]

N_WORKERS, N_SPAMMERS, N_UNITS, N_ANSWERS, N_CATEGORIES = 25, 5, 256, 3, 6
ACCURACY, DEVIATION = 0.70, 0.08
OBJECT = 1


@dataclass(frozen=True, eq=False)
class CategoryCrowd:
    answers: Answers
    # Shape (n_units,).
    truth: Ints

    def measure_vote(self, weights: Array) -> float:
        """The share of units whose heaviest category is the true one; ties count by their share."""
        heaviness = np.zeros((self.answers.n_tasks, N_CATEGORIES))
        np.add.at(heaviness, (self.answers.task, self.answers.label), weights[self.answers.worker])
        is_heaviest = heaviness >= heaviness.max(axis=1, keepdims=True) - 1e-9
        return float((is_heaviest[np.arange(len(self.truth)), self.truth] / is_heaviest.sum(axis=1)).mean())

    def measure_weighted(self) -> float:
        return self.measure_vote(weigh_workers(self.answers))

    def measure_majority(self) -> float:
        return self.measure_vote(np.ones(N_WORKERS))


def draw_categories(kind: Kind, seed: int) -> CategoryCrowd:
    generator = np.random.default_rng(seed)
    truth = generator.integers(N_CATEGORIES, size=N_UNITS)
    accuracy = np.clip(generator.normal(ACCURACY, DEVIATION, size=N_WORKERS), 0, 1)
    worker = np.concatenate([generator.choice(N_WORKERS, N_ANSWERS, replace=False) for _ in range(N_UNITS)])
    unit = np.repeat(np.arange(N_UNITS), N_ANSWERS)
    wrong = (truth[unit] + generator.integers(1, N_CATEGORIES, size=len(unit))) % N_CATEGORIES
    label = np.where(generator.random(len(unit)) < accuracy[worker], truth[unit], wrong)
    is_spam = worker < N_SPAMMERS
    if kind == "constant":
        label = np.where(is_spam, OBJECT, label)
    if kind == "random":
        label = np.where(is_spam, generator.integers(N_CATEGORIES, size=len(unit)), label)
    return CategoryCrowd(Answers(unit, worker, label, N_UNITS, N_WORKERS, N_CATEGORIES), truth)
