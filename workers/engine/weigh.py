"""Weigh: how much each unit of a layer adds to what the network says, over an image set. docs/evidence.md, Importance.

The score is that of the class that the network puts first, image by image.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.evidence.shares import StudiedLayer, share_scores
from workers.engine.format.keeping import Arrays, Keeper, NoKeeper
from workers.engine.format.packed_words import pack_words, unpack_words
from workers.engine.images.decoding import ImageUnreadable, decode_image
from workers.engine.images.image_set import ImageSet
from workers.engine.kept_memory import keeping_memory
from workers.engine.networks.loading import LoadedNetwork, normalize

BATCH = 32
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Photographs:
    """Images at `paths` below a folder. `resize` as Preprocessing has it; "": as the network's says."""

    folder: Path
    paths: Sequence[str]
    resize: str = ""

    @classmethod
    def of_set(cls, image_set: ImageSet) -> "Photographs":
        """Those of an image set, seen as a dissection sees them: labeled images are warped."""
        return cls(image_set.root, image_set.paths, "warp" if image_set.labels is not None else "")

    def describe(self) -> list[str]:
        """Which photographs they are and how they are seen, for a digest."""
        return [self.resize, *self.paths]


@dataclass
class Weighed:
    """Of a layer's K units over n images: `absolute` (K,) the sum of the shares' sizes, `signed` (K,) their sum."""

    absolute: Values
    signed: Values
    n_images: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)

    @property
    def importance(self) -> Values:
        """(K,) mean absolute share."""
        return np.asarray(self.absolute / max(1, self.n_images))

    @property
    def mean_share(self) -> Values:
        """(K,) mean share."""
        return np.asarray(self.signed / max(1, self.n_images))

    def to_arrays(self, n_read: int) -> Arrays:
        """As it is kept when so many paths were read."""
        numbers = np.array([self.n_images, n_read])
        return {
            "absolute": self.absolute, "signed": self.signed, "numbers": numbers,
            "unreadable": pack_words(self.unreadable),
        }  # fmt: skip

    @classmethod
    def go_on(cls, kept: Arrays | None, n_units: int) -> tuple["Weighed", int]:
        """What was kept, and how many paths had been read; with nothing kept, the beginning."""
        if kept is None:
            return cls(np.zeros(n_units), np.zeros(n_units)), 0
        n_images, n_read = kept["numbers"].tolist()
        return cls(kept["absolute"].copy(), kept["signed"].copy(), n_images, unpack_words(kept["unreadable"])), n_read


@keeping_memory()
def weigh(
    *,
    layer: StudiedLayer,
    photographs: Photographs,
    device: str,
    progress: Callable[[int], None] = lambda n_done: None,
    keeper: Keeper | None = None,
) -> Weighed:
    """Importance of the layer's units over the photographs; memory does not grow with them. `keeper` keeps the sums
    under the layer's path: the result is the same, to the bit, whether or not it was interrupted.
    """
    keeper, stage = keeper or NoKeeper(), layer.shape.path
    found, first = Weighed.go_on(keeper.read(stage), layer.shape.n_units)
    for batch in read_images(layer.network, photographs, device=device, first=first):
        found.unreadable |= batch.unreadable
        if batch.places:
            units = share_scores(layer, batch.images).units.double().cpu().numpy()
            found.absolute += np.abs(units).sum(axis=0)
            found.signed += units.sum(axis=0)
            found.n_images += len(units)
        progress(batch.n_read)
        state = partial(found.to_arrays, batch.n_read)
        keeper.offer(stage, state, is_last=batch.n_read == len(photographs.paths))
    return found


@dataclass(frozen=True)
class Batch:
    """Normalized images (B, 3, px, px) with their `places` among the paths; those that cannot be read, with the reason;
    how many paths have been read with this batch.
    """

    places: list[int]
    images: torch.Tensor
    unreadable: dict[str, str]
    n_read: int


def read_images(network: LoadedNetwork, photographs: Photographs, *, device: str, first: int = 0) -> Iterator[Batch]:
    """The photographs from the place `first` on (a multiple of BATCH) in batches, prepared as the network's
    preprocessing says.
    """
    preprocessing, paths = network.preprocessing, photographs.paths
    for start in range(first, len(paths), BATCH):
        places, pixels, unreadable = [], [], {}
        for place in range(start, min(start + BATCH, len(paths))):
            try:
                decoded = decode_image(
                    photographs.folder / paths[place],
                    input_px=preprocessing.input_px,
                    resize=photographs.resize or preprocessing.resize,
                    interpolation=preprocessing.interpolation,
                )
            except ImageUnreadable as error:
                unreadable[paths[place]] = str(error)
                continue
            places.append(place)
            pixels.append(decoded)
        stacked = np.stack(pixels) if pixels else np.zeros((0, 1, 1, 3), dtype=np.uint8)
        images = normalize(pixels=torch.from_numpy(stacked).to(device), preprocessing=preprocessing)
        yield Batch(places, images, unreadable, min(start + BATCH, len(paths)))
