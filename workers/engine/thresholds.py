"""Exact thresholds from the cells that were kept: the order statistic of each unit.

[BZKOT17] 2.2, science.md section 6: T_u is the (k + 1)-th largest of the unit's M activation values, k = floor(tail M).
The (k + 1)-th largest of any part of the values is never above T_u, so it is a bound that prunes and can never fail. A
bilinear value is a convex combination of its four corners, so a mask needs only cells over T_u and the neighbors of
such cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


class ActivationNotFinite(Exception):
    """A unit gave NaN or infinity, which has no place in an order."""


@dataclass(frozen=True)
class SparseMaps:
    """Kept cells of (image, unit) pairs, pairs sorted by image, then unit.

    `image` (P,) and `unit` (P,) of each pair, `start` (P + 1,) into `cell` (row-major place in the map) and `value`.
    Every cell over the bound under which they were kept is there, with its eight neighbors.
    """

    image: NDArray[np.int32]
    unit: NDArray[np.int32]
    start: NDArray[np.int64]
    cell: NDArray[np.int32]
    value: NDArray[np.float32]

    def unit_of_cell(self) -> NDArray[np.int32]:
        """(cells,) the unit of each kept cell."""
        return np.repeat(self.unit, np.diff(self.start))

    def chosen(self, pairs: NDArray[np.bool_]) -> SparseMaps:
        """The pairs that a (P,) mask names, with all their cells."""
        lengths = np.diff(self.start)
        cells = np.repeat(pairs, lengths)
        return SparseMaps(
            image=self.image[pairs],
            unit=self.unit[pairs],
            start=np.concatenate(([0], np.cumsum(lengths[pairs]))).astype(np.int64),
            cell=self.cell[cells],
            value=self.value[cells],
        )

    def exceeding(self, limit: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(P,) whether some cell of the pair lies strictly over its unit's (U,) limit."""
        if len(self.unit) == 0:
            return np.zeros(0, dtype=bool)
        return np.asarray(np.maximum.reduceat(self.value, self.start[:-1]) > limit[self.unit])


def n_above(*, tail: float, n_values: int) -> int:
    """k = floor(tail x n_values), the tail taken as the decimal that is written."""
    return int(Fraction(str(tail)) * n_values)


def nth_largest(
    *, unit: NDArray[np.int32], value: NDArray[np.float32], n: int, otherwise: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(U,) the n-th largest (from 1) of each unit's values; the (U,) `otherwise` of units that have fewer."""
    n_units = len(otherwise)
    # Small integers are sorted by their digits, several times as fast.
    order = np.argsort(unit.astype(np.uint16) if n_units <= 2**16 else unit, kind="stable")
    value = value[order]
    counts = np.bincount(unit, minlength=n_units)
    ends = np.cumsum(counts)
    result = otherwise.copy()
    for one in np.flatnonzero(counts >= n):
        own = value[ends[one] - counts[one] : ends[one]]
        result[one] = np.partition(own, len(own) - n)[len(own) - n]
    return result


def exact_thresholds(*, maps: SparseMaps, bound: NDArray[np.float32], n_exceeding: int) -> NDArray[np.float32]:
    """(U,) T_u: the (n_exceeding + 1)-th largest of each unit's values.

    All values over the (U,) bound are in maps. A unit with fewer than n_exceeding + 1 of them has its threshold at the
    bound itself: the bound is the (k + 1)-th largest of some of the values, so T_u is not below it, and too few values
    lie above it for T_u to.
    """
    owner = maps.unit_of_cell()
    over = maps.value > bound[owner]
    return nth_largest(unit=owner[over], value=maps.value[over], n=n_exceeding + 1, otherwise=bound)


def merge_sparse(*, parts: list[SparseMaps], bound: NDArray[np.float32]) -> SparseMaps:
    """Join kept cells of different images, dropping pairs that nowhere exceed the (U,) bound; order of the parts
    does not matter.
    """
    parts = [part.chosen(part.exceeding(bound)) for part in parts]
    image, unit, value, cell = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("image", "unit", "value", "cell")
    )
    count = np.concatenate([np.diff(part.start) for part in parts])
    start = np.concatenate(([0], np.cumsum(count)))
    order = np.lexsort((unit, image))
    lengths = count[order]
    new_start = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    source = np.repeat(start[order] - new_start[:-1], lengths) + np.arange(new_start[-1])
    return SparseMaps(image=image[order], unit=unit[order], start=new_start, cell=cell[source], value=value[source])
