"""How many units people and labeled pixels name alike, beside chance: a constant label and shuffled units.

docs/measures.md, Relations. The interval of a count is by bootstrap over units; the p-value is the share of shufflings
in which at least as many units agree.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.resampling import Difference, compare_means, estimate_count, find_p

N_SHUFFLES = 1000
SEED = 2017


@dataclass(frozen=True)
class Agreement:
    """Counts of units. `low` and `high` bound the 95 % interval of `n_agreeing`; `shuffled_*` are over seeded
    shufflings of Broden's labels among the units. `over_constant`: the share that agrees minus the share that would
    with the constant label for all.
    """

    n_units: int
    n_agreeing: int
    low: float
    high: float
    shuffled_mean: float
    shuffled_high: float
    p: float
    constant_label: str
    n_constant: int
    over_constant: Difference


def measure_agreement(
    units: Sequence[tuple[Sequence[str], str]], *, is_same: Callable[[str, str], bool], n_needed: int = 1
) -> Agreement:
    """Of at least one unit as (what people say, label). A unit agrees if `n_needed` of its words are the same as its
    label; `is_same(word, label)` is called once per pair of words.

    `shuffled_high` is the 95th percentile.
    The constant label is the one that agrees with most units (ties: first in the alphabet).
    """
    labels = sorted({label for _, label in units})
    n_same = _count_same(units, labels, is_same)
    agrees = n_same >= n_needed
    columns = np.array([labels.index(label) for _, label in units])
    row = np.arange(len(units))
    by_label = agrees.sum(axis=0)
    generator = np.random.default_rng(SEED)
    shuffled = np.array([agrees[row, generator.permutation(columns)].sum() for _ in range(N_SHUFFLES)])
    found = agrees[row, columns]
    interval = estimate_count(found, seed=SEED)
    constant = agrees[:, by_label.argmax()]
    return Agreement(
        n_units=len(units),
        n_agreeing=int(found.sum()),
        low=float(interval.low or 0),
        high=float(interval.high or 0),
        shuffled_mean=float(np.mean(shuffled)),
        shuffled_high=float(np.quantile(shuffled, 0.95)),
        p=find_p(value=float(found.sum()), by_chance=shuffled),
        constant_label=labels[int(by_label.argmax())],
        n_constant=int(by_label.max()),
        over_constant=compare_means(found.astype(float), constant.astype(float), is_paired=True, seed=SEED),
    )


def _count_same(
    units: Sequence[tuple[Sequence[str], str]], labels: Sequence[str], is_same: Callable[[str, str], bool]
) -> NDArray[np.uint8]:
    """(n_units, n_labels): how many of a unit's words are the same as each label."""
    said = sorted({word for words, _ in units for word in words})
    same = np.array([[is_same(word, label) for label in labels] for word in said], dtype=np.uint8)
    place = {word: i for i, word in enumerate(said)}
    counts = np.zeros((len(units), len(labels)), dtype=np.uint8)
    for i, (words, _) in enumerate(units):
        for word in words:
            counts[i] += same[place[word]]
    return counts
