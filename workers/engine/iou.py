"""Intersection, mask area and truth of every unit and label, in three published ways of summing, and the IoU they
give.

[BZKOT17] 2.2 and 2.3, science.md section 6. IoU(u, c) = I / (A + G - I). A unit's mask is its map upsampled to the
label map's size, strictly over T_u. `paper` sums A over images that hold a label of c's primary category; `lite` is
NetDissect-Lite's arithmetic: half-pixel upsampling, A only where labels of the category lie under the mask, a
whole-image label 0 not cleared; `unconditional` sums A over all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from workers.artifact_format import Arrays
from workers.engine.broden import BrodenIndex
from workers.engine.geometry import AxisPlan, MapGeometry, evenly_spread, plan_upsampling
from workers.engine.labels import PackedLabels
from workers.engine.thresholds import CHUNK_CELLS, SparseMaps

MODES = ("paper", "lite", "unconditional")
CHUNK_IMAGES = 8
# A unit whose best IoU exceeds this is a detector, as published.
MIN_IOU = 0.04


class IoUModeUnknown(Exception):
    """No way of summing goes by that name."""


@dataclass(frozen=True)
class ModeCounts:
    """Exact pixel counts of one mode, labels in the order of BrodenIndex.labels.

    `intersection` and `area` (U, C) int64, `truth` (C,) int64; `best_label` (U, n_categories) int32 label numbers, -1
    where nothing meets, and `best_iou` (U, n_categories) float64.
    """

    intersection: NDArray[np.int64]
    area: NDArray[np.int64]
    truth: NDArray[np.int64]
    best_label: NDArray[np.int32]
    best_iou: NDArray[np.float64]


@dataclass(frozen=True)
class MaskCounts:
    """Of each pair that was resolved: its mask's area and the categories whose labels lie under it; and all
    intersections by number.
    """

    intersection: NDArray[np.int64]
    pair_area: NDArray[np.int64]
    pair_category: NDArray[np.bool_]


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


def count_modes(
    *, modes: tuple[str, ...], task: MaskTask, maps: SparseMaps, thresholds: NDArray[np.float32], labels: PackedLabels
) -> dict[str, ModeCounts]:
    """Counts of each mode; `maps` keeps every cell over the thresholds with its neighbors."""
    if unknown := [mode for mode in modes if mode not in MODES]:
        raise IoUModeUnknown(f"{unknown[0]!r} is none of the ways of summing: {', '.join(MODES)}.")
    maps = _pairs_over(maps, thresholds)
    counted: dict[str, ModeCounts] = {}
    anchored: MaskCounts | None = None
    for mode in modes:
        if mode == "lite":
            half_pixel = MapGeometry(
                rows=evenly_spread(n_cells=task.map_shape[0], input_px=task.input_px),
                columns=evenly_spread(n_cells=task.map_shape[1], input_px=task.input_px),
            )
            plain = MaskTask(task.n_units, task.map_shape, half_pixel, task.input_px, task.index, once=False)
            masks = resolve_masks(task=plain, maps=maps, thresholds=thresholds, labels=labels)
        else:
            anchored = anchored or resolve_masks(task=task, maps=maps, thresholds=thresholds, labels=labels)
            masks = anchored
        counted[mode] = _counts(mode=mode, task=task, maps=maps, masks=masks, labels=labels)
    return counted


def _pairs_over(maps: SparseMaps, thresholds: NDArray[np.float32]) -> SparseMaps:
    owner = np.repeat(np.arange(len(maps.unit)), np.diff(maps.start))
    over = np.zeros(len(maps.unit), dtype=bool)
    over[owner[maps.value > thresholds[maps.unit[owner]]]] = True
    cells = over[owner]
    lengths = np.diff(maps.start)[over]
    return SparseMaps(
        image=maps.image[over],
        unit=maps.unit[over],
        start=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        cell=maps.cell[cells],
        value=maps.value[cells],
    )


def _counts(*, mode: str, task: MaskTask, maps: SparseMaps, masks: MaskCounts, labels: PackedLabels) -> ModeCounts:
    numbers = np.array([label.number for label in task.index.labels], dtype=np.int64)
    categories = np.array([task.index.categories.index(label.category) for label in task.index.labels], dtype=np.int64)
    n_categories = len(task.index.categories)
    if mode == "paper":
        counts_area = labels.category_present(task.index)[np.searchsorted(labels.images, maps.image)]
    elif mode == "lite":
        counts_area = masks.pair_category
    else:
        counts_area = np.ones((len(maps.unit), n_categories), dtype=bool)
    by_category = np.stack(
        [_sum_by_unit(maps.unit, masks.pair_area * counts_area[:, c], task.n_units) for c in range(n_categories)],
        axis=1,
    )
    intersection = masks.intersection[:, numbers]
    area = by_category[:, categories]
    truth = labels.truth(n_numbers=task.index.n_numbers, once=mode != "lite")[numbers]
    best_label, best_iou = best_by_category(
        iou=iou_of(intersection=intersection, area=area, truth=truth),
        numbers=numbers,
        categories=categories,
        n_categories=n_categories,
    )
    return ModeCounts(intersection=intersection, area=area, truth=truth, best_label=best_label, best_iou=best_iou)


def _sum_by_unit(unit: NDArray[np.int32], area: NDArray[np.int64], n_units: int) -> NDArray[np.int64]:
    # Sums of pixels stay far below 2^53, so that float64 weights are exact.
    return np.bincount(unit, weights=area, minlength=n_units).astype(np.int64)


def iou_of(
    *, intersection: NDArray[np.int64], area: NDArray[np.int64], truth: NDArray[np.int64]
) -> NDArray[np.float64]:
    """I / (A + G - I), 0 where nothing is."""
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


def count_detectors(arrays: Arrays, mode: str) -> dict[str, int]:
    """Units whose best IoU exceeds MIN_IOU, and the layer's unique detectors as published: the sum over categories."""
    label, iou = arrays[f"{mode}_best_label"], arrays[f"{mode}_best_iou"]
    unique = sum(len(np.unique(label[iou[:, c] > MIN_IOU, c])) for c in range(iou.shape[1]))
    return {"n_detectors": int((iou.max(axis=1, initial=0) > MIN_IOU).sum()), "n_unique": unique}


