"""From a whole set's tally to what is reported of each unit: ranks, thresholds, masks, IoU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.artifact import Arrays
from workers.engine.images.broden import BrodenIndex
from workers.engine.measures.iou.iou import count_modes
from workers.engine.measures.iou.masks import MaskTask
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.tally import Tally
from workers.engine.measures.thresholds.thresholds import exact_thresholds, n_above
from workers.engine.measures.top_images.topk import rank_images
from workers.engine.networks.geometry import MapGeometry, evenly_spread
from workers.engine.networks.hooks import LayerShape

HISTOGRAM_BINS = 32
NO_PEAK = np.float32(0)


@dataclass(frozen=True)
class LayerResult:
    """A layer's arrays as the artifact holds them, its receptive fields, and the reason where it has none."""

    shape: LayerShape
    geometry: MapGeometry | None
    reason: str
    arrays: Arrays

    def placed(self, input_px: int) -> MapGeometry:
        """Where its cells lie: at the centers of their receptive fields, or spread evenly where these are unknown."""
        return self.geometry or MapGeometry(
            rows=evenly_spread(n_cells=self.shape.height, input_px=input_px),
            columns=evenly_spread(n_cells=self.shape.width, input_px=input_px),
        )


def finish_layers(
    *,
    tally: Tally,
    fields: Sequence[MapGeometry | str],
    broden: BrodenIndex | None,
    options: DissectionOptions,
    input_px: int,
) -> list[LayerResult]:
    """Resolve the layers of a tally that covers the whole image set, given where their cells lie, or why that is
    unknown.
    """
    results = [_finish_layer(tally, place, field, options) for place, field in enumerate(fields)]
    if broden is None or tally.labels is None:
        return results
    tasks = [
        MaskTask(
            map_shape=(result.shape.height, result.shape.width),
            geometry=result.placed(input_px),
            input_px=input_px,
            maps=layer.cells,
            thresholds=result.arrays["threshold"],
        )
        for layer, result in zip(tally.layers, results, strict=True)
    ]
    counted = count_modes(modes=options.iou_modes, tasks=tasks, labels=tally.labels, index=broden)
    for result, modes in zip(results, counted, strict=True):
        for mode, counts in modes.items():
            result.arrays.update({f"{mode}_{name}": values for name, values in vars(counts).items()})
    return results


def _finish_layer(tally: Tally, place: int, field: MapGeometry | str, options: DissectionOptions) -> LayerResult:
    """All but what needs labels."""
    layer = tally.layers[place]
    geometry, reason = (None, field) if isinstance(field, str) else (field, "")
    n_exceeding = n_above(tail=options.tail, n_values=len(tally.images) * layer.shape.height * layer.shape.width)
    thresholds = exact_thresholds(maps=layer.cells, bound=layer.bound, n_exceeding=n_exceeding)
    arrays = {"threshold": thresholds, **_ranked(tally, place, options), **_histogram(layer.peaks)}
    return LayerResult(shape=layer.shape, geometry=geometry, reason=reason, arrays=arrays)


def _ranked(tally: Tally, place: int, options: DissectionOptions) -> Arrays:
    layer = tally.layers[place]
    ranked = rank_images(
        peaks=layer.peaks, images=tally.images, n_top=options.n_top, n_low=options.n_low, seed=options.seed
    )
    arrays: Arrays = {}
    units = np.arange(layer.shape.n_units)[:, None]
    for name, images in (("top", ranked.top), ("low", ranked.low)):
        rows = np.searchsorted(tally.images, np.maximum(images, tally.images[0]))
        places = layer.peak_cells[rows, units]
        location = np.stack(np.divmod(places, layer.shape.width), axis=-1)
        present = images >= 0
        arrays[f"{name}_image"] = images
        arrays[f"{name}_peak"] = np.where(present, layer.peaks[rows, units], NO_PEAK).astype(np.float32)
        arrays[f"{name}_location"] = np.where(present[..., None], location, -1).astype(np.int16)
    return arrays


def _histogram(peaks: NDArray[np.float32]) -> Arrays:
    """Per unit a histogram of its peaks over equal bins from the lowest to the highest."""
    low, high = peaks.min(axis=0), peaks.max(axis=0)
    span = np.where(high > low, high.astype(np.float64) - low, 1.0)
    bins = ((peaks.astype(np.float64) - low) / span * HISTOGRAM_BINS).astype(np.int64).clip(0, HISTOGRAM_BINS - 1)
    n_units = peaks.shape[1]
    flat = np.bincount((bins + np.arange(n_units) * HISTOGRAM_BINS).ravel(), minlength=n_units * HISTOGRAM_BINS)
    return {
        "peak_histogram": flat.reshape(n_units, HISTOGRAM_BINS).astype(np.int32),
        "peak_range": np.stack([low, high], axis=1),
    }
