"""How far IoU and counts of detectors would move with other images of the same kind: a bootstrap over images.

docs/measures.md, IoU. Images are dealt out to bins, one image per bin if there are no more images than bins, and bins
are resampled. The unit's threshold and its best labels are held fixed. Only labels within reach of the bound, and the
unit's label, have an interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.bounds import DETECTOR_ABOVE
from workers.engine.images.label_table import LabelTable
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.measures.iou.arrays import ModeCounts
from workers.engine.measures.iou.mask_blocks import Integers
from workers.engine.measures.iou.masks import MaskCounts, MaskTask, Wanted, sum_in_bins
from workers.engine.resampling import LEVELS, N_RESAMPLES, Array, draw

# With 500 bins the width of an interval is within some 3 % of that of as many bins as images.
N_BINS = 500
SEED = 2017
# A label below half the bound is not resampled over it.
WITHIN_REACH = DETECTOR_ABOVE / 2


@dataclass(frozen=True)
class Draws:
    """Of some units in each resample: how many have a label over the bound, (n_draws,), and which labels some unit has,
    (n_draws, n_numbers).
    """

    n_over: Integers
    labels_over: NDArray[np.bool_]


@dataclass(frozen=True)
class Counted:
    """The counts of one mode for some units of a layer, and what the intervals of the layer's counts come from."""

    counts: ModeCounts
    draws: Draws | None = None

    def beside(self, shuffled: ModeCounts) -> "Counted":
        """The same with the best labels by chance beside them."""
        found = replace(self.counts, shuffled_label=shuffled.best_label, shuffled_iou=shuffled.best_iou)
        return replace(self, counts=found)


@dataclass(frozen=True)
class LayerMasks:
    """One mode's masks of some units of a layer; `counts_area` (P, n_categories): whether a pair's area counts towards
    that of each category's labels.
    """

    task: MaskTask
    masks: MaskCounts
    counts_area: NDArray[np.bool_]
    counts: ModeCounts


@dataclass(frozen=True)
class Binned:
    """The labels, and the bin (n,) of each of their images. With `once` a pixel counts once per label."""

    labels: PackedLabels
    index: LabelTable
    once: bool
    bin_of_image: NDArray[np.int64]


def deal_into_bins(n_images: int) -> NDArray[np.int64]:
    """(n,) a bin for each image, by chance; the bins' sizes differ by one at most."""
    return np.random.default_rng(SEED).permutation(n_images) % min(N_BINS, max(n_images, 1))


def add_intervals(layers: Sequence[LayerMasks], binned: Binned) -> list[Counted]:
    """The counts of one mode with the intervals of their labels; the masks keep the labels of their pairs."""
    labels, index = binned.labels, binned.index
    truth = labels.truth(n_numbers=index.n_numbers, once=binned.once, group=binned.bin_of_image)
    found = []
    for layer in layers:
        columns, of_pairs = _find_columns(layer.counts, index), layer.masks.of_pairs
        assert of_pairs is not None
        wanted = Wanted(columns, binned.bin_of_image)
        same = sum_in_bins(layer.task, of_pairs, wanted, labels.images)
        found.append(_add_intervals(layer.counts, columns, same, _sum_areas(layer, binned), truth))
    return found


def state_ranges(counts: ModeCounts, draws: Sequence[Draws]) -> ModeCounts:
    """A layer's counts with the intervals of n_detectors and n_unique; `draws` of all runs of its units."""
    if not draws:
        return counts
    found = counts.count_detectors()
    n_over = np.sum([one.n_over for one in draws], axis=0)
    n_unique = np.logical_or.reduce([one.labels_over for one in draws]).sum(axis=1)
    ranges = [
        *_spread_around(n_over, found["n_detectors"], highest=len(counts.best_iou)),
        *_spread_around(n_unique, found["n_unique"], highest=int(np.count_nonzero(counts.truth))),
    ]
    return replace(counts, count_ranges=np.array(ranges))


