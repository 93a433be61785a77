"""How many units people and Broden name alike, beside chance: a constant label and shuffled units."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

N_SHUFFLES = 200
SEED = 2017


@dataclass(frozen=True)
class Agreement:
    """Counts of units; `shuffled_*` over seeded shufflings of Broden's labels among the units."""

    n_units: int
    n_agreeing: int
    shuffled_mean: float
    shuffled_high: float
    constant_label: str
    n_constant: int


def measure_agreement(units: Sequence[tuple[str, str]], *, is_same: Callable[[str, str], bool]) -> Agreement:
    """Of at least one unit as (concept, label); `is_same(concept, label)` is called once per pair of words.

    `shuffled_high` is the 95th percentile.
    The constant label is the one that agrees with most units (ties: first in the alphabet).
    """
    concepts = sorted({concept for concept, _ in units})
    labels = sorted({label for _, label in units})
    same = np.array([[is_same(concept, label) for label in labels] for concept in concepts], dtype=bool)
    rows = np.array([concepts.index(concept) for concept, _ in units])
    columns = np.array([labels.index(label) for _, label in units])
    generator = np.random.default_rng(SEED)
    shuffled = [int(same[rows, generator.permutation(columns)].sum()) for _ in range(N_SHUFFLES)]
    by_label = same[rows].sum(axis=0)
    return Agreement(
        n_units=len(units),
        n_agreeing=int(same[rows, columns].sum()),
        shuffled_mean=float(np.mean(shuffled)),
        shuffled_high=float(np.quantile(shuffled, 0.95)),
        constant_label=labels[int(by_label.argmax())],
        n_constant=int(by_label.max()),
    )
