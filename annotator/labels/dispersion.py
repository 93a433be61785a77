"""How far people spread around a unit's mean precision: the weights of a few overdispersions, per layer.

An overdispersion is the correlation of two crops' judgements by one person, given the unit: 0 if people differ only
by chance, 1 if each person keeps all crops or none. On some units people agree, on others they do not, and published
layers differ too. So a layer has a weight for each of a few overdispersions instead of one value. The weights are the
most likely ones (EM), shrunk to those of the campaign, and the campaign's to those of the published answers
(docs/measures.md, Precision).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from annotator.labels.answer_counts import AnswerCounts
from annotator.labels.beta_binomial import N_CELLS, log_probabilities

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

OVERDISPERSIONS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.27, 0.35, 0.45, 0.6, 0.8)
# Estimated on the published answers (Places205-AlexNet, 1,376 units, 3 answers each), from equal weights.
PUBLISHED_WEIGHTS = (0.125, 0.047, 0.05, 0.078, 0.134, 0.251, 0.254, 0.056, 0.004, 0.001)
# Weights count like this many units with these weights.
PRIOR_UNITS = 10.0
N_ITERATIONS = 40
# Units are computed chunk by chunk, so that 100,000 fit into memory.
CHUNK = 2048


def estimate_weights(counts: AnswerCounts, *, layer: Ints) -> Array:
    """Shape (n_layers, len(OVERDISPERSIONS)): each row sums to 1. `layer`: per unit, its layer numbered from 0.

    Units with one answer tell nothing of the spread. A layer without others has the campaign's weights.
    """
    several = np.flatnonzero(np.bincount(counts.unit) >= 2)
    evidence = weigh_evidence(counts)[several]
    campaign = find_likeliest(evidence, prior=np.array(PUBLISHED_WEIGHTS))
    n_layers = int(layer.max(initial=-1)) + 1
    return np.stack([find_likeliest(evidence[layer[several] == one], prior=campaign) for one in range(n_layers)])


def find_log_likelihoods(counts: AnswerCounts) -> Iterator[tuple[slice, Array]]:
    """Chunks of units; for each of shape (len(OVERDISPERSIONS), n_units, N_CELLS): log probability of their answers."""
    starts = np.searchsorted(counts.unit, np.arange(counts.n_units + 1))
    for first in range(0, counts.n_units, CHUNK):
        end = min(first + CHUNK, counts.n_units)
        rows = slice(starts[first], starts[end])
        logs = [_sum_logs(counts, rows, starts[first:end] - starts[first], rho) for rho in OVERDISPERSIONS]
        yield slice(first, end), np.stack(logs)


def _sum_logs(counts: AnswerCounts, rows: slice, starts: Ints, overdispersion: float) -> Array:
    fitting, shown = counts.n_fitting[rows], counts.n_shown[rows]
    logs = np.empty((len(fitting), N_CELLS))
    for n in np.unique(shown):
        chosen = shown == n
        logs[chosen] = log_probabilities(int(n), overdispersion)[fitting[chosen]]
    return np.asarray(np.add.reduceat(logs, starts, axis=0))


def weigh_evidence(counts: AnswerCounts) -> Array:
    """Shape (n_units, len(OVERDISPERSIONS)): how likely the unit's answers are, its mean being uniform on [0, 1].

    Each row is scaled to a maximum of 1.
    """
    found = np.empty((counts.n_units, len(OVERDISPERSIONS)))
    for units, logs in find_log_likelihoods(counts):
        highest = logs.max(axis=(0, 2), keepdims=True)
        found[units] = np.exp(logs - highest).mean(axis=2).T
    return np.asarray(found / found.max(axis=1, keepdims=True))


def find_likeliest(evidence: Array, *, prior: Array) -> Array:
    """Weights of a mixture by EM; the prior counts like PRIOR_UNITS units."""
    weights = prior
    for _ in range(N_ITERATIONS):
        shares = evidence * weights
        shares /= shares.sum(axis=1, keepdims=True)
        weights = (shares.sum(axis=0) + PRIOR_UNITS * prior) / (len(evidence) + PRIOR_UNITS)
    return weights
