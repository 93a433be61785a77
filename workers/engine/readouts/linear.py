"""A linear read-out: scores, maps and shares of units follow from the same weights. [ZKLOT16] 4, docs/readouts.md.

F is the (K,) vector of pooled units, f their (K, h, w) maps, x = F / |F|. The score of an answer is w x + b, its map
sum_k w_k f_k / |F|, whose mean, plus b, is the score; the share of unit k is w_k x_k.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Of a photograph for which no unit responds.
MIN_LENGTH = 1e-12

Values = NDArray[np.float32]
Wide = NDArray[np.float64]


def normalize_rows(features: Values) -> Values:
    """(n, K) to (n, K), each of length 1."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, MIN_LENGTH), np.float32)


@dataclass(frozen=True)
class Linear:
    """`weight` (A, K) and `bias` (A,) of A answers."""

    weight: Values
    bias: Values

    def score(self, features: Values) -> Wide:
        """(n, A) scores of pooled units (n, K)."""
        x = normalize_rows(features).astype(np.float64)
        return np.asarray(x @ self.weight.T.astype(np.float64) + self.bias)

    def take(self, answer: int, *, against: int | None = None) -> "Weights":
        """What makes the score of one answer, or its difference from that of another."""
        weight, bias = self.weight[answer].astype(np.float64), float(self.bias[answer])
        if against is not None:
            weight, bias = weight - self.weight[against], bias - float(self.bias[against])
        return Weights(weight, bias)


@dataclass(frozen=True)
class Weights:
    """`weight` (K,) and `bias` of one score."""

    weight: Wide
    bias: float = 0.0

    def map_over(self, maps: Values) -> Wide:
        """(h, w) signed evidence of maps (K, h, w); its mean plus the bias is the score."""
        wide = maps.astype(np.float64)
        length = max(float(np.linalg.norm(wide.mean(axis=(1, 2)))), MIN_LENGTH)
        return np.asarray(np.einsum("k,khw->hw", self.weight, wide) / length)

    def share_out(self, maps: Values) -> Wide:
        """(K,) what each unit adds to the score."""
        pooled = maps.astype(np.float64).mean(axis=(1, 2))
        return np.asarray(self.weight * pooled / max(float(np.linalg.norm(pooled)), MIN_LENGTH))
