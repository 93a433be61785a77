"""Counts of pixels under each unit's mask and label, as the artifact keeps them and as the database takes them in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.bounds import DETECTOR_ABOVE
from workers.engine.measures.recorded import Recorded, UnitRows, option


@dataclass(frozen=True)
class ModeCounts:
    """Exact pixel counts of one mode, labels in the order of LabelTable.labels.

    `intersection` and `area` (U, C) int64, `truth` (C,) int64; `best_label` (U, n_categories) int32 label numbers, -1
    if nothing meets, and `best_iou` (U, n_categories) float64.

    Absent from older artifacts: `iou_low`, `iou_high` (U, n_categories) float64, the 95 % interval over images, NaN if
    it was not estimated; `count_ranges` (4,) float64, the intervals of n_detectors and n_unique; `shuffled_label` and
    `shuffled_iou`, like the best ones, with the label maps dealt out to the images by chance.
    """

    intersection: NDArray[np.int64]
    area: NDArray[np.int64]
    truth: NDArray[np.int64]
    best_label: NDArray[np.int32]
    best_iou: NDArray[np.float64]
    iou_low: NDArray[np.float64] | None = None
    iou_high: NDArray[np.float64] | None = None
    count_ranges: NDArray[np.float64] | None = None
    shuffled_label: NDArray[np.int32] | None = None
    shuffled_iou: NDArray[np.float64] | None = None

    def count_detectors(self) -> dict[str, Any]:
        """Units whose best IoU exceeds DETECTOR_ABOVE, and the layer's unique detectors as published: the sum over
        categories. With their intervals, and the same counts with shuffled labels, if these are there.
        """
        counts: dict[str, Any] = _count_over(self.best_label, self.best_iou)
        if self.count_ranges is not None:
            ranges = self.count_ranges.tolist()
            counts |= {"n_detectors_interval": ranges[:2], "n_unique_interval": ranges[2:]}
        if self.shuffled_label is not None and self.shuffled_iou is not None:
            counts["shuffled_labels"] = _count_over(self.shuffled_label, self.shuffled_iou)
        return counts


def _count_over(label: NDArray[np.int32], iou: NDArray[np.float64]) -> dict[str, int]:
    unique = sum(len(np.unique(label[iou[:, c] > DETECTOR_ABOVE, c])) for c in range(iou.shape[1]))
    return {"n_detectors": int((iou.max(axis=1, initial=0) > DETECTOR_ABOVE).sum()), "n_unique": unique}


@dataclass(frozen=True)
class IoU:
    """The counts of each mode that was asked for."""

    paper: ModeCounts | None = None
    lite: ModeCounts | None = None
    unconditional: ModeCounts | None = None

    @property
    def modes(self) -> dict[str, ModeCounts]:
        return {mode: counts for mode in MODES if (counts := getattr(self, mode)) is not None}


MODES = tuple(one.name for one in fields(IoU))


@dataclass(frozen=True)
class IoUOptions:
    """`iou_modes`: the ways of summing areas (docs/measures.md, IoU). `chance`: whether detectors are also counted by
    chance (docs/measures.md, Chance).
    """

    iou_modes: tuple[str, ...] = option(
        ("paper",), "way of summing for IoU", choices=MODES, flag="--mode", title="IoU modes"
    )
    chance: bool = option(
        True,
        "do not count detectors by chance (random weights, shuffled labels): faster, and no count has a measure",
        flag="--no-chance",
    )


def ingest(arrays: IoU, manifest: Mapping[str, Any]) -> Iterator[UnitRows]:
    """The best label of each category; of these the best one, ties to the earlier category, is the unit's label."""
    categories: list[str] = manifest["categories"]
    known = {entry["number"]: (column, entry["name"]) for column, entry in enumerate(manifest["labels"])}
    n_units = max(len(counts.best_iou) for counts in arrays.modes.values())
    for unit in range(n_units):
        labels = []
        for mode, counts in arrays.modes.items():
            label, iou = counts.best_label[unit].tolist(), counts.best_iou[unit].tolist()
            found = [c for c in range(len(categories)) if label[c] > 0 and iou[c] > 0]
            best = max(found, key=lambda c: (iou[c], -c), default=None)
            for c in found:
                column, name = known[label[c]]
                labels.append(
                    {
                        "mode": mode,
                        "category": categories[c],
                        "label": name,
                        "iou": iou[c],
                        "intersection": float(counts.intersection[unit, column]),
                        "area": float(counts.area[unit, column]),
                        "truth": float(counts.truth[column]),
                        "is_best": c == best,
                        **_find_interval(counts, unit, c),
                    }
                )
        yield UnitRows(labels=labels)


def _find_interval(counts: ModeCounts, unit: int, category: int) -> dict[str, float | None]:
    """None if it was not estimated, or if all resamples are alike, as where one image has all of mask and label."""
    if counts.iou_low is None or counts.iou_high is None:
        return {}
    low, high = float(counts.iou_low[unit, category]), float(counts.iou_high[unit, category])
    return {"iou_low": low, "iou_high": high} if low < high else {"iou_low": None, "iou_high": None}


RECORDED = Recorded(name="iou", arrays=IoU, options=IoUOptions, ingest=ingest)
