"""Activation vectors: each unit's maximum and mean over every image (docs/measures.md, Activation vectors)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.format.saved_rows import Rows, save_rows
from workers.engine.format.spilling import let_go
from workers.engine.measures.activation_vectors.arrays import (
    IMAGES,
    LARGEST,
    MAXIMA,
    MEANS,
    RECORDED,
    ActivationVectorsOptions,
    vector_name,
)
from workers.engine.measures.measure import Completion, Joining, Measure, Run, Seen
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.pairs import DensePairs
from workers.engine.measures.top_images.measure import Peaks
from workers.engine.networks.layer_maps import LayerShape

Number = TypeVar("Number", bound=np.generic)
# Rows that are converted and written at a time: of 2,048 units some 8 MB.
ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class Means:
    """(n, U) the mean of each map over the part's n images; the maxima are in the part of the top images."""

    activation_means: NDArray[np.float16]


class MeanWatcher:
    def __init__(self, shape: LayerShape) -> None:
        self._n_units = shape.n_units
        self._means: list[torch.Tensor] = []

    def look(self, seen: Seen) -> None:
        self._means.append(_halve(seen.maps.mean(dim=(2, 3))).cpu())

    def keep(self, pairs: DensePairs) -> None:
        """Needs no map."""

    def freeze(self) -> Means:
        nothing = torch.zeros((0, self._n_units), dtype=torch.float16)
        return Means(torch.cat([nothing, *self._means]).numpy())


class ActivationVectorsMeasure(Measure[Means, None]):
    recorded = RECORDED
    stage = "vectors"
    part = Means

    def is_asked(self, options: DissectionOptions) -> bool:
        return options.of(ActivationVectorsOptions).activation_vectors

    def watch(self, shape: LayerShape, run: Run) -> MeanWatcher:
        return MeanWatcher(shape)

    def merge(self, parts: Sequence[Means], joining: Joining) -> Means:
        shape = (len(joining.order), parts[0].activation_means.shape[1])
        merged = joining.spill.empty(shape, np.float16)
        for part, rows in zip(parts, joining.rows(), strict=True):
            merged[rows] = part.activation_means
            let_go(part.activation_means, merged)
        return Means(merged)

    def complete(self, completion: Completion) -> list[None]:
        n_layers, n_images = len(completion.layers), len(completion.images)
        for place, layer in enumerate(completion.layers):
            completion.progress(self.stage, place, n_layers)
            shape = (n_images, layer.shape.n_units)
            peaks, means = layer.part(Peaks).peaks, layer.part(Means).activation_means
            images = completion.images.astype(np.int32)
            for name, rows in (
                (IMAGES, Rows((n_images,), np.int32, iter([images]))),
                (MAXIMA, Rows(shape, np.float16, _halve_rows(peaks))),
                (MEANS, Rows(shape, np.float16, _cut(means))),
            ):
                save_rows(vector_name(place, name), rows, save=completion.save, spill=completion.spill)
        completion.progress(self.stage, n_layers, n_layers)
        return []


MEASURE = ActivationVectorsMeasure()


def _halve(values: torch.Tensor) -> torch.Tensor:
    return values.clamp(-LARGEST, LARGEST).to(torch.float16)


def _halve_rows(values: NDArray[np.float32]) -> Iterator[NDArray[np.float16]]:
    for some in _cut(values):
        yield some.clip(-LARGEST, LARGEST).astype(np.float16)


def _cut(values: NDArray[Number]) -> Iterator[NDArray[Number]]:
    for first in range(0, len(values), ROWS_AT_ONCE):
        yield values[first : first + ROWS_AT_ONCE]