def resolve_masks(
    *, task: MaskTask, maps: SparseMaps, thresholds: NDArray[np.float32], labels: PackedLabels
) -> MaskCounts:
    """Evaluate the masks of all pairs against the label maps, in chunks of images; exact integers."""
    n_numbers, n_categories = task.index.n_numbers, len(task.index.categories)
    primary = task.index.primary_of_number()
    intersection = torch.zeros(task.n_units * n_numbers, dtype=torch.int64)
    pair_area = np.zeros(len(maps.unit), dtype=np.int64)
    pair_category = np.zeros((len(maps.unit), n_categories), dtype=bool)
    limits = torch.from_numpy(thresholds)
    plans = _plans_by_size(task)
    for first, last in _chunks(maps, labels, n_cells=task.map_shape[0] * task.map_shape[1]):
        images, place = np.unique(maps.image[first:last], return_inverse=True)
        rows = np.searchsorted(labels.images, images)
        height, width = int(labels.height[rows[0]]), int(labels.width[rows[0]])
        unit = torch.from_numpy(maps.unit[first:last]).long()
        pair, pixel = _pixels_over(
            dense=_dense(maps, first, last, task.map_shape), limit=limits[unit], plans=plans(height, width), width=width
        )
        pair_area[first:last] = torch.bincount(pair, minlength=last - first).numpy()
        at = torch.from_numpy(place)[pair] * (height * width) + pixel
        row_of_hit = (unit * n_numbers)[pair]
        for label in labels.at_pixels(rows, at, once=task.once):
            intersection += torch.bincount(row_of_hit + label, minlength=len(intersection))
            if not task.once:
                seen = torch.bincount(pair * n_numbers + label, minlength=(last - first) * n_numbers).view(
                    -1, n_numbers
                )
                _mark_categories(pair_category[first:last], seen.numpy() > 0, primary)
        if not task.once:
            # NetDissect-Lite never clears a whole-image label 0, which its tie rule puts in the last category.
            pair_category[first:last, -1] |= labels.has_whole_zero(rows)[place] & (pair_area[first:last] > 0)
    return MaskCounts(
        intersection=intersection.view(task.n_units, n_numbers).numpy(),
        pair_area=pair_area,
        pair_category=pair_category,
    )


