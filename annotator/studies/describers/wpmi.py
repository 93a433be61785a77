"""soft-WPMI, the similarity of CLIP-Dissect [OW23]: a concept that is likely on a unit's top images, not on others'.

For unit k and concept t over its 100 most active images i, the i-th counting with p_i from .998 down to .97:
    log P(t | B_k) = sum_i log(1 + p_i (P(t | image i) - 1) + 1e-7)
    score = log P(t | B_k) - lambda log(mean over units of P(t | B)), lambda 1
These constants are those of the authors' code. P may be any stored probability: of a classifier, a text-image model, or
labels.
"""

import numpy as np
from scipy.special import logsumexp

from annotator.studies.describers.given import Array, CannotDescribe, Given, Told

N_TOP, FIRST, LAST = 100, 0.998, 0.97
LEAST, WEIGHT = 1e-7, 1.0
# A label that an image has or has not says less than a probability of 1 or 0.
IF_LABELED, IF_NOT_LABELED = 0.9, 0.01


def describe_by_information(given: Given) -> list[Told]:
    """One concept per unit, with its score. The units must be two at least: the score compares them."""
    if given.activations.shape[1] < 2:
        raise CannotDescribe("soft-WPMI compares units of a layer: one unit alone has nothing to compare with.")
    concepts = given.concepts
    if concepts.dtype == np.bool_:
        concepts = np.where(concepts, IF_LABELED, IF_NOT_LABELED)
    scores = measure_information(given.activations.astype(np.float64), concepts.astype(np.float64))
    best = scores.argmax(axis=1)
    return [Told(given.names[c], float(scores[u, c])) for u, c in enumerate(best)]


def measure_information(activations: Array, concepts: Array) -> Array:
    """(n_units, n_concepts) scores. Of equal activations, images that come first count as more active."""
    n_top = min(N_TOP, len(activations))
    counted = FIRST - np.arange(n_top) / n_top * (FIRST - LAST)
    found = np.empty((activations.shape[1], concepts.shape[1]))
    for unit in range(len(found)):
        top = np.argsort(-activations[:, unit], kind="stable")[:n_top]
        found[unit] = np.log(1 + counted[:, None] * (concepts[top] - 1) + LEAST).sum(axis=0)
    return np.asarray(found - WEIGHT * (logsumexp(found, axis=0) - np.log(len(found))))
