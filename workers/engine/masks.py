"""Lay units' masks over label maps and count, exactly, the pixels that each label has under them.

[BZKOT17] 2.2, science.md section 6. A mask is the unit's map upsampled bilinearly to the label map's size, strictly
over T_u. Only blocks of pixels between four cells of which one lies over T_u are evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from workers.engine.broden import BrodenIndex
from workers.engine.geometry import AxisPlan, MapGeometry, plan_upsampling
from workers.engine.labels import PackedLabels
from workers.engine.thresholds import SparseMaps

# Dense cells of the pairs that are resolved at a time, and label numbers that are counted at a time.
CHUNK_CELLS = 1_000_000
COUNTED_AT_ONCE = 2_000_000

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class MaskTask:
    """What resolving masks needs beside maps and thresholds. `n_units` and the map's shape are the layer's."""

    n_units: int
    map_shape: tuple[int, int]
    geometry: MapGeometry
    input_px: int
    index: BrodenIndex
    # Count a pixel once per label, though several maps of the image carry it.
    once: bool = True


@dataclass(frozen=True)
class MaskCounts:
    """`intersection` (U, C) pixels, labels in the order of BrodenIndex.labels; of each pair its mask's `pair_area`
    (P,) and, unless pixels count once, `pair_category` (P, n_categories): whose labels lie under the mask.
    """

    intersection: Integers
    pair_area: Integers
    pair_category: NDArray[np.bool_]


class _Counter:
    """Counts how often each of n_keys numbers comes; numbers wait until there are enough of them."""

    def __init__(self, n_keys: int) -> None:
        self._counts = np.zeros(n_keys, dtype=np.int64)
        self._waiting: list[Integers] = []
        self._n_waiting = 0

    def add(self, keys: Integers) -> None:
        self._waiting.append(keys)
        self._n_waiting += len(keys)
        if self._n_waiting > COUNTED_AT_ONCE:
            self.counts()

    def counts(self) -> Integers:
        if self._waiting:
            self._counts += np.bincount(np.concatenate(self._waiting), minlength=len(self._counts))
        self._waiting, self._n_waiting = [], 0
        return self._counts


def resolve_masks(
    *, task: MaskTask, maps: SparseMaps, thresholds: NDArray[np.float32], labels: PackedLabels
) -> MaskCounts:
    """Evaluate the masks of all pairs against the label maps; exact integers."""
    n_columns = len(task.index.labels) + 1
    counts = MaskCounts(
        intersection=np.zeros((task.n_units, n_columns), dtype=np.int64),
        pair_area=np.zeros(len(maps.unit), dtype=np.int64),
        pair_category=np.zeros((len(maps.unit), len(task.index.categories)), dtype=bool),
    )
    labels = labels.in_columns(task.index.column_of_number())
    plans = cache(partial(_plan, task))
    by_unit = _Counter(counts.intersection.size)
    over = np.flatnonzero(maps.exceeding(thresholds))
    for pairs, rows in _chunks(over, maps, labels, n_cells=task.map_shape[0] * task.map_shape[1]):
        chunk = _Chunk(maps, pairs, rows, labels, once=task.once)
        unit = maps.unit[pairs]
        blocks = _find_blocks(chunk.dense(task.map_shape), thresholds[unit], plans(*chunk.label_shape))
        counter = by_unit if task.once else _Counter(len(pairs) * n_columns)
        owner = unit.astype(np.int64) if task.once else np.arange(len(pairs))
        area = _count_under(blocks, chunk, row=owner * n_columns, counter=counter)
        counts.pair_area[pairs] = area
        chunk.add_whole(counts.intersection, unit, area)
        if not task.once:
            found = counter.counts().reshape(-1, n_columns)
            np.add.at(counts.intersection, unit, found)
            counts.pair_category[pairs] = chunk.categories(found, area, task.index, labels)
    intersection = counts.intersection + by_unit.counts().reshape(counts.intersection.shape)
    return MaskCounts(intersection[:, 1:], counts.pair_area, counts.pair_category)


def _plan(task: MaskTask, height: int, width: int) -> tuple[AxisPlan, AxisPlan]:
    return plan_upsampling(
        geometry=task.geometry, map_shape=task.map_shape, out_shape=(height, width), input_px=task.input_px
    )


def _chunks(
    over: Integers, maps: SparseMaps, labels: PackedLabels, *, n_cells: int
) -> Iterator[tuple[Integers, Integers]]:
    """Of the pairs over their threshold, places of those of whole images whose label maps are equal in size, as many
    as the scratch space holds but at least one image's, and the rows of their images in `labels`; images with more
    label maps come first.
    """
    row = np.searchsorted(labels.images, maps.image[over])
    size = labels.height[row].astype(np.int64) << 32 | labels.width[row]
    ends = [*(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
    start = 0
    for end, following in zip(ends, [*ends[1:], None], strict=True):
        if following and size[end] == size[start] and (following - start) * n_cells <= CHUNK_CELLS:
            continue
        order = start + np.argsort(-labels.n_maps[row[start:end]], kind="stable")
        yield over[order], row[order]
        start = end


class _Chunk:
    """Some pairs, and the labels of their images: `maps` (slots, images x pixels) of columns, 0 for background."""

    def __init__(
        self,
        maps: SparseMaps,
        pairs: Integers,
        rows: Integers,
        labels: PackedLabels,
        *,
        once: bool,
    ) -> None:
        self.sparse, self.pairs, self.rows = maps, pairs, rows
        images, self.place = _numbered(rows)
        self.label_shape = int(labels.height[rows[0]]), int(labels.width[rows[0]])
        self.n_pixels = self.label_shape[0] * self.label_shape[1]
        self.n_maps = labels.n_maps[images]
        self.maps = np.zeros((int(self.n_maps.max(initial=0)), len(images) * self.n_pixels), dtype=np.uint16)
        self.whole: list[NDArray[np.uint16]] = []
        for i, row in enumerate(images):
            whole, stack = labels.unfold(int(row), once=once)
            self.whole.append(whole)
            self.maps[: len(stack), i * self.n_pixels : (i + 1) * self.n_pixels] = stack

    def dense(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """(pairs, h, w) values of the kept cells, -inf where none was kept."""
        start, end = self.sparse.start[self.pairs], self.sparse.start[self.pairs + 1]
        lengths = end - start
        at = np.repeat(start - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        dense = np.full((len(self.pairs), shape[0] * shape[1]), -np.inf, dtype=np.float32)
        dense[np.repeat(np.arange(len(self.pairs)), lengths), self.sparse.cell[at]] = self.sparse.value[at]
        return dense.reshape(-1, *shape)

    def add_whole(self, intersection: Integers, unit: NDArray[np.int32], area: Integers) -> None:
        """Labels of whole images have all of a mask's pixels."""
        for i, columns in enumerate(self.whole):
            if len(columns):
                own = self.place == i
                for column in columns:
                    intersection[:, column] += np.bincount(unit[own], area[own], len(intersection)).astype(np.int64)

    def categories(
        self, found: Integers, area: Integers, index: BrodenIndex, labels: PackedLabels
    ) -> NDArray[np.bool_]:
        """(pairs, n_categories) whether labels of the category lie under the mask; found (pairs, columns)."""
        seen = found > 0
        for i, columns in enumerate(self.whole):
            seen[np.ix_(self.place == i, columns)] = True
        seen &= (area > 0)[:, None]
        primary = index.primary_of_column()
        under = np.stack([seen[:, primary == c].any(axis=1) for c in range(len(index.categories))], axis=1)
        # NetDissect-Lite never clears a whole-image label 0, which its tie rule puts in the last category.
        under[:, -1] |= labels.has_whole_zero(self.rows) & (area > 0)
        return under


