"""Intersection, mask area and truth of every unit and label, in three published ways of summing, and the IoU they
give.

[BZKOT17] 2.2 and 2.3, docs/measures.md, IoU. IoU(u, c) = I / (A + G - I). A unit's mask is its map upsampled to the
label map's size, strictly over T_u. `paper` sums A over images that hold a label of c's primary category; `lite` is
NetDissect-Lite's arithmetic: half-pixel upsampling, A only where labels of the category lie under the mask, a
whole-image label 0 not cleared; `unconditional` sums A over all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.spilling import IN_MEMORY, Spill
from workers.engine.images.label_table import LabelTable
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.measures.iou.arrays import ModeCounts
from workers.engine.measures.iou.intervals import Binned, Counted, LayerMasks, add_intervals
from workers.engine.measures.iou.masks import MaskCounts, MaskTask, resolve_masks
from workers.engine.networks.geometry import MapGeometry, evenly_spread


@dataclass(frozen=True)
class Beside:
    """What stands beside the counts: intervals, if each image has a bin (intervals.py); the best labels by chance, if
    there is an `order`: image i then has the label maps of image order[i]. `spill`: where labels of pairs are kept.
    """

    bin_of_image: NDArray[np.int64] | None = None
    order: NDArray[np.int64] | None = None
    spill: Spill = IN_MEMORY


def count_modes(
    *,
    modes: tuple[str, ...],
    tasks: Sequence[MaskTask],
    labels: PackedLabels,
    index: LabelTable,
    beside: Beside = Beside(),
) -> list[dict[str, Counted]]:
    """Counts of each mode, for each of the tasks' layers, with what stands beside them."""
    labelings = _Labelings.of(labels, index, beside)
    counted: list[dict[str, Counted]] = [{} for _ in tasks]
    # Modes that upsample alike share their masks.
    for is_lite in (False, True):
        alike = [mode for mode in modes if (mode == "lite") == is_lite]
        found = _count_alike(alike, tasks, labelings, is_lite=is_lite) if alike else {}
        for mode, layers in found.items():
            for layer, one in zip(counted, layers, strict=True):
                layer[mode] = one
    return [{mode: layer[mode] for mode in modes} for layer in counted]


@dataclass(frozen=True)
class _Labelings:
    """The labels as they are, then dealt out by chance, if that was asked for; by each, whether an image holds labels
    of a category, (n, n_categories).
    """

    each: list[PackedLabels]
    present: list[NDArray[np.bool_]]
    index: LabelTable
    beside: Beside

    @classmethod
    def of(cls, labels: PackedLabels, index: LabelTable, beside: Beside) -> "_Labelings":
        each, present = [labels], [labels.category_present(index)]
        if beside.order is not None:
            each.append(labels.dealt_out(beside.order))
            present.append(present[0][beside.order])
        return cls(each, present, index, beside)


def _count_alike(
    modes: Sequence[str], tasks: Sequence[MaskTask], labelings: _Labelings, *, is_lite: bool
) -> dict[str, list[Counted]]:
    """Counts of each layer, by mode; the modes upsample alike."""
    labels, index, beside = labelings.each[0], labelings.index, labelings.beside
    tasks = [_half_pixel(task) for task in tasks] if is_lite else tasks
    keep = None if beside.bin_of_image is None else beside.spill
    masks = resolve_masks(tasks=tasks, labelings=labelings.each, index=index, once=not is_lite, keep=keep)
    # Over all images, labels that are dealt out have as many pixels as before.
    truth = labels.truth(n_numbers=index.n_numbers, once=not is_lite)[0]
    counted = {}
    for mode in modes:
        own, *by_chance = [
            [
                _count_layer(mode, task, one[place], labelings, place, truth)
                for task, one in zip(tasks, masks, strict=True)
            ]
            for place in range(len(labelings.each))
        ]
        found = [Counted(one.counts) for one in own]
        if beside.bin_of_image is not None:
            found = add_intervals(own, Binned(labels, index, once=not is_lite, bin_of_image=beside.bin_of_image))
        for shuffled in by_chance:
            found = [one.beside(chance.counts) for one, chance in zip(found, shuffled, strict=True)]
        counted[mode] = found
    return counted


def _count_layer(
    mode: str, task: MaskTask, masks: MaskCounts, labelings: _Labelings, place: int, truth: NDArray[np.int64]
) -> LayerMasks:
    counts_area = np.ones_like(masks.pair_category)
    if mode == "paper":
        counts_area = labelings.present[place][np.searchsorted(labelings.each[0].images, task.maps.image)]
    elif mode == "lite":
        counts_area = masks.pair_category
    counts = _counts(task=task, masks=masks, counts_area=counts_area, truth=truth, index=labelings.index)
    return LayerMasks(task, masks, counts_area, counts)


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
