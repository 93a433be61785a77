"""Areas under the curve of all units and concepts at once: rank every unit's activations, then one matrix product.

With R the sum of the ranks of the n images where a concept holds, out of N, the area is
(R - n (n + 1) / 2) / (n (N - n)): of all pairs of an image with and one without the concept, the share in which the
first is more active; ties count one half.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Images whose ranks are added up in single precision at a time; sums of more are in double precision.
IMAGES_AT_ONCE = 4096


def rank_units(activations: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """(n_units, n_images) ranks of each unit's activations, the mean of all subtracted; equal ones share a rank.

    Single precision holds them exactly up to 2^23 images.
    """
    n_images = len(activations)
    ranks = np.empty(activations.shape[::-1], dtype=np.float32)
    for unit in range(activations.shape[1]):
        # numpy sorts half precision far more slowly.
        values = activations[:, unit].astype(np.float32 if activations.dtype == np.float16 else activations.dtype)
        order = np.argsort(values)
        ordered = values[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        lengths = np.diff(np.append(starts, n_images))
        shared = starts + (lengths - 1) / 2 - (n_images - 1) / 2
        ranks[unit, order] = np.repeat(shared, lengths)
    return ranks


def compute_areas(ranks: NDArray[np.float32], holds: NDArray[np.bool_]) -> Array:
    """(n_units, n_concepts); .5 where a concept holds on every image or on none. `holds` (n_images, n_concepts)."""
    sums = np.zeros((len(ranks), holds.shape[1]))
    for first in range(0, len(holds), IMAGES_AT_ONCE):
        some = slice(first, first + IMAGES_AT_ONCE)
        sums += ranks[:, some] @ holds[some].astype(np.float32)
    return find_areas(sums, holds.sum(axis=0), n_images=len(holds))


def find_areas(sums: Array, n_held: NDArray[np.integer[Any]], *, n_images: int) -> Array:
    """Areas from sums of ranks whose mean is zero over all images, and from how many images hold each concept."""
    pairs = n_held.astype(np.float64) * (n_images - n_held)
    found: Array = np.divide(sums, pairs, out=np.zeros(np.shape(sums)), where=pairs > 0) + 0.5
    return found
