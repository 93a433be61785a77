"""Measure one layer, batch by batch, within the hook: peaks, best maps, and the cells that may exceed the threshold."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from workers.engine.format.spilling import IN_MEMORY, Spill
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.pairs import gather_pairs
from workers.engine.measures.rotation.rotation import fractional_power, random_rotation, rotate_units
from workers.engine.measures.tally import LayerTally
from workers.engine.measures.thresholds.candidates import CandidateCells
from workers.engine.measures.thresholds.thresholds import ActivationNotFinite, bound_by_landmarks, n_above
from workers.engine.measures.top_images.topk import TopMaps
from workers.engine.networks.hooks import LayerShape


def find_peaks(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, U) peaks of (B, U, h, w) maps and their (B, U) row-major places, the first among equals; NaN is a peak."""
    if maps.is_cuda:
        peaks, places = maps.flatten(2).max(dim=2)
        return peaks, places
    # One pooling window over the whole map: ten times as fast as max(dim) on maps that lie channels-last in memory.
    peaks, places = functional.max_pool2d(maps, maps.shape[2:], return_indices=True)
    return peaks.flatten(1), places.flatten(1)


class LayerMeasure:
    """Running measures of one layer over a shard; `n_images` is the whole set's, so that the bound holds for all
    of it.
    """

    def __init__(
        self,
        *,
        shape: LayerShape,
        n_images: int,
        options: DissectionOptions,
        device: str,
        landmarks: NDArray[np.float32] | None,
        spill: Spill = IN_MEMORY,
    ) -> None:
        self.shape = shape
        n_exceeding = n_above(tail=options.tail, n_values=n_images * shape.height * shape.width)
        start = None
        if landmarks is not None:
            start = torch.from_numpy(bound_by_landmarks(landmarks=landmarks, n_keep=n_exceeding + 1))
        self._cells = CandidateCells(shape=shape, n_keep=n_exceeding + 1, device=device, bound=start, spill=spill)
        self._tops = TopMaps(shape=shape, n_top=options.n_maps, device=device)
        self._rotation = None
        if options.rotation > 0:
            whole = random_rotation(n_units=shape.n_units, seed=options.rotation_seed)
            turned = fractional_power(rotation=whole, power=options.rotation)
            self._rotation = torch.from_numpy(turned).to(device=device, dtype=torch.float32)
        self._peaks: list[torch.Tensor] = []
        self._places: list[torch.Tensor] = []

    def add(self, *, images: torch.Tensor, maps: torch.Tensor) -> None:
        """Take the (B, U, h, w) maps of a batch; they are not kept. Raises ActivationNotFinite."""
        maps = maps.to(torch.float32)
        if self._rotation is not None:
            maps = rotate_units(maps=maps, rotation=self._rotation)
        peaks, places = find_peaks(maps)
        if not bool(torch.isfinite(peaks).all()):
            raise ActivationNotFinite(f"Units of {self.shape.path} give NaN or infinity on some images.")
        self._peaks.append(peaks)
        self._places.append(places.to(torch.int32))
        wanted = self._tops.rank(images=images, peaks=peaks) | self._cells.wanted(maps=maps, peaks=peaks)
        pairs = gather_pairs(images=images, maps=maps, wanted=wanted)
        self._tops.keep(pairs)
        self._cells.add(pairs)

    def freeze(self) -> LayerTally:
        """The measures as arrays in host memory."""
        nothing = torch.zeros((0, self.shape.n_units))
        cells = self._cells.freeze()
        top_images, top_maps = self._tops.freeze()
        return LayerTally(
            shape=self.shape,
            peaks=torch.cat([nothing, *(part.cpu() for part in self._peaks)]).numpy(),
            peak_cells=torch.cat([nothing.int(), *(part.cpu() for part in self._places)]).numpy(),
            bound=self._cells.bound.cpu().numpy(),
            cells=cells,
            top_images=top_images,
            top_maps=top_maps,
        )
