"""What is learned from: photographs as the network's input, or as the maps of the layer where it is cut.

If only the head learns, the maps of each photograph are computed once and kept for all heads and seeds.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workers.engine.format.spilling import Spill
from workers.engine.images.decoding import ImageUnreadable, decode_image
from workers.engine.networks.loading import normalize
from workers.engine.networks.preprocessing import Preprocessing

THREADS = 4
BATCH = 32

Places = Sequence[int] | NDArray[np.int64]
Progress = Callable[[int], None]


class Source(Protocol):
    """Gives what the learning module takes for the photographs at some places, mirrored where the flags say so."""

    def read(self, places: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> torch.Tensor: ...


@dataclass
class Pixels:
    """Photographs, decoded whenever they are shown: a set may be larger than memory."""

    root: Path
    paths: Sequence[str]
    preprocessing: Preprocessing
    device: str
    unreadable: dict[str, str] = field(default_factory=dict)

    def read(self, places: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> torch.Tensor:
        """(n, 3, px, px). Raises ImageUnreadable: what `list_unreadable` passed may have changed since."""
        with ThreadPoolExecutor(THREADS) as pool:
            pixels = np.stack(list(pool.map(self._decode, places)))
        pixels[mirrored] = pixels[mirrored][:, :, ::-1]
        return normalize(pixels=torch.from_numpy(pixels).to(self.device), preprocessing=self.preprocessing)

    def list_unreadable(self, progress: Progress) -> dict[str, str]:
        """By path, why a photograph cannot be decoded; each is tried once."""
        found: dict[str, str] = {}
        for place, path in enumerate(self.paths):
            try:
                self._decode(place)
            except ImageUnreadable as error:
                found[path] = str(error)
            progress(place + 1)
        return found

    def _decode(self, place: int) -> NDArray[np.uint8]:
        asked = self.preprocessing
        return decode_image(
            self.root / self.paths[place],
            input_px=asked.input_px, resize=asked.resize, interpolation=asked.interpolation,
        )  # fmt: skip


@dataclass(frozen=True)
class KeptMaps:
    """`values` (n, 1 or 2, K, h, w): the maps of each photograph, and of its mirror image."""

    values: NDArray[np.float32]
    device: str

    def read(self, places: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> torch.Tensor:
        """(n, K, h, w)"""
        return torch.from_numpy(self.values[places, mirrored.astype(np.int64)]).to(self.device)


def keep_maps(
    pixels: Pixels, *, body: nn.Module, shape: tuple[int, int, int], mirrors: bool, spill: Spill, progress: Progress
) -> KeptMaps:
    """Run each photograph, and its mirror image, through the body once."""
    n_photographs, n_sides = len(pixels.paths), 1 + mirrors
    values = spill.empty((n_photographs, n_sides, *shape), np.float32)
    with torch.inference_mode():
        for places in _cut(n_photographs, BATCH):
            for side in range(n_sides):
                given = body(pixels.read(places, np.full(len(places), bool(side))))
                values[places, side] = given.to("cpu", torch.float32).numpy()
            progress(int(places[-1]) + 1)
    return KeptMaps(values, pixels.device)


def _cut(n: int, size: int) -> Iterator[NDArray[np.int64]]:
    for first in range(0, n, size):
        yield np.arange(first, min(n, first + size))
