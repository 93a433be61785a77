"""Which images people judge: drawn evenly, or more often where they decide the correlation (docs/studies.md, Sampling).

MG-IS of [OYKW25]: an image's probability is a mixture of importance and of an even draw, so that no weight exceeds
1 / gamma. Every draw keeps its probability q, from which its weight follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.refusals import Refusal
from workers.engine.plurals import say_count

Array = NDArray[np.float64]

GAMMA = 0.2
# The sum of q of a million images, added in floating point, is this near to 1.
TOLERANCE = 1e-6


class BadSample(Refusal):
    """Images cannot be drawn with these numbers."""


@dataclass(frozen=True)
class Sample:
    """(n_draws,) images in the order drawn, with replacement, and the probability with which each was drawn.

    The first draws of a sample are a sample as well.
    """

    images: NDArray[np.int64]
    q: Array
    n_images: int

    @property
    def weights(self) -> Array:
        """(n_draws,): an even draw's probability over the image's own."""
        return 1 / (self.n_images * self.q)


def draw_sample(q: Sequence[float] | Array, *, n_draws: int, seed: int) -> Sample:
    """Draws images with replacement. Raises BadSample unless q is a distribution over the images."""
    probabilities = np.asarray(q, dtype=np.float64)
    _check_distribution(probabilities)
    if n_draws < 1:
        raise BadSample(f"A sample has 1 draw or more, not {n_draws}.")
    bounds = np.cumsum(probabilities)
    drawn = np.searchsorted(bounds, np.random.default_rng(seed).random(n_draws) * bounds[-1], side="right")
    return Sample(drawn.astype(np.int64), probabilities[drawn], len(probabilities))


def spread_evenly(n_images: int) -> Array:
    """(n_images,): the same probability for each."""
    return np.full(n_images, 1 / n_images)


def spread_by_importance(activations: Array, concept: Array, *, gamma: float = GAMMA) -> Array:
    """(n_images,) MG-IS: (1 - gamma) |a c| / sum |a c| + gamma / N, both standardized over all images.

    `concept` (n_images,): how probable it is that the description holds, by a cheap model. If one of the two is the
    same on all images, nothing tells the images apart, and they are drawn evenly.
    """
    if not 0 < gamma <= 1:
        raise BadSample(f"gamma is above 0 and at most 1, not {gamma:g}.")
    if activations.shape != concept.shape or activations.ndim != 1:
        raise BadSample(
            f"A unit has {say_count(len(activations), 'activation')}, and the concept model knows "
            f"{say_count(len(concept), 'image')}: each image needs one number of both."
        )
    products = np.abs(standardize(activations) * standardize(concept))
    total = products.sum()
    even = spread_evenly(len(activations))
    return (1 - gamma) * products / total + gamma * even if total > 0 else even


def standardize(values: Array) -> Array:
    """(n,) minus the mean, over the deviation; zeros if all are the same. Raises BadSample if one is not finite."""
    found = np.asarray(values, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(found))
    if len(bad):
        raise BadSample(f"Image {bad[0]} has the value {found[bad[0]]}, which is not a finite number.")
    moved = found - found.mean()
    deviation = moved.std()
    return moved / deviation if deviation > 0 else np.zeros_like(moved)


def _check_distribution(q: Array) -> None:
    if q.ndim != 1 or not len(q):
        raise BadSample("q is one probability per image, and there is at least one image.")
    bad = np.flatnonzero(~(np.isfinite(q) & (q >= 0)))
    if len(bad):
        raise BadSample(f"q of image {bad[0]} is {q[bad[0]]}: a probability is 0 or more.")
    if abs(q.sum() - 1) > TOLERANCE:
        raise BadSample(f"q sums to {q.sum():.6f}: the probabilities of all images sum to 1.")