def _numbered(rows: Integers) -> tuple[Integers, Integers]:
    """The different rows in the order in which they stand, and the number among them of each."""
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    return rows[starts], np.cumsum(np.diff(rows, prepend=rows[:1]) != 0)


@dataclass(frozen=True)
class _Blocks:
    """Blocks of pixels between four cells: `pair`, first row and column; at pixel (y, x) of block b the value is
    upper[x, b] + down[y, b] x rise[x, b], the mask where it exceeds limit[b].
    """

    pair: Integers
    row: Integers
    column: Integers
    upper: NDArray[np.float32]
    rise: NDArray[np.float32]
    down: NDArray[np.float32]
    limit: NDArray[np.float32]


def _find_blocks(dense: NDArray[np.float32], limit: NDArray[np.float32], plans: tuple[AxisPlan, AxisPlan]) -> _Blocks:
    """The blocks with a corner over its pair's limit, in the order of pairs."""
    rows, columns = plans
    n_rows, n_columns = dense.shape[1:]
    place = np.flatnonzero(_squares(dense > limit[:, None, None]))
    square, column = np.divmod(place, n_columns + 1)
    pair, row = np.divmod(square, n_rows + 1)
    (pair, column), band = _bands(rows, n_rows, row, [pair, column])
    (pair, band), strip = _bands(columns, n_columns, column, [pair, band])
    corner = pair * (n_rows * n_columns)
    top, bottom = corner + rows.lower[band] * n_columns, corner + rows.upper[band] * n_columns
    left, right = columns.lower[strip], columns.upper[strip]
    flat = dense.ravel()
    # Blocks lie along the last axis, so that every operation runs over long lines.
    across = np.ascontiguousarray(columns.weights.T).take(strip, axis=1)
    upper = _lerp(flat.take(top + left), flat.take(top + right), across)
    lower = _lerp(flat.take(bottom + left), flat.take(bottom + right), across)
    return _Blocks(
        pair=pair,
        row=rows.start[band],
        column=columns.start[strip],
        upper=upper,
        rise=lower - upper,
        down=np.ascontiguousarray(rows.weights.T).take(band, axis=1),
        limit=limit[pair],
    )


