"""Which units fire on one photograph: how strongly beside the whole image set, where, and on which labeled pixels."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.units.models import DissectedUnit
from workers.engine.format.artifact import Arrays

N_LISTED = 12
# Pixels of a grown map: as many as a label map of Broden has.
SIDE_PX = 112
Grow = Callable[[int, int, int], NDArray[np.float32]]


@dataclass(frozen=True)
class PixelLabel:
    """A label of the photograph: `share` of its pixels; `place` in the file of labels."""

    place: int
    name: str
    category: str
    share: float


@dataclass(frozen=True)
class Firing:
    """A unit on this photograph. `stronger_than`: the share of the image set's images whose peak is lower; None if the
    layer was not dissected. `area`: the share of what the network saw where the map exceeds the unit's threshold.
    `label`: the label with the largest IoU with that area, on this photograph alone.
    """

    index: int
    peak: float
    threshold: float | None = None
    stronger_than: float | None = None
    area: float = 0.0
    label: PixelLabel | None = None
    label_iou: float = 0.0


@dataclass(frozen=True)
class Labels:
    """The labels of a photograph and their masks (n, height, width) over the whole of it."""

    known: list[PixelLabel]
    masks: NDArray[np.bool_]

    @classmethod
    def read(cls, arrays: Arrays) -> "Labels":
        masks = arrays["masks"].astype(np.bool_)
        told = json.loads(arrays["names"].tobytes())
        known = [
            PixelLabel(place, one["name"], one["category"], float(masks[place].mean()))
            for place, one in enumerate(told)
        ]
        return cls(sorted(known, key=lambda label: -label.share), masks)

    def cut(self, seen: Sequence[float], *, width: int, height: int) -> NDArray[np.bool_]:
        """(n, rows, columns): the part over x0, y0, x1, y1 of a photograph of this size."""
        rows, columns = self.masks.shape[1:]
        across, down = columns / width, rows / height
        x0, y0, x1, y1 = round(seen[0] * across), round(seen[1] * down), round(seen[2] * across), round(seen[3] * down)
        return self.masks[:, y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]


def list_firing(maps: NDArray[np.float32], measured: Mapping[int, DissectedUnit]) -> list[Firing]:
    """Units whose peak exceeds their threshold, the most unusual first; without a dissection those of highest peak.

    `maps` is (K, h, w).
    """
    peaks = maps.max(axis=(1, 2))
    if not measured:
        return [Firing(int(unit), float(peaks[unit])) for unit in np.argsort(-peaks, kind="stable")[:N_LISTED]]
    firing = [
        Firing(index, float(peaks[index]), one.threshold, rank_peak(one, float(peaks[index])))
        for index, one in sorted(measured.items())
        if index < len(peaks) and not one.silence and peaks[index] > one.threshold
    ]
    return sorted(firing, key=lambda one: (-(one.stronger_than or 0), -one.peak / abs(one.threshold or 1)))[:N_LISTED]


def rank_peak(measured: DissectedUnit, peak: float) -> float | None:
    """The share of the image set's images whose peak is lower, from the histogram; even within one of its bins."""
    counts, low, high = np.array(measured.peak_histogram, dtype=float), measured.peak_low, measured.peak_high
    if not counts.sum() or high <= low:
        return None
    edges = np.linspace(low, high, len(counts) + 1)
    return float(np.interp(peak, edges, np.concatenate([[0.0], counts.cumsum() / counts.sum()])))


def place_firing(
    firing: Sequence[Firing], grow: Grow, labels: NDArray[np.bool_] | None, known: Sequence[PixelLabel]
) -> list[Firing]:
    """The same with the areas over the thresholds, and the labels (n, rows, columns) that fit them best. `grow` gives
    a unit's map over what the network saw, by the unit's index, as so many rows and columns.
    """
    rows, columns = (SIDE_PX, SIDE_PX) if labels is None else labels.shape[1:]
    by_place = {label.place: label for label in known}
    found = []
    for one in firing:
        if one.threshold is None:
            found.append(one)
            continue
        mask = grow(one.index, rows, columns) > one.threshold
        place, iou = (None, 0.0) if labels is None or not len(labels) else _find_best(mask, labels)
        label = by_place.get(place) if place is not None else None
        found.append(Firing(one.index, one.peak, one.threshold, one.stronger_than, float(mask.mean()), label, iou))
    return found


def _find_best(mask: NDArray[np.bool_], labels: NDArray[np.bool_]) -> tuple[int | None, float]:
    both = (labels & mask).sum(axis=(1, 2))
    either = (labels | mask).sum(axis=(1, 2))
    iou = both / np.maximum(either, 1)
    best = int(iou.argmax())
    return (best, float(iou[best])) if both[best] else (None, 0.0)
