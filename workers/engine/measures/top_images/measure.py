"""Top images: the images at which each unit's peak is highest (docs/measures.md, Top and low images)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine import compiling
from workers.engine.format.spilling import let_go
from workers.engine.measures.measure import Completion, Joining, Measure, MeasuredLayer, Run, Seen
from workers.engine.measures.pairs import DensePairs
from workers.engine.measures.top_images.arrays import RECORDED, TopImages, TopImagesOptions, name_silence
from workers.engine.measures.top_images.topk import TopMaps, n_lowest, rank_images
from workers.engine.networks.layer_maps import LayerShape

HISTOGRAM_BINS = 32
# Peaks that are counted at a time.
COUNTED_PEAKS = 8_000_000
NO_PEAK = np.float32(0)
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Peaks:
    """Over a part's n images: `peaks` (n, U) and their row-major places `peak_cells` (n, U); the part's `top_images`
    (U, K), -1 padded, best first, with their maps `top_maps` (U, K, h, w).
    """

    peaks: NDArray[np.float32]
    peak_cells: NDArray[np.int32]
    top_images: NDArray[np.int32]
    top_maps: NDArray[np.float32]


class PeakWatcher:
    """Keeps every peak and its place, and the maps of the best images so far."""

    def __init__(self, shape: LayerShape, run: Run) -> None:
        self._n_units = shape.n_units
        self._takes = compiling.takes_over(run.device)
        self._tops = TopMaps(shape=shape, n_top=run.options.of(TopImagesOptions).n_maps, device=run.device)
        self._peaks: list[torch.Tensor] = []
        self._places: list[torch.Tensor] = []

    def look(self, seen: Seen) -> torch.Tensor | None:
        self._peaks.append(seen.peaks)
        self._places.append(seen.places.to(torch.int32))
        wanted = self._tops.rank(images=seen.images, peaks=seen.peaks)
        if not self._takes:
            return wanted
        self._tops.take(seen.maps)
        return None

    def keep(self, pairs: DensePairs) -> None:
        if not self._takes:
            self._tops.keep(pairs)

    def freeze(self) -> Peaks:
        nothing = torch.zeros((0, self._n_units))
        top_images, top_maps = self._tops.freeze()
        return Peaks(
            peaks=torch.cat([nothing, *(part.cpu() for part in self._peaks)]).numpy(),
            peak_cells=torch.cat([nothing.int(), *(part.cpu() for part in self._places)]).numpy(),
            top_images=top_images,
            top_maps=top_maps,
        )


class TopImagesMeasure(Measure[Peaks, TopImages]):
    recorded = RECORDED
    part = Peaks

    def watch(self, shape: LayerShape, run: Run) -> PeakWatcher:
        return PeakWatcher(shape, run)

    def merge(self, parts: Sequence[Peaks], joining: Joining) -> Peaks:
        top_images, top_maps = _merge_tops(parts, joining)
        return Peaks(
            peaks=_merge_rows([part.peaks for part in parts], joining, np.float32),
            peak_cells=_merge_rows([part.peak_cells for part in parts], joining, np.int32),
            top_images=top_images,
            top_maps=top_maps,
        )

    def complete(self, completion: Completion) -> list[TopImages]:
        return [_complete_layer(layer, completion) for layer in completion.layers]


MEASURE = TopImagesMeasure()


def _complete_layer(layer: MeasuredLayer, completion: Completion) -> TopImages:
    part, asked = layer.part(Peaks), completion.options.of(TopImagesOptions)
    top_image, low_image = rank_images(
        peaks=part.peaks,
        images=completion.images,
        n_top=asked.n_top,
        n_low=asked.n_low,
        seed=completion.options.run.seed,
    )
    top_peak, top_location = _find_places(part, completion.images, top_image, layer.shape.width)
    low_peak, low_location = _find_places(part, completion.images, low_image, layer.shape.width)
    histogram, peak_range = _count_peaks(part.peaks)
    return TopImages(
        top_image=top_image,
        top_peak=top_peak,
        top_location=top_location,
        low_image=low_image,
        low_peak=low_peak,
        low_location=low_location,
        peak_histogram=histogram,
        peak_range=peak_range,
        silence=name_silences(part.peaks),
    )


def name_silences(peaks: NDArray[np.float32]) -> NDArray[np.str_]:
    """(U,) why each unit with these (n, U) peaks tells nothing, or ""."""
    last = n_lowest(len(peaks)) - 1
    tenth = np.partition(peaks, last, axis=0)[last]
    rows = zip(peaks.min(axis=0), peaks.max(axis=0), tenth, strict=True)
    return np.array([name_silence(low=low, high=high, lowest_tenth=bound) for low, high, bound in rows], dtype="U8")


def _find_places(
    part: Peaks, all_images: NDArray[np.int32], images: NDArray[np.int32], width: int
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """(U, n) peaks and (U, n, 2) locations of the (U, n) images; 0 and -1 if there is no image."""
    units = np.arange(len(images))[:, None]
    rows = np.searchsorted(all_images, np.maximum(images, all_images[0]))
    location = np.stack(np.divmod(part.peak_cells[rows, units], width), axis=-1)
    present = images >= 0
    peaks = np.where(present, part.peaks[rows, units], NO_PEAK).astype(np.float32)
    return peaks, np.where(present[..., None], location, -1).astype(np.int16)


def _count_peaks(peaks: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Per unit a histogram of its (n, U) peaks over equal bins from the lowest to the highest, and these two."""
    low, high = peaks.min(axis=0), peaks.max(axis=0)
    span = np.where(high > low, high.astype(np.float64) - low, 1.0)
    n_units = peaks.shape[1]
    counts = np.zeros(n_units * HISTOGRAM_BINS, dtype=np.int64)
    step = max(1, COUNTED_PEAKS // n_units)
    for first in range(0, len(peaks), step):
        some = peaks[first : first + step].astype(np.float64)
        bins = ((some - low) / span * HISTOGRAM_BINS).astype(np.int64).clip(0, HISTOGRAM_BINS - 1)
        counts += np.bincount((bins + np.arange(n_units) * HISTOGRAM_BINS).ravel(), minlength=len(counts))
    return counts.reshape(n_units, HISTOGRAM_BINS).astype(np.int32), np.stack([low, high], axis=1)


def _merge_rows(parts: Sequence[NDArray[Number]], joining: Joining, kind: type[Number]) -> NDArray[Number]:
    """(n, U) rows of all images, from those of each part."""
    merged = joining.spill.empty((len(joining.order), parts[0].shape[1]), kind)
    for part, rows in zip(parts, joining.rows(), strict=True):
        merged[rows] = part
        let_go(part, merged)
    return merged


def _merge_tops(parts: Sequence[Peaks], joining: Joining) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    n_top = parts[0].top_images.shape[1]
    every_image = np.concatenate([part.top_images for part in parts], axis=1)
    found = [_find_top_peaks(part, own) for part, own in zip(parts, joining.images, strict=True)]
    # Absent entries carry -inf; among equals the lower image index wins.
    order = np.lexsort((every_image, -np.concatenate(found, axis=1)), axis=1)[:, :n_top]
    top_images, source, place = np.take_along_axis(every_image, order, axis=1), order // n_top, order % n_top
    maps = joining.spill.empty((*order.shape, *parts[0].top_maps.shape[2:]), np.float32)
    for i, part in enumerate(parts):
        unit, rank = np.nonzero(source == i)
        maps[unit, rank] = part.top_maps[unit, place[unit, rank]]
        let_go(part.top_maps, maps)
    return top_images.astype(np.int32), maps


def _find_top_peaks(part: Peaks, images: NDArray[np.int32]) -> NDArray[np.float32]:
    if len(images) == 0:
        return np.full(part.top_images.shape, -np.inf, dtype=np.float32)
    rows = np.searchsorted(images, np.maximum(part.top_images, images[0]))
    units = np.arange(len(part.top_images))[:, None]
    return np.where(part.top_images >= 0, part.peaks[rows, units], np.float32(-np.inf))
