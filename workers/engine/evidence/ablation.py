"""Ablation: what a class loses if units are set to zero. [ZSBT18], [BZSLZT20]; docs/evidence.md, Ablation.

Orders of units: the largest mean share in the class's score first, the smallest first, and at random.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.resampling import Difference, bound_rate, compare_means, count_effective

Values = NDArray[np.float64]
Indices = NDArray[np.int64]

LARGEST, SMALLEST, RANDOM = "largest", "smallest", "random"
ORDERS = (LARGEST, SMALLEST, RANDOM)
STEPS = (1, 2, 5)
SEED = 2018


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


def leave_one_out(total: Values, own: Values, *, n: int) -> Values:
    """(K,) the mean of the shares of n - 1 >= 1 images, of the sum of n and those of the one that is left out: no image
    decides what is taken from itself.
    """
    return np.asarray((total - own) / (n - 1))


@dataclass(frozen=True)
class Hits:
    """Of n trials, whether the network still says the image's class: `whole` (n,) with all units, `without` (n, 3,
    counts) without some of the units of the class `class_index`, by ORDERS; of several random orders, the share that
    still say it. `image` (n,) numbers the images: an image of another class may be tried for several classes.
    """

    class_index: Indices
    image: Indices
    whole: Values
    without: Values

    def of_class(self, class_index: int) -> "Hits":
        mine = self.class_index == class_index
        return Hits(self.class_index[mine], self.image[mine], self.whole[mine], self.without[mine])


@dataclass(frozen=True)
class Share:
    """A share of n images with its 95 % interval [W27]."""

    value: float
    low: float
    high: float


def estimate_share(values: Values, images: Indices) -> Share | None:
    """The mean of values (n,) from 0 to 1 over trials of the `images` (n,); None without any. The interval is over
    images: trials of the same one are taken to tell the same, so that they count as fewer images (count_effective).
    Where they do not, and of values between 0 and 1, as of several random orders, it is wider than it need be.
    """
    if len(values) == 0:
        return None
    times = np.unique(images, return_counts=True)[1].astype(np.float64)
    share = float(values.mean())
    return Share(share, *bound_rate(share, count_effective(times)))


def compare_costs(hits: Hits, place: int) -> Difference:
    """How much more accuracy the units of largest share cost than random ones, at one count; interval over images."""
    largest, at_random = ORDERS.index(LARGEST), ORDERS.index(RANDOM)
    without = hits.without[:, :, place]
    return compare_means(without[:, at_random], without[:, largest], is_paired=True, seed=SEED)
