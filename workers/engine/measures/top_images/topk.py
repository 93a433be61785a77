"""Top and low images of each unit: those of highest peak, and a draw among those of the lowest tenth.

docs/measures.md, Top and low images. Ties go to the lower image index. The low images are drawn by a stored seed, so
that silent units (whose lowest peaks are all zero) do not all share the same few pictures.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.measures.pairs import DensePairs, lay_in_lines
from workers.engine.measures.top_images.map_loop import copy_maps
from workers.engine.networks.layer_maps import LayerShape

LOW_SHARE = 10  # the lowest tenth


def seeded_order(*, seed: int, stream: int, n: int) -> NDArray[np.uint64]:
    """(n,) uniform 64-bit keys, a function of seed and stream alone (SplitMix64: the same on every machine and
    numpy).
    """
    with np.errstate(over="ignore"):
        start = np.uint64(seed % 2**64) * np.uint64(0xD1342543DE82EF95) + np.uint64(stream % 2**64) * np.uint64(
            0xDA942042E4DD58B5
        )
        z = start + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def n_lowest(n_images: int) -> int:
    """How many images are the lowest tenth."""
    return -(-n_images // LOW_SHARE)


def rank_images(
    *, peaks: NDArray[np.float32], images: NDArray[np.int32], n_top: int, n_low: int, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(U, n_top) and (U, n_low) image indices by rank, -1 if the set has too few images, from (N, U) peaks of the (N,)
    ascending image indices.

    Low images: order all images by peak, ties by the seed's order; of the first tenth, less the top images, n_low are
    drawn by the seed.
    """
    n_images, n_units = peaks.shape
    top = np.full((n_units, n_top), -1, dtype=np.int32)
    low = np.full((n_units, n_low), -1, dtype=np.int32)
    places = np.arange(n_images, dtype=np.uint64)
    for unit, own in enumerate(np.ascontiguousarray(peaks.T)):
        best = _lowest(peaks=-own, keys=places, n=min(n_top, n_images))
        top[unit, : len(best)] = images[best]
        keys = seeded_order(seed=seed, stream=unit, n=n_images)
        lowest = _lowest(peaks=own, keys=keys, n=n_lowest(n_images))
        free = lowest[~np.isin(lowest, best)]
        drawn = free[np.argsort(keys[free], kind="stable")][:n_low]
        low[unit, : len(drawn)] = images[drawn]
    return top, low


def _lowest(*, peaks: NDArray[np.float32], keys: NDArray[np.uint64], n: int) -> NDArray[np.int64]:
    """Places of the n lowest of the (N,) peaks, ties by their keys; only those up to the n-th are put in order."""
    near = np.flatnonzero(peaks <= np.partition(peaks, n - 1)[n - 1])
    return near[np.lexsort((keys[near], peaks[near]))[:n]]


class TopMaps:
    """The maps of each unit's best images so far: (U, K, h, w), best first, ties to the image that came first."""

    def __init__(self, *, shape: LayerShape, n_top: int, device: str) -> None:
        n_units, self.n_top = shape.n_units, n_top
        self.peaks = torch.full((n_units, n_top), -torch.inf, device=device)
        self.images = torch.full((n_units, n_top), -1, dtype=torch.int32, device=device)
        self.maps = torch.zeros((n_units, n_top, shape.height, shape.width), device=device)
        # maps[u, slot[u, r]] belongs to rank r: a newcomer takes over the slot of the one it drives out.
        self.slot = torch.arange(n_top, device=device).repeat(n_units, 1)
        # (B, U) slots for the maps of the batch that was ranked last, -1 for those that are not among the best.
        self._entering = self.slot.new_zeros((0, n_units))

    def rank(self, *, images: torch.Tensor, peaks: torch.Tensor) -> torch.Tensor:
        """Rank a batch of image indices (B,) by peaks (B, U); (B, U) flags of the pairs whose maps `keep` must get."""
        n_units, n_batch = len(self.peaks), len(images)
        both = torch.cat([self.peaks, peaks.T], dim=1)
        best = torch.sort(both, dim=1, descending=True, stable=True).indices[:, : self.n_top]
        unit, rank = (best >= self.n_top).nonzero(as_tuple=True)
        row = best[unit, rank] - self.n_top
        kept = torch.zeros((n_units, self.n_top + n_batch), dtype=torch.bool, device=best.device)
        kept.scatter_(1, best, True)
        # As many old ranks are driven out as newcomers come, unit by unit, so that both lists pair up in order.
        out_unit, out_rank = (~kept[:, : self.n_top]).nonzero(as_tuple=True)
        free = self.slot[out_unit, out_rank]
        slots = torch.cat([self.slot, self.slot.new_full((n_units, n_batch), -1)], dim=1)
        slots[unit, self.n_top + row] = free
        self._entering = slots[:, self.n_top :].T
        self.slot = slots.gather(1, best)
        self.peaks = both.gather(1, best)
        everyone = torch.cat([self.images, images.to(torch.int32)[None].expand(n_units, -1)], dim=1)
        self.images = everyone.gather(1, best)
        return self._entering >= 0

    def keep(self, pairs: DensePairs) -> None:
        """Take the maps of the batch that was ranked last, others beside them if need be."""
        slot = self._entering[pairs.row, pairs.unit]
        enter = (slot >= 0).nonzero().squeeze(1)
        place = pairs.unit[enter] * self.n_top + slot[enter]
        self.maps.flatten(0, 1).index_copy_(0, place, pairs.maps.index_select(0, enter))

    def take(self, maps: torch.Tensor) -> None:
        """The same from the (B, U, h, w) maps of that batch, by a compiled loop, on a CPU."""
        row, unit = (self._entering >= 0).nonzero(as_tuple=True)
        slot = self._entering[row, unit]
        arrays = (one.numpy() for one in (lay_in_lines(maps), row, unit, slot, self.maps.flatten(2)))
        copy_maps(*arrays)

    def freeze(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """(U, K) image indices (-1 if there are none) and their (U, K, h, w) maps, best first."""
        ordered = self.maps[torch.arange(len(self.slot), device=self.slot.device)[:, None], self.slot]
        return self.images.cpu().numpy(), ordered.cpu().numpy()
