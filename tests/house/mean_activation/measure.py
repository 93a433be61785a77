"""The mean activation of each unit: what it sums while the network runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tests.house.mean_activation.arrays import RECORDED, MeanOptions, Means
from workers.engine.measures.measure import Completion, Joining, Measure, Run, Seen
from workers.engine.measures.pairs import DensePairs
from workers.engine.networks.layer_maps import LayerShape


@dataclass(frozen=True)
class Sums:
    activation_sum: NDArray[np.float64]
    activation_count: NDArray[np.int64]


class SumWatcher:
    def __init__(self, n_units: int) -> None:
        self.total, self.count = torch.zeros(n_units, dtype=torch.float64), 0

    def look(self, seen: Seen) -> None:
        self.total += seen.maps.to(torch.float64).sum(dim=(0, 2, 3)).cpu()
        self.count += seen.maps[:, 0].numel()

    def keep(self, pairs: DensePairs) -> None:
        """No maps are needed."""

    def freeze(self) -> Sums:
        return Sums(activation_sum=self.total.numpy(), activation_count=np.array([self.count]))


class MeanActivation(Measure[Sums, Means]):
    recorded = RECORDED
    part = Sums

    def watch(self, shape: LayerShape, run: Run) -> SumWatcher:
        return SumWatcher(shape.n_units)

    def merge(self, parts: Sequence[Sums], joining: Joining) -> Sums:
        return Sums(
            activation_sum=np.sum([part.activation_sum for part in parts], axis=0),
            activation_count=np.sum([part.activation_count for part in parts], axis=0),
        )

    def complete(self, completion: Completion) -> list[Means]:
        scale = completion.options.of(MeanOptions).mean_scale
        sums = [layer.part(Sums) for layer in completion.layers]
        return [Means(mean_activation=scale * one.activation_sum / one.activation_count) for one in sums]


MEASURE = MeanActivation()
