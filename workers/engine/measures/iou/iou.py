"""Intersection, mask area and truth of every unit and label, in three published ways of summing, and the IoU they
give.

[BZKOT17] 2.2 and 2.3, docs/measures.md, IoU. IoU(u, c) = I / (A + G - I). A unit's mask is its map upsampled to the
label map's size, strictly over T_u. `paper` sums A over images that hold a label of c's primary category; `lite` is
NetDissect-Lite's arithmetic: half-pixel upsampling, A only where labels of the category lie under the mask, a
whole-image label 0 not cleared; `unconditional` sums A over all.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.label_table import LabelTable
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.measures.iou.arrays import ModeCounts
from workers.engine.measures.iou.intervals import Binned, Counted, LayerMasks, add_intervals
from workers.engine.measures.iou.masks import MaskCounts, MaskTask, resolve_masks
from workers.engine.networks.geometry import MapGeometry, evenly_spread


def count_modes(
    *,
    modes: tuple[str, ...],
    tasks: Sequence[MaskTask],
    labels: PackedLabels,
    index: LabelTable,
    bin_of_image: NDArray[np.int64] | None = None,
) -> list[dict[str, Counted]]:
    """Counts of each mode, for each of the tasks' layers; with intervals, if each image has a bin (intervals.py)."""
    counted: list[dict[str, Counted]] = [{} for _ in tasks]
    anchored: list[MaskCounts] = []
    present = labels.category_present(index)
    for mode in modes:
        once, own = mode != "lite", tasks
        if mode == "lite":
            own = [_half_pixel(task) for task in tasks]
            masks = resolve_masks(tasks=own, labels=labels, index=index, once=False)
        else:
            masks = anchored = anchored or resolve_masks(tasks=tasks, labels=labels, index=index)
        truth = labels.truth(n_numbers=index.n_numbers, once=once)[0]
        found = []
        for task, one in zip(own, masks, strict=True):
            counts_area = np.ones_like(one.pair_category)
            if mode == "paper":
                counts_area = present[np.searchsorted(labels.images, task.maps.image)]
            elif mode == "lite":
                counts_area = one.pair_category
            counts = _counts(task=task, masks=one, counts_area=counts_area, truth=truth, index=index)
            found.append(LayerMasks(task, one.pair_area, counts_area, counts))
        if bin_of_image is None:
            results = [Counted(one.counts) for one in found]
        else:
            results = add_intervals(found, Binned(labels=labels, index=index, once=once, bin_of_image=bin_of_image))
        for layer, result in zip(counted, results, strict=True):
            layer[mode] = result
    return counted


def count_by_chance(
    *,
    counted: list[dict[str, Counted]],
    tasks: Sequence[MaskTask],
    labels: PackedLabels,
    index: LabelTable,
    order: NDArray[np.int64],
) -> list[dict[str, Counted]]:
    """`counted` with the best labels that come out if image i has the label maps of image order[i]: what is left of IoU
    when masks and labels have nothing to do with each other.
    """
    modes = tuple(counted[0]) if counted else ()
    shuffled = count_modes(modes=modes, tasks=tasks, labels=labels.dealt_out(order), index=index)
    return [
        {mode: found.beside(chance[mode].counts) for mode, found in layer.items()}
        for layer, chance in zip(counted, shuffled, strict=True)
    ]


def _half_pixel(task: MaskTask) -> MaskTask:
    """The task with its cells spread evenly over the image, as NetDissect-Lite upsamples."""
    rows, columns = (evenly_spread(n_cells=n, input_px=task.input_px) for n in task.map_shape)
    return replace(task, geometry=MapGeometry(rows=rows, columns=columns))


def _counts(
    *, task: MaskTask, masks: MaskCounts, counts_area: NDArray[np.bool_], truth: NDArray[np.int64], index: LabelTable
) -> ModeCounts:
    """`counts_area` (P, n_categories): whether a pair's mask counts as area of the category's labels."""
    n_units, n_categories = len(task.thresholds), len(index.categories)
    numbers = np.array([label.number for label in index.labels], dtype=np.int64)
    categories = np.array([index.categories.index(label.category) for label in index.labels], dtype=np.int64)
    by_category = np.stack(
        [_sum_by_unit(task.maps.unit, masks.pair_area * counts_area[:, c], n_units) for c in range(n_categories)],
        axis=1,
    )
    area = by_category[:, categories]
    truth = truth[numbers]
    best_label, best_iou = best_by_category(
        iou=iou_of(intersection=masks.intersection, area=area, truth=truth),
        numbers=numbers,
        categories=categories,
        n_categories=n_categories,
    )
    return ModeCounts(intersection=masks.intersection, area=area, truth=truth, best_label=best_label, best_iou=best_iou)


def _sum_by_unit(unit: NDArray[np.int32], area: NDArray[np.int64], n_units: int) -> NDArray[np.int64]:
    # Sums of pixels stay far below 2^53, so that float64 weights are exact.
    return np.bincount(unit, weights=area, minlength=n_units).astype(np.int64)


def iou_of(
    *, intersection: NDArray[np.int64], area: NDArray[np.int64], truth: NDArray[np.int64]
) -> NDArray[np.float64]:
    """I / (A + G - I), 0 if nothing is."""
    union = area + truth - intersection
    return np.asarray(intersection / np.maximum(union, 1), dtype=np.float64)


def best_by_category(
    *, iou: NDArray[np.float64], numbers: NDArray[np.int64], categories: NDArray[np.int64], n_categories: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """(U, n_categories) number and IoU of the best label within each primary category; ties to the lower number;
    -1 where IoU is 0.
    """
    label = np.full((len(iou), n_categories), -1, dtype=np.int32)
    best = np.zeros((len(iou), n_categories), dtype=np.float64)
    for category in range(n_categories):
        own = np.flatnonzero(categories == category)
        if len(own) == 0:
            continue
        place = iou[:, own].argmax(axis=1)
        best[:, category] = iou[np.arange(len(iou)), own[place]]
        label[:, category] = np.where(best[:, category] > 0, numbers[own[place]], -1)
    return label, best
