"""How many units people and Broden name alike, beside chance: a constant label and shuffled units."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

N_SHUFFLES = 200
SEED = 2017


@dataclass(frozen=True)
class NamedUnit:
    """A unit as both sides name it."""

    concept: str
    label: str


@dataclass(frozen=True)
class Agreement:
    """Counts of units; `shuffled_*` over seeded shufflings of Broden's labels among the units."""

    n_units: int
    n_agreeing: int
    shuffled_mean: float
    shuffled_high: float
    n_shuffles: int
    constant_label: str
    n_constant: int


def measure_agreement(
    units: Sequence[NamedUnit], *, is_same: Callable[[str, str], bool], n_shuffles: int = N_SHUFFLES, seed: int = SEED
) -> Agreement:
    """`is_same(concept, label)` is called once per pair of words. `shuffled_high` is the 95th percentile.

    The constant label is the one that agrees with most units (ties: first in the alphabet).
    """
    if not units:
        return Agreement(0, 0, 0.0, 0.0, n_shuffles, "", 0)
    concepts = sorted({unit.concept for unit in units})
    labels = sorted({unit.label for unit in units})
    same = np.array([[is_same(concept, label) for label in labels] for concept in concepts], dtype=bool)
    rows = np.array([concepts.index(unit.concept) for unit in units])
    columns = np.array([labels.index(unit.label) for unit in units])
    generator = np.random.default_rng(seed)
    shuffled = [int(same[rows, generator.permutation(columns)].sum()) for _ in range(n_shuffles)]
    by_label = same[rows].sum(axis=0)
    return Agreement(
        n_units=len(units),
        n_agreeing=int(same[rows, columns].sum()),
        shuffled_mean=float(np.mean(shuffled)),
        shuffled_high=float(np.quantile(shuffled, 0.95)),
        n_shuffles=n_shuffles,
        constant_label=labels[int(by_label.argmax())],
        n_constant=int(by_label.max()),
    )
