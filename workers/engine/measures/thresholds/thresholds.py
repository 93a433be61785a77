"""Exact thresholds from the cells that were kept: the order statistic of each unit.

[BZKOT17] 2.2, docs/measures.md, Threshold: T_u is the (k + 1)-th largest of the unit's M activation values, k =
floor(tail M). The (k + 1)-th largest of any part of the values is never above T_u, so it is a bound that prunes and can
never fail. A bilinear value is a convex combination of its four corners, so a mask needs only cells over T_u and the
neighbors of such cells.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workers.engine import compiling
from workers.engine.format.spilling import IN_MEMORY, Growing, Spill, let_go
from workers.engine.measures.thresholds.cell_loop import group_over, prune_cells
from workers.engine.networks.layer_maps import LayerShape

PART_CELLS = 4_000_000
# Cells of framed maps that are pruned at a time.
PRUNED_CELLS = 64_000_000
# What counting takes: for a kept cell its place and value, and for a pair the arrays of SparseMaps and of its mask.
CELL_BYTES, PAIR_BYTES = 8, 64
# Bytes of kept cells whose landmarks are found at a time.
LANDMARK_BYTES = 1 << 28
# A set that grew by an eighth is known from what was kept before: its k + 1 values are among those.
RESERVE = Fraction(9, 8)
# The ranks of the values that a shard leaves to those after it: each a quarter more than the one before.
RANKS = np.unique((1.25 ** np.arange(97)).astype(np.int64))


class TooLittleKept(Exception):
    """Values that the thresholds need were dropped; the message says what to do."""


@dataclass(frozen=True)
class SparseMaps:
    """Kept cells of (image, unit) pairs, pairs sorted by image, then unit.

    `image` (P,) and `unit` (P,) of each pair, `start` (P + 1,) into `cell` (row-major place in the map, ascending) and
    `value`.
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

    def chosen(self, pairs: NDArray[np.bool_] | NDArray[np.int64]) -> "SparseMaps":
        """The pairs of a (P,) mask, or at places in their order, with all their cells."""
        lengths = np.diff(self.start)[pairs]
        start = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        cells = np.repeat(self.start[:-1][pairs] - start[:-1], lengths) + np.arange(start[-1])
        return SparseMaps(
            image=self.image[pairs], unit=self.unit[pairs], start=start, cell=self.cell[cells], value=self.value[cells]
        )

    def kept(self, spill: Spill) -> "SparseMaps":
        """The same, its cells where the spill puts them."""
        return replace(self, cell=spill.keep(self.cell), value=spill.keep(self.value))

    def parts(self) -> Iterator["SparseMaps"]:
        """The same in runs of pairs, without copies, so that what is computed of their cells stays small."""
        edges = np.searchsorted(self.start, np.arange(0, self.start[-1], PART_CELLS))
        for first, end in pairwise([*np.unique(edges).tolist(), len(self.unit)]):
            yield self._run(first, end)
            let_go(self.image, self.unit, self.start, self.cell, self.value)

    def _run(self, first: int, end: int) -> "SparseMaps":
        cells = slice(int(self.start[first]), int(self.start[end]))
        return SparseMaps(
            image=self.image[first:end],
            unit=self.unit[first:end],
            start=self.start[first : end + 1] - self.start[first],
            cell=self.cell[cells],
            value=self.value[cells],
        )

    def of_units(self, units: range) -> "SparseMaps":
        """The pairs of a run of the units, counted from its first, in memory."""
        chosen = [(part.unit >= units.start) & (part.unit < units.stop) for part in self.parts()]
        lengths = np.concatenate([np.diff(part.start)[own] for part, own in zip(self.parts(), chosen, strict=True)])
        start = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        image, unit = (np.empty(len(lengths), dtype=np.int32) for _ in range(2))
        cell, value = np.empty(start[-1], dtype=np.int32), np.empty(start[-1], dtype=np.float32)
        n_pairs = n_cells = 0
        for part, is_own in zip(self.parts(), chosen, strict=True):
            own = part.chosen(is_own)
            pairs, cells = slice(n_pairs, n_pairs + len(own.unit)), slice(n_cells, n_cells + len(own.cell))
            image[pairs], unit[pairs], cell[cells], value[cells] = own.image, own.unit, own.cell, own.value
            n_pairs, n_cells = pairs.stop, cells.stop
        return SparseMaps(image=image, unit=unit - np.int32(units.start), start=start, cell=cell, value=value)

    def bytes_of_units(self, n_units: int) -> NDArray[np.int64]:
        """(n_units,) memory that counting each unit's masks takes."""
        taken = np.zeros(n_units, dtype=np.int64)
        for part in self.parts():
            lengths = np.diff(part.start) * CELL_BYTES + PAIR_BYTES
            # Sums stay far below 2^53, so that float64 weights are exact.
            taken += np.bincount(part.unit, weights=lengths, minlength=n_units).astype(np.int64)
        return taken

    def exceeding(self, limit: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(P,) whether some cell of the pair lies strictly over its unit's (U,) limit."""
        if len(self.unit) == 0:
            return np.zeros(0, dtype=bool)
        return np.asarray(np.maximum.reduceat(self.value, self.start[:-1]) > limit[self.unit])


def n_above(*, tail: float, n_values: int) -> int:
    """k = floor(tail x n_values), the tail taken as the decimal that is written."""
    return int(Fraction(str(tail)) * n_values)


def n_to_keep(*, tail: float, n_values: int) -> int:
    """How many of a unit's values, from the largest, are kept: k + 1 and a reserve, because the set may grow."""
    return min(n_values, int(Fraction(str(tail)) * n_values * RESERVE)) + 1


def _stable_order(unit: NDArray[np.int32], n_units: int) -> NDArray[np.int64]:
    """Places in the order of their units; small integers are sorted by their digits, several times as fast."""
    return np.argsort(unit.astype(np.uint16) if n_units <= 2**16 else unit, kind="stable")


def nth_largest(
    *, unit: NDArray[np.int32], value: NDArray[np.float32], n: int, otherwise: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(U,) the n-th largest (from 1) of each unit's values; the (U,) `otherwise` of units that have fewer."""
    n_units = len(otherwise)
    return nth_of_groups(
        value[_stable_order(unit, n_units)], np.bincount(unit, minlength=n_units), n=n, otherwise=otherwise
    )


def nth_of_groups(
    value: NDArray[np.float32], counts: NDArray[np.int64], *, n: int, otherwise: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The same of values that lie unit by unit, (U,) counts of each."""
    ends = np.cumsum(counts)
    result = otherwise.copy()
    for one in np.flatnonzero(counts >= n):
        own = value[ends[one] - counts[one] : ends[one]]
        result[one] = np.partition(own, len(own) - n)[len(own) - n]
    return result


def exact_thresholds(
    *,
    maps: SparseMaps,
    bound: NDArray[np.float32],
    n_exceeding: int,
    n_reaching: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """(U,) T_u: the (n_exceeding + 1)-th largest of each unit's values. Raises TooLittleKept.

    All values over the (U,) bound are in maps. A unit with fewer than n_exceeding + 1 of them has its threshold at the
    bound itself if at least n_exceeding + 1 values reach the bound: so many are known to, (U,) n_reaching, None for
    enough.
    """
    n = n_exceeding + 1
    value, counts = _group_over(maps, bound)
    if n_reaching is not None and ((np.maximum(n_reaching, counts) < n) & (bound > -np.inf)).any():
        raise TooLittleKept("Too few values were kept to find the thresholds. Dissect again with --anew.")
    # Of zeros with a sign and without, which are equal, the order is that of the shards: a threshold has none.
    return nth_of_groups(value, counts, n=n, otherwise=bound) + np.float32(0)


def _group_over(maps: SparseMaps, bound: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The values over the (U,) bound, unit by unit, and how many each unit has (U,)."""
    if compiling.CAN_COMPILE:
        return group_over(lambda: ((part.unit, np.diff(part.start), part.value) for part in maps.parts()), bound)
    units, values = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    for part in maps.parts():
        owner = part.unit_of_cell()
        over = part.value > bound[owner]
        units.append(owner[over])
        values.append(part.value[over])
    unit = np.concatenate(units)
    order = _stable_order(unit, len(bound))
    return np.concatenate(values)[order], np.bincount(unit, minlength=len(bound))


def merge_sparse(
    *, parts: list[SparseMaps], bound: NDArray[np.float32], shape: LayerShape, spill: Spill = IN_MEMORY
) -> SparseMaps:
    """Join kept cells of different images, dropping cells that neither exceed the (U,) bound nor lie beside one that
    does; order of the parts does not matter.
    """
    ordered = sorted((part for part in parts if len(part.image)), key=lambda part: int(part.image[0]))
    pruned = (prune(maps=piece, bound=bound, shape=shape) for part in ordered for piece in part.parts())
    whole = join_pairs(pruned, spill=spill)
    if (np.diff(whole.image) >= 0).all():
        return whole
    # A part that was merged before may hold images from both sides of another part's.
    return whole.chosen(np.lexsort((whole.unit, whole.image))).kept(spill)


def prune(*, maps: SparseMaps, bound: NDArray[np.float32], shape: LayerShape) -> SparseMaps:
    """The cells over their unit's (U,) bound and the kept ones of their eight neighbors."""
    if compiling.CAN_COMPILE:
        return _prune_by_loop(maps, bound, shape)
    exceeding = maps.chosen(maps.exceeding(bound))
    step = max(1, PRUNED_CELLS // ((shape.height + 1) * (shape.width + 1)))
    runs = [exceeding._run(i, min(i + step, len(exceeding.unit))) for i in range(0, len(exceeding.unit), step)]
    return join_pairs((_prune(run, bound, shape) for run in runs), spill=IN_MEMORY)


def _prune_by_loop(maps: SparseMaps, bound: NDArray[np.float32], shape: LayerShape) -> SparseMaps:
    counts, cell, value = prune_cells(
        maps.unit, np.diff(maps.start), maps.cell, maps.value, bound, shape.height, shape.width
    )
    stays = counts > 0
    start = np.concatenate(([0], np.cumsum(counts[stays]))).astype(np.int64)
    return SparseMaps(image=maps.image[stays], unit=maps.unit[stays], start=start, cell=cell, value=value)


def _prune(maps: SparseMaps, bound: NDArray[np.float32], shape: LayerShape) -> SparseMaps:
    # An empty column and row keep neighbors apart, so that all maps are shifted as one line.
    step = shape.width + 1
    counts = np.diff(maps.start)
    first = np.repeat(np.arange(len(maps.unit)) * ((shape.height + 1) * step), counts)
    place = first + maps.cell + maps.cell // shape.width
    line = np.zeros(len(maps.unit) * (shape.height + 1) * step, dtype=bool)
    line[place[maps.value > bound[maps.unit_of_cell()]]] = True
    stays = _spread(line, step)[place]
    start = np.concatenate(([0], np.cumsum(np.add.reduceat(stays, maps.start[:-1], dtype=np.int64))))
    return replace(maps, start=start, cell=maps.cell[stays], value=maps.value[stays])


def _spread(line: NDArray[np.bool_], step: int) -> NDArray[np.bool_]:
    """The flags and their neighbors on the line, to both sides and in the rows above and below."""
    across = line.copy()
    across[1:] |= line[:-1]
    across[:-1] |= line[1:]
    spread = across.copy()
    spread[step:] |= across[:-step]
    spread[:-step] |= across[step:]
    return spread


def join_pairs(pieces: Iterable[SparseMaps], *, spill: Spill) -> SparseMaps:
    """Pieces one after the other; each is let go before the next one is asked for."""
    image, unit, cell = (Growing(spill, np.int32) for _ in range(3))
    count, value = Growing(spill, np.int64), Growing(spill, np.float32)
    for piece in pieces:
        image.add(piece.image)
        unit.add(piece.unit)
        count.add(np.diff(piece.start))
        cell.add(piece.cell)
        value.add(piece.value)
    counts = count.finish()
    start = spill.empty(len(counts) + 1, np.int64)
    start[0] = 0
    np.cumsum(counts, out=start[1:])
    return SparseMaps(image=image.finish(), unit=unit.finish(), start=start, cell=cell.finish(), value=value.finish())


def landmarks_of(*, maps: SparseMaps, bound: NDArray[np.float32]) -> NDArray[np.float32]:
    """(U, 1, R) of each unit's values over the (U,) bound the RANKS[r]-th largest, -inf if there are fewer."""
    found = np.full((len(bound), 1, len(RANKS)), -np.inf, dtype=np.float32)
    for units in unit_runs(maps.bytes_of_units(len(bound)), at_once=LANDMARK_BYTES):
        own = maps if len(units) == len(bound) else maps.of_units(units)
        found[units.start : units.stop, 0] = _landmarks(own, bound[units.start : units.stop])
    return found


def unit_runs(taken: NDArray[np.int64], *, at_once: int) -> Iterator[range]:
    """Runs of units that take at most so many bytes together, by the (U,) bytes of each; at least one unit a run."""
    first, total = 0, 0
    for unit, own in enumerate(taken.tolist()):
        if unit > first and total + own > at_once:
            yield range(first, unit)
            first, total = unit, 0
        total += own
    yield range(first, len(taken))


def _landmarks(maps: SparseMaps, bound: NDArray[np.float32]) -> NDArray[np.float32]:
    owner = maps.unit_of_cell()
    over = maps.value > bound[owner]
    owner, value = owner[over], maps.value[over]
    falling = np.argsort(-value)
    order = falling[_stable_order(owner[falling], len(bound))]
    counts = np.bincount(owner, minlength=len(bound))
    at = (np.cumsum(counts) - counts)[:, None] + RANKS - 1
    known = counts[:, None] >= RANKS
    found = np.full(known.shape, -np.inf, dtype=np.float32)
    found[known] = value[order][at[known]]
    return found


def bound_by_landmarks(*, landmarks: NDArray[np.float32], n_keep: int) -> NDArray[np.float32]:
    """(U,) a bound that n_keep values reach, by the (U, S, R) landmarks of S shards of different images; -inf where
    they tell of fewer.

    Where a shard's r-th landmark reaches some value, RANKS[r] of its values do: shards' counts add up.
    """
    n_units, n_shards, _ = landmarks.shape
    levels = landmarks.reshape(n_units, -1)
    order = np.argsort(-levels, axis=1)
    told = np.cumsum(np.tile(np.diff(RANKS, prepend=0), n_shards)[order], axis=1)
    levels = np.take_along_axis(levels, order, axis=1)
    enough = told >= n_keep
    return np.where(enough.any(axis=1), levels[np.arange(n_units), enough.argmax(axis=1)], np.float32(-np.inf))
