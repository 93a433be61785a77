"""One layer during the pass: every batch is shown to the watchers of all measures, within the hook."""

from math import isnan
from typing import Any

import torch
from torch.nn import functional

from workers.engine.measures.measure import Run, Seen, list_measures
from workers.engine.measures.pairs import gather_pairs
from workers.engine.networks.layer_maps import LayerShape


class ActivationNotFinite(Exception):
    """A unit gave NaN or infinity, which has no place in an order; `image` is the image's index."""

    def __init__(self, *, path: str, unit: int, image: int, value: float) -> None:
        self.path, self.unit, self.image, self.value = path, unit, image, value
        super().__init__(self.tell(f"image {image}"))

    def tell(self, image: str) -> str:
        """The sentence that names layer, unit and image."""
        what = "not a number (NaN)" if isnan(self.value) else f"{'minus ' if self.value < 0 else ''}infinity"
        return (
            f"Unit {self.unit} of {self.path} gives {what} on {image}. Such values cannot be ranked: correct the "
            "network, its weights or its precision (--autocast), or dissect an earlier layer."
        )


def check_finite(*, path: str, images: torch.Tensor, maps: torch.Tensor) -> None:
    """Raise ActivationNotFinite if a cell of the (B, U, h, w) maps of the images (B,) is NaN or infinite."""
    # One sum is NaN or infinite if a cell is, and takes a fraction of the time of looking at each; so may be the sum of
    # very large numbers, for which the cells are looked at.
    if bool(torch.isfinite(maps.sum())) or bool(torch.isfinite(maps).all()):
        return
    row, unit, *cell = (~torch.isfinite(maps)).nonzero()[0].tolist()
    value = float(maps[row, unit, cell[0], cell[1]])
    raise ActivationNotFinite(path=path, unit=unit, image=int(images[row]), value=value)


def find_peaks(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, U) peaks of (B, U, h, w) maps and their (B, U) row-major places, the first among equals."""
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
        check_finite(path=self.shape.path, images=images, maps=maps)
        for turn in self._turns:
            maps = turn(maps)
        peaks, places = find_peaks(maps)
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
