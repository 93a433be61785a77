"""How alike a unit's top images are in an embedding, without asking anybody (SemanticLens, Nature Machine Intelligence
2025; docs/studies.md, Clarity).

Of n unit vectors with mean m: clarity is (|m|^2 - 1/n) n / (n - 1), the mean cosine of two of them; polysemanticity is
1 less the cosine of their two k-means centers; redundancy is a unit's largest cosine between m and another unit's m.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.stats import rankdata

from annotator.comparison.method_figures import correlate
from annotator.refusals import Refusal
from workers.engine.plurals import say_count
from workers.engine.resampling import Estimate, bootstrap

Array = NDArray[np.float64]
MIN_IMAGES, MIN_UNITS, SEED = 3, 5, 2026
MEASURES = ("clarity", "polysemanticity", "redundancy")


class BadEmbedding(Refusal):
    """The embedding does not fit the images."""


@dataclass(frozen=True)
class Clear:
    """Of one unit. `redundancy` is None if there is no other unit."""

    clarity: float
    polysemanticity: float
    redundancy: float | None


def measure_clarity(embedding: NDArray[np.floating[Any]], top: Mapping[int, Sequence[int]]) -> dict[int, Clear]:
    """By unit. `embedding` (n_images, n_dimensions), NaN where an image has none; `top`: the images of each unit.

    Units with fewer than three embedded top images are left out. Raises BadEmbedding.
    """
    if embedding.ndim != 2:
        raise BadEmbedding(f"The embedding has the shape {embedding.shape}: (images, dimensions) is needed.")
    last = max((max(images, default=0) for images in top.values()), default=0)
    if last >= len(embedding):
        raise BadEmbedding(
            f"The embedding has {say_count(len(embedding), 'row')}, and image {last} is among the top images."
        )
    vectors = {unit: _normalize(embedding[list(images)]) for unit, images in top.items()}
    vectors = {unit: rows for unit, rows in vectors.items() if len(rows) >= MIN_IMAGES}
    nearest = _find_nearest(np.array([rows.mean(axis=0) for rows in vectors.values()]))
    return {
        unit: Clear(_find_clarity(rows), 1 - _compare_centers(rows), near)
        for (unit, rows), near in zip(vectors.items(), nearest, strict=True)
    }


def rank_with_precision(found: Mapping[int, Clear], precision: Mapping[int, float]) -> dict[str, Estimate]:
    """By measure, Spearman's correlation with people's precision over the units that have both, with a 95 % interval
    over units; without a value below five units, or if one side is the same for all.
    """
    return {name: _rank(name, found, precision) for name in MEASURES}


def _rank(name: str, found: Mapping[int, Clear], precision: Mapping[int, float]) -> Estimate:
    rows = [
        (value, precision[unit])
        for unit, one in sorted(found.items())
        if unit in precision and (value := getattr(one, name)) is not None
    ]
    table = np.column_stack([rankdata(column) for column in zip(*rows, strict=True)]) if rows else np.zeros((0, 2))
    if len(table) < MIN_UNITS or not table.std(axis=0).all():
        return Estimate(None)
    return bootstrap(lambda drawn: correlate(table, drawn), n=len(table), seed=SEED)


def _normalize(rows: NDArray[np.floating[Any]]) -> Array:
    """Unit vectors; rows without a length are left out."""
    known = np.asarray(rows, dtype=np.float64)
    lengths = np.linalg.norm(known, axis=1)
    is_usable = np.isfinite(lengths) & (lengths > 0)
    return np.asarray(known[is_usable] / lengths[is_usable, None])


def _find_clarity(rows: Array) -> float:
    n, mean = len(rows), rows.mean(axis=0)
    return float((mean @ mean - 1 / n) * n / (n - 1))


def _compare_centers(rows: Array) -> float:
    """The cosine of the two centers; 1 if there is one. The first two are the row farthest from the mean, and the row
    farthest from it.
    """
    first = rows[np.argmax(np.linalg.norm(rows - rows.mean(axis=0), axis=1))]
    second = rows[np.argmax(np.linalg.norm(rows - first, axis=1))]
    if np.allclose(first, second):
        return 1.0
    centers, _ = kmeans2(rows, np.stack([first, second]), minit="matrix", iter=50)
    one, other = centers
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / lengths) if lengths > 0 else 0.0


def _find_nearest(means: Array) -> list[float | None]:
    if len(means) < 2:
        return [None] * len(means)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    directions = means / np.where(lengths > 0, lengths, 1)
    cosines = directions @ directions.T
    np.fill_diagonal(cosines, -np.inf)
    return [float(value) for value in cosines.max(axis=1)]