def _mark_categories(target: NDArray[np.bool_], seen: NDArray[np.bool_], primary: NDArray[np.int64]) -> None:
    for category in range(target.shape[1]):
        target[:, category] |= seen[:, primary == category].any(axis=1)


def _plans_by_size(task: MaskTask) -> Callable[[int, int], tuple[AxisPlan, AxisPlan]]:
    known: dict[tuple[int, int], tuple[AxisPlan, AxisPlan]] = {}

    def plan(height: int, width: int) -> tuple[AxisPlan, AxisPlan]:
        if (height, width) not in known:
            known[height, width] = plan_upsampling(
                geometry=task.geometry, map_shape=task.map_shape, out_shape=(height, width), input_px=task.input_px
            )
        return known[height, width]

    return plan


def _chunks(maps: SparseMaps, labels: PackedLabels, *, n_cells: int) -> Iterator[tuple[int, int]]:
    """Runs of pairs of at most CHUNK_IMAGES images whose label maps are equal in size, within the scratch space."""
    most_pairs = max(1, CHUNK_CELLS // n_cells)
    images, starts = np.unique(maps.image, return_index=True)
    ends = np.append(starts[1:], len(maps.image))
    rows = np.searchsorted(labels.images, images)
    sizes = list(zip(labels.height[rows].tolist(), labels.width[rows].tolist(), strict=True))
    i = 0
    while i < len(images):
        j = i + 1
        while j < len(images) and j - i < CHUNK_IMAGES and sizes[j] == sizes[i] and ends[j] - starts[i] <= most_pairs:
            j += 1
        yield int(starts[i]), int(ends[j - 1])
        i = j


def _dense(maps: SparseMaps, first: int, last: int, shape: tuple[int, int]) -> torch.Tensor:
    begin, end = int(maps.start[first]), int(maps.start[last])
    owner = np.repeat(np.arange(last - first), np.diff(maps.start[first : last + 1]))
    dense = np.full((last - first, shape[0] * shape[1]), -np.inf, dtype=np.float32)
    dense[owner, maps.cell[begin:end]] = maps.value[begin:end]
    return torch.from_numpy(dense).view(-1, *shape)


def _pixels_over(
    *, dense: torch.Tensor, limit: torch.Tensor, plans: tuple[AxisPlan, AxisPlan], width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pair and row-major pixel of every upsampled value strictly over its pair's limit, from the bands with a
    corner over it.
    """
    rows, columns = plans
    top, bottom = torch.from_numpy(rows.lower), torch.from_numpy(rows.upper)
    left, right = torch.from_numpy(columns.lower), torch.from_numpy(columns.upper)
    above = dense > limit[:, None, None]
    by_row = above[:, top] | above[:, bottom]
    pair, band, strip = (by_row[:, :, left] | by_row[:, :, right]).nonzero(as_tuple=True)
    n_columns = dense.shape[2]
    flat = dense.flatten()
    base = pair * (dense.shape[1] * n_columns)
    upper_row, lower_row = base + top[band] * n_columns, base + bottom[band] * n_columns
    across = torch.from_numpy(columns.weights)[strip]
    down = torch.from_numpy(rows.weights)[band]
    a, b = flat[upper_row + left[strip]][:, None], flat[upper_row + right[strip]][:, None]
    c, d = flat[lower_row + left[strip]][:, None], flat[lower_row + right[strip]][:, None]
    upper = a + across * (b - a)
    lower = c + across * (d - c)
    values = upper[:, None, :] + down[:, :, None] * (lower - upper)[:, None, :]
    block, y, x = (values > limit[pair][:, None, None]).nonzero(as_tuple=True)
    first_pixel = torch.from_numpy(rows.start)[band] * width + torch.from_numpy(columns.start)[strip]
    return pair[block], first_pixel[block] + y * width + x
