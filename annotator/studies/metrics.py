"""How well a description says where a unit is active: metrics of many unit-description pairs at once.

docs/studies.md, Metrics [OYKW25]. All are estimated from drawn images, each weighted by 1 / (N q).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """(n_draws,) drawn images of all pairs, one pair after the other.

    `pair` ascends. `standardized` is the activation minus its mean over all N images, over its deviation. `is_active`:
    the image is among the share of all N images where the unit is most active. `concept` is the probability that the
    description holds. `times` is how often a resample drew the draw; 1 outside of resamples.
    """

    pair: NDArray[np.int64]
    n_pairs: int
    activation: Array
    standardized: Array
    is_active: NDArray[np.bool_]
    weight: Array
    concept: Array
    times: Array

    @property
    def mass(self) -> Array:
        """(n_draws,): what each draw counts for."""
        return self.weight * self.times

    def add(self, values: Array) -> Array:
        """(n_pairs,) sums over the draws of each pair."""
        return add_up(values, self.pair, n=self.n_pairs)


def measure_correlation(judged: Judged) -> Array:
    """(n_pairs,) rho: the mean over draws of weight x standardized activation x standardized concept."""
    n, mass = judged.add(judged.times), judged.mass
    mean = _divide(judged.add(mass * judged.concept), n)
    moved = judged.concept - mean[judged.pair]
    deviation = np.sqrt(_divide(judged.add(mass * moved**2), n))
    return _divide(judged.add(mass * judged.standardized * moved), n * deviation)


def measure_cosine(judged: Judged) -> Array:
    """(n_pairs,) of activation and concept, without moving their means."""
    mass, a, c = judged.mass, judged.activation, judged.concept
    return _divide(judged.add(mass * a * c), np.sqrt(judged.add(mass * a * a) * judged.add(mass * c * c)))


def measure_f1(judged: Judged) -> Array:
    """(n_pairs,) of active images and images where the description holds."""
    both, either = _overlap(judged)
    return _divide(2 * both, both + either)


def measure_iou(judged: Judged) -> Array:
    """(n_pairs,) of active images and images where the description holds."""
    both, either = _overlap(judged)
    return _divide(both, either)


def measure_share_of_active(judged: Judged) -> Array:
    """(n_pairs,): of active images, the share where the description holds.

    It is like the precision of crops (docs/measures.md). It does not fall if a description holds too often, so that it
    never stands alone.
    """
    active = judged.mass * judged.is_active
    return _divide(judged.add(active * judged.concept), judged.add(active))


def measure_auprc(judged: Judged) -> Array:
    """(n_pairs,) average precision of the activation as a score of the concept; equal activations stand together."""
    order = np.lexsort((-judged.activation, judged.pair))
    pair, activation = judged.pair[order], judged.activation[order]
    mass = judged.mass[order]
    held = mass * judged.concept[order]
    last = np.append((np.diff(pair) != 0) | (np.diff(activation) != 0), True)
    end = _find_next(last)
    precision = _divide(_sum_so_far(held, pair)[end], _sum_so_far(mass, pair)[end])
    total = add_up(held, pair, n=judged.n_pairs)
    return _divide(add_up(held * precision, pair, n=judged.n_pairs), total)


METRICS: dict[str, Callable[[Judged], Array]] = {
    "rho": measure_correlation,
    "f1": measure_f1,
    "auprc": measure_auprc,
    "iou": measure_iou,
    "cosine": measure_cosine,
    "share_of_active": measure_share_of_active,
}


def add_up(values: Array, places: NDArray[np.int64], *, n: int) -> Array:
    """(n,) the sum of the values at each place."""
    return np.asarray(np.bincount(places, weights=values, minlength=n), dtype=np.float64)


def _overlap(judged: Judged) -> tuple[Array, Array]:
    """(n_pairs,) weighted images that are active and hold the description, and that are or do one of both."""
    mass, c, active = judged.mass, judged.concept, judged.is_active
    return judged.add(mass * c * active), judged.add(mass * np.where(active, 1, c))


def _divide(above: Array, below: Array) -> Array:
    """0 if there is nothing below: a description that holds on no drawn image has no score."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _sum_so_far(values: Array, pair: NDArray[np.int64]) -> Array:
    """(n,) running sums; each pair begins at 0."""
    running = np.cumsum(values)
    first = np.append(True, np.diff(pair) != 0)
    before = (running - values)[first]
    since: Array = running - before[np.cumsum(first) - 1]
    return since


def _find_next(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,): for each place, the first place from it on that has the flag; the last place has it."""
    places = np.flatnonzero(flags)
    return places[np.searchsorted(places, np.arange(len(flags)))]
