"""The Beta-binomial distribution on a grid of means: one person keeps k of n crops of a unit."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The mean is computed on this many cells of [0, 1].
N_CELLS = 200


@lru_cache(maxsize=256)
def log_probabilities(n: int, overdispersion: float) -> Array:
    """Shape (n + 1, N_CELLS): log probability that k of n crops fit, the mean at each cell's center.

    Without the binomial coefficient, which is the same for every mean and every overdispersion.
    """
    together = (1 - overdispersion) / overdispersion
    centers = (np.arange(N_CELLS) + 0.5) / N_CELLS
    fitting = _log_rising(together * centers, n)
    marked = _log_rising(together * (1 - centers), n)
    whole = _log_rising(np.array([together]), n)[n, 0]
    return np.asarray(fitting + marked[::-1] - whole)


def _log_rising(start: Array, n: int) -> Array:
    """Shape (n + 1, len(start)): log of start (start + 1) ... (start + k - 1) for k from 0 to n."""
    logs = np.log(start[None, :] + np.arange(n)[:, None])
    return np.vstack([np.zeros(len(start)), np.cumsum(logs, axis=0)])
