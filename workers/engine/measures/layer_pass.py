"""One layer during the pass: every batch is shown to the watchers of all measures, within the hook."""

from typing import Any

import torch
from torch.nn import functional

from workers.engine.measures.measure import Run, Seen, list_measures
from workers.engine.measures.pairs import gather_pairs
from workers.engine.networks.hooks import LayerShape


class ActivationNotFinite(Exception):
    """A unit gave NaN or infinity, which has no place in an order."""


def find_peaks(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, U) peaks of (B, U, h, w) maps and their (B, U) row-major places, the first among equals; NaN is a peak."""
    if maps.is_cuda:
        peaks, places = maps.flatten(2).max(dim=2)
        return peaks, places
    # One pooling window over the whole map: ten times as fast as max(dim) on maps that lie channels-last in memory.
    peaks, places = functional.max_pool2d(maps, maps.shape[2:], return_indices=True)
    return peaks.flatten(1), places.flatten(1)


class LayerPass:
    """The watchers of one layer over a shard."""

    def __init__(self, *, shape: LayerShape, run: Run) -> None:
        self.shape = shape
        asked = [measure for measure in list_measures() if measure.is_asked(run.options)]
        self._turns = [turn for measure in asked if (turn := measure.turn(shape, run)) is not None]
        watchers = {measure.recorded.name: measure.watch(shape, run) for measure in asked}
        self._watchers = {name: watcher for name, watcher in watchers.items() if watcher is not None}

    def add(self, *, images: torch.Tensor, maps: torch.Tensor) -> None:
        """Show the (B, U, h, w) maps of a batch; they are not kept. Raises ActivationNotFinite."""
        maps = maps.to(torch.float32)
        for turn in self._turns:
            maps = turn(maps)
        peaks, places = find_peaks(maps)
        if not bool(torch.isfinite(peaks).all()):
            raise ActivationNotFinite(f"Units of {self.shape.path} give NaN or infinity on some images.")
        seen = Seen(images=images, maps=maps, peaks=peaks, places=places)
        flags = [asked for watcher in self._watchers.values() if (asked := watcher.look(seen)) is not None]
        if not flags:
            return
        wanted = flags[0]
        for more in flags[1:]:
            wanted = wanted | more
        pairs = gather_pairs(images=images, maps=maps, wanted=wanted)
        for watcher in self._watchers.values():
            watcher.keep(pairs)

    def freeze(self) -> dict[str, Any]:
        """The part of each measure that watched, by the measure's name."""
        return {name: watcher.freeze() for name, watcher in self._watchers.items()}