def _squares(above: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(P, h + 1, w + 1): whether one of the cells (y - 1, x - 1) to (y, x) of (P, h, w) flags is set; outside the map
    there are none.
    """
    n_pairs, height, width = above.shape
    framed = np.zeros((n_pairs, height + 1, width + 1), dtype=bool)
    framed[:, :height, :width] = above
    line = framed.ravel()
    across = line.copy()
    across[1:] |= line[:-1]
    squares = across.copy()
    squares[width + 1 :] |= across[: -width - 1]
    return squares


def _bands(plan: AxisPlan, n_cells: int, square: Integers, others: list[Integers]) -> tuple[list[Integers], Integers]:
    """The plan's bands in each of the squares, which end at cell `square`: none, one, or, beyond the outermost cells,
    several. `others` are repeated alike.
    """
    clamped = np.where(plan.lower == 0, 0, n_cells)
    number = np.where(plan.lower == plan.upper, clamped, plan.upper)
    counts = np.bincount(number, minlength=n_cells + 1)
    firsts = np.cumsum(counts) - counts
    n_bands = counts[square]
    last = np.cumsum(n_bands)
    band = np.repeat(firsts[square] - last + n_bands, n_bands) + np.arange(last[-1] if len(last) else 0)
    return [np.repeat(one, n_bands) for one in others], band


def _lerp(a: NDArray[np.float32], b: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    return a + weight * (b - a)


def _count_under(blocks: _Blocks, chunk: _Chunk, *, row: Integers, counter: _Counter) -> Integers:
    """(pairs,) areas of the masks; every pixel under a mask counts its labels' columns in its pair's row."""
    width = chunk.label_shape[1]
    first = chunk.place[blocks.pair] * chunk.n_pixels + blocks.row * width + blocks.column
    row_of = row[blocks.pair]
    # The s-th label map is looked up for the images that have one: the first ones.
    ends = [int(np.searchsorted(blocks.pair, (chunk.n_maps > s)[chunk.place].sum())) for s in range(len(chunk.maps))]
    area = np.zeros(len(blocks.pair), dtype=np.int64)
    for y, down in enumerate(blocks.down):
        over = blocks.upper + down * blocks.rise > blocks.limit
        area += np.add.reduce(over.view(np.uint8), axis=0, dtype=np.uint16)
        for x, here in enumerate(over):
            block = np.flatnonzero(here)
            at, keys = first.take(block), row_of.take(block)
            for end, one in zip(ends, chunk.maps, strict=True):
                n = len(block) if end == len(blocks.pair) else int(np.searchsorted(block, end))
                counter.add(keys[:n] + one[y * width + x :].take(at[:n]))
    return np.bincount(blocks.pair, weights=area, minlength=len(row)).astype(np.int64)