def _find_columns(counts: ModeCounts, index: LabelTable) -> Integers:
    """(U, n_categories) the column of each best label within reach, and of the unit's label; else 0."""
    iou = counts.best_iou
    wanted = (iou > WITHIN_REACH) | (iou == iou.max(axis=1, keepdims=True))
    columns = index.column_of_number()[np.maximum(counts.best_label, 0)].astype(np.int64)
    return np.where(wanted & (counts.best_label > 0), columns, 0)


def _sum_areas(layer: LayerMasks, binned: Binned) -> Integers:
    """(U, n_categories, bins) mask pixels."""
    maps, n_units, n_bins = layer.task.maps, len(layer.task.thresholds), int(binned.bin_of_image.max(initial=0)) + 1
    bins = binned.bin_of_image[np.searchsorted(binned.labels.images, maps.image)]
    key = maps.unit.astype(np.int64) * n_bins + bins
    sums = [
        np.bincount(key, weights=layer.masks.pair_area * one, minlength=n_units * n_bins) for one in layer.counts_area.T
    ]
    return np.stack([one.astype(np.int64).reshape(n_units, n_bins) for one in sums], axis=1)


def _add_intervals(counts: ModeCounts, columns: Integers, same: Integers, area: Integers, truth: Integers) -> Counted:
    """`same` and `area` (U, n_categories, bins), `truth` (bins, n_numbers)."""
    low, high = np.full((2, *columns.shape), np.nan)
    is_over = np.zeros((N_RESAMPLES, len(columns)), dtype=bool)
    labels_over = np.zeros((N_RESAMPLES, truth.shape[1]), dtype=bool)
    times = _draw_bins(same.shape[2])
    for category in range(columns.shape[1]):
        units = np.flatnonzero(columns[:, category])
        if len(units) == 0:
            continue
        number = counts.best_label[units, category]
        drawn = _resample(times, same[units, category], area[units, category], truth[:, number].T)
        own = counts.best_iou[units, category]
        ends = np.quantile(drawn, LEVELS, axis=0)
        low[units, category], high[units, category] = np.minimum(ends[0], own), np.maximum(ends[1], own)
        over = drawn > DETECTOR_ABOVE
        is_over[:, units] |= over
        order = np.argsort(number, kind="stable")
        first = np.flatnonzero(np.diff(number[order], prepend=-1))
        labels_over[:, number[order][first]] |= np.logical_or.reduceat(over[:, order], first, axis=1)
    draws = Draws(n_over=is_over.sum(axis=1), labels_over=labels_over)
    return Counted(replace(counts, iou_low=low, iou_high=high), draws)


@lru_cache(maxsize=1)
def _draw_bins(n_bins: int) -> Array:
    """(n_draws, n_bins) how often each bin is drawn: the same for all layers and modes."""
    times = np.concatenate(list(draw(n=n_bins, seed=SEED, n_resamples=N_RESAMPLES)))
    times.flags.writeable = False
    return times


def _resample(times: Array, same: Integers, area: Integers, truth: Integers) -> Array:
    """(n_draws, E) IoU of E labels, of which each bin's pixels are given: (E, bins) each; times (n_draws, bins)."""
    # The sums are whole numbers below 2^53, so that they are the same in every order.
    both = times @ same.astype(np.float64).T
    either = times @ (area + truth - same).astype(np.float64).T
    return np.asarray(both / np.maximum(either, 1))


def _spread_around(drawn: NDArray[Any], value: int, *, highest: int) -> tuple[float, float]:
    """The symmetric bootstrap interval of a count, within 0 and highest [H88].

    It reaches as far to both sides as 95 % of the resamples lie from the count. Noise lifts more units over the bound
    than it takes away, in a resample as in the sample itself. The distance covers this bias; the percentiles of the
    resamples would count it twice, and turned over they may leave out the count.
    """
    reach = float(np.quantile(np.abs(drawn - value), LEVELS[1] - LEVELS[0]))
    return max(0.0, value - reach), min(float(highest), value + reach)
