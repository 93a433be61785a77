"""Ablation: what a class loses if units are set to zero. [ZSBT18], [BZSLZT20]; docs/evidence.md, Ablation.

Orders of units: the largest mean share in the class's score first, the smallest first, and at random.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.resampling import Difference, compare_means

Values = NDArray[np.float64]
Indices = NDArray[np.int64]

LARGEST, SMALLEST, RANDOM = "largest", "smallest", "random"
ORDERS = (LARGEST, SMALLEST, RANDOM)
STEPS = (1, 2, 5)
SEED = 2018
Z95 = 1.959964


def list_counts(n_units: int, asked: Sequence[int] = ()) -> list[int]:
    """How many units are set to zero, ascending: what was asked for, else 1, 2, 5, 10, ... and all of them."""
    if asked:
        return sorted({n for n in asked if 1 <= n <= n_units})
    found, scale = [], 1
    while scale < n_units:
        found += [step * scale for step in STEPS if step * scale < n_units]
        scale *= 10
    return [*found, n_units]


def order_units(shares: Values, *, n_random: int, seed: Sequence[int]) -> Indices:
    """(2 + n_random, K) units in each order, by mean shares (K,): largest first, smallest first, then random ones.
    Ties go to the lower index.
    """
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(len(shares)) for _ in range(n_random)]
    return np.stack([np.argsort(-shares, kind="stable"), np.argsort(shares, kind="stable"), *drawn])


def leave_one_out(shares: Values) -> Values:
    """(n, K) for each of n >= 2 images, the mean of the others' shares: no image decides what is taken from itself."""
    return np.asarray((shares.sum(axis=0) - shares) / (len(shares) - 1))


@dataclass(frozen=True)
class Hits:
    """Of n images, whether the network still says the class: `whole` (n,) with all units, `without` (n, 3, counts) by
    ORDERS. Of several random orders, it is the share that still say it.
    """

    class_index: Indices
    whole: Values
    without: Values

    def of_class(self, class_index: int) -> "Hits":
        mine = self.class_index == class_index
        return Hits(self.class_index[mine], self.whole[mine], self.without[mine])


@dataclass(frozen=True)
class Share:
    """A share of n images with its 95 % interval [W27]."""

    value: float
    low: float
    high: float


def estimate_share(values: Values) -> Share | None:
    """The mean of values from 0 to 1 over images; None without images. Values between 0 and 1, as of several random
    orders, spread less than 0 and 1 do: the interval is then wider than it need be.
    """
    n = len(values)
    if n == 0:
        return None
    p, z = float(values.mean()), Z95 / n**0.5
    middle, spread = p + z * z / 2, z * (p * (1 - p) + z * z / 4) ** 0.5
    scale = 1 + z * z
    return Share(p, max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale))


def compare_costs(hits: Hits, place: int) -> Difference:
    """How much more accuracy the units of largest share cost than random ones, at one count; interval over images."""
    largest, at_random = ORDERS.index(LARGEST), ORDERS.index(RANDOM)
    without = hits.without[:, :, place]
    return compare_means(without[:, at_random], without[:, largest], is_paired=True, seed=SEED)
