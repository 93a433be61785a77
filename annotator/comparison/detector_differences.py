"""Two layers compared by their automatic labels alone: share of detectors, unique detectors, mean IoU, by mode."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.comparison.difference_rows import COUNTED, describe_difference, refuse_row
from annotator.comparison.summary import Document
from annotator.units.best_labels import MODES_BY_RANK
from annotator.units.models import AutomaticLabel, ImageSet, Layer
from workers.engine.format.bounds import DETECTOR_ABOVE
from workers.engine.resampling import compare_distinct, compare_means

SEED = 2017
DETECTORS, MEAN_IOU = "share of detectors", "mean IoU"
Side = tuple[Layer, Collection[str]]


def compare_detectors(first: Side, second: Side) -> list[Document]:
    """Of each side a layer and the sources of its automatic labels: rows over all units of the layers."""
    sources = [sorted(side[1]) for side in (first, second)]
    if not all(sources):
        return [refuse_row(DETECTORS, "No claim: one of the two layers has no automatic labels.")]
    if sources[0] == sources[1]:
        return [refuse_row(DETECTORS, "No comparison of detectors: both rest on the same automatic labels.")]
    if any(len(one) > 1 for one in sources):
        return [refuse_row(DETECTORS, "No claim: a layer's automatic labels come from several dissections or files.")]
    modes = [_list_modes(side) for side in (first, second)]
    common = [mode for mode in MODES_BY_RANK if mode in modes[0] and mode in modes[1]]
    rows = [row for mode in common for row in _compare_mode(first, second, mode)]
    if rows:
        return rows
    said = " and ".join(", ".join(sorted(one)) for one in modes)
    return [refuse_row(DETECTORS, f"No claim: the automatic labels are by different modes of IoU ({said}).")]


def note_images(first: Collection[Any], second: Collection[Any]) -> list[str]:
    """What makes IoU differ beside the networks, of two sets of dissections (ids; None: imported)."""
    names = [
        list(ImageSet.objects.filter(dissections__in=[one for one in ids if one]).order_by("name").distinct())
        for ids in (first, second)
    ]
    if not all(names) or names[0] == names[1]:
        return []
    said = " and ".join(", ".join(one.name for one in side) for side in names)
    return [f"The image sets differ ({said}): crops, IoU and detectors depend on them."]


def _list_modes(side: Side) -> set[str]:
    rows = AutomaticLabel.objects.filter(unit__layer=side[0], source__in=side[1])
    return set(rows.order_by().values_list("mode", flat=True).distinct())


def _compare_mode(first: Side, second: Side, mode: str) -> list[Document]:
    is_paired = first[0] == second[0]
    names = list(dict.fromkeys([*_list_names(first, mode), *_list_names(second, mode)]))
    (iou_a, has_a), (iou_b, has_b) = _read(first, mode, names), _read(second, mode, names)
    rows = []
    for figure, a, b in ((DETECTORS, iou_a > DETECTOR_ABOVE, iou_b > DETECTOR_ABOVE), (MEAN_IOU, iou_a, iou_b)):
        found = compare_means(a.astype(np.float64), b.astype(np.float64), is_paired=is_paired, seed=SEED)
        means = [float(a.mean()), float(b.mean())]
        rows.append(describe_difference(figure, found, means=means, test="permutation", mode=mode))
    found = compare_distinct(has_a, has_b, is_paired=is_paired, seed=SEED)
    counts = [float(has.any(axis=0).sum()) for has in (has_a, has_b)]
    return [*rows, describe_difference(COUNTED, found, means=counts, test="permutation", mode=mode)]


def _list_names(side: Side, mode: str) -> list[tuple[str, str]]:
    """(category, label) of which the layer has a detector, as they are counted."""
    rows = AutomaticLabel.objects.filter(unit__layer=side[0], source__in=side[1], mode=mode, iou__gt=DETECTOR_ABOVE)
    return list(rows.order_by("category", "label").values_list("category", "label").distinct())


def _read(side: Side, mode: str, names: list[tuple[str, str]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n_units,) best IoU, 0 without a label; and (n_units, n_names) whether the unit has this label over the bound."""
    layer, sources = side
    iou = np.zeros(layer.n_units)
    has = np.zeros((layer.n_units, len(names)), dtype=bool)
    place = {name: k for k, name in enumerate(names)}
    rows = AutomaticLabel.objects.filter(unit__layer=layer, source__in=sources, mode=mode).order_by()
    for index, category, label, value, is_best in rows.values_list(
        "unit__index", "category", "label", "iou", "is_best"
    ):
        if is_best:
            iou[index] = value
        if value > DETECTOR_ABOVE:
            has[index, place[category, label]] = True
    return iou, has
