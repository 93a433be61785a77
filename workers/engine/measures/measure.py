"""What a measure is: what it needs while the network runs, and what it computes afterwards.

A measure is one object; each overrides what it needs. While the network runs, a watcher per layer sees every batch
(`Watcher`); what it has collected over a shard is its part (a record of arrays), and the parts of all shards are
merged. Then the measures are completed in the order of the table: each gets all layers at once, with the results of the
measures before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.format.artifact import Arrays, Save
from workers.engine.format.spilling import IN_MEMORY, Spill
from workers.engine.images.image_set import ImageSet, PixelCache
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.measures import table
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.pairs import DensePairs
from workers.engine.measures.recorded import Recorded
from workers.engine.networks.geometry import FIELD_CENTERS, HALF_PIXEL, MapGeometry, evenly_spread
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import LoadedNetwork

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")

# Takes the number of units of a part of a layer's crops, and what that part is cut from.
KeepPart = Callable[[int, Arrays], None]
StageProgress = Callable[[str, int, int], None]
Turn = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Run:
    """How a shard is measured. `n_images` is the whole set's; `bounds` by layer path are what earlier shards tell."""

    options: DissectionOptions
    n_images: int
    device: str
    spill: Spill = IN_MEMORY
    bounds: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """A batch of one layer: image indices (B,), maps (B, U, h, w), their peaks (B, U), and the peaks' row-major places
    (B, U).
    """

    images: torch.Tensor
    maps: torch.Tensor
    peaks: torch.Tensor
    places: torch.Tensor


class Watcher(Protocol):
    """Collects one layer's part of a measure over a shard. Maps are not kept after `look` unless `keep` brings them."""

    def look(self, seen: Seen) -> torch.Tensor | None:
        """(B, U) flags of the pairs of image and unit whose maps `keep` must get; None: none."""

    def keep(self, pairs: DensePairs) -> None:
        """The maps of all pairs that some watcher asked for; others' too."""

    def freeze(self) -> Any:
        """The part, in host memory."""


@dataclass(frozen=True)
class Joining:
    """How a layer's parts join: the ascending image indices of each part, and the order in which all of them
    ascend.
    """

    shape: LayerShape
    images: Sequence[NDArray[np.int32]]
    order: NDArray[np.int64]
    spill: Spill

    def rows(self) -> list[NDArray[np.int64]]:
        """Of each part, the row of each of its images among all of them."""
        place = np.empty(len(self.order), dtype=np.int64)
        place[self.order] = np.arange(len(self.order))
        return np.split(place, np.cumsum([len(own) for own in self.images])[:-1])


@dataclass(frozen=True)
class MeasuredLayer:
    """A layer, the merged parts of its measures, and the results so far. `reason`: why the size of its receptive fields
    or where they lie is unknown.
    """

    shape: LayerShape
    geometry: MapGeometry | None
    reason: str
    parts: Mapping[str, Any]
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def anchoring(self) -> str:
        """The rule by which its cells are laid over the image (docs/measures.md, Where cells lie)."""
        return HALF_PIXEL if self.geometry is None else FIELD_CENTERS

    def placed(self, input_px: int) -> MapGeometry:
        """Where its cells lie: at the centers of their receptive fields, or spread evenly if these are unknown."""
        return self.geometry or MapGeometry(
            rows=evenly_spread(n_cells=self.shape.height, input_px=input_px),
            columns=evenly_spread(n_cells=self.shape.width, input_px=input_px),
        )

    def part(self, kind: type[T]) -> T:
        return next(part for part in self.parts.values() if isinstance(part, kind))

    def find(self, kind: type[T]) -> T | None:
        """The result of that kind; None if the measure was not asked for."""
        return next((result for result in self.results.values() if isinstance(result, kind)), None)

    def result(self, kind: type[T]) -> T:
        return next(result for result in self.results.values() if isinstance(result, kind))


@dataclass(frozen=True)
class Completion:
    """What measures complete from: the merged pass over all usable `images` (n,), where its large arrays lie
    (`spill`), and where pictures are saved. If crops are to be cut elsewhere, `keep_part` takes their parts.
    """

    network: LoadedNetwork
    image_set: ImageSet
    options: DissectionOptions
    images: NDArray[np.int32]
    labels: PackedLabels | None
    layers: Sequence[MeasuredLayer]
    pixels: PixelCache
    save: Save
    progress: StageProgress
    spill: Spill = IN_MEMORY
    keep_part: KeepPart | None = None

    @property
    def input_px(self) -> int:
        return self.network.preprocessing.input_px


class Measure(Generic[P, R]):
    """`part`: the record that its watchers leave, if it has any. `stage`: the stage of the dissection under which its
    seconds and progress are shown.
    """

    recorded: Recorded
    stage: str = "label"
    part: type[P] | None = None

    def is_asked(self, options: DissectionOptions) -> bool:
        return True

    def turn(self, shape: LayerShape, run: Run) -> Turn | None:
        """A change of basis that is made before any watcher looks."""
        return None

    def watch(self, shape: LayerShape, run: Run) -> Watcher | None:
        """Called once per layer and shard; may raise on values that cannot be measured."""
        return None

    def check(self, part: P, shape: LayerShape) -> None:
        """Raises ValueError if a part from a file cannot be the layer's: compiled loops check no index."""

    def merge(self, parts: Sequence[P], joining: Joining) -> P:
        """One part of several, each of different images; the order of the parts must not matter."""
        raise NotImplementedError

    def complete(self, completion: Completion) -> list[R]:
        """The result of each layer; empty if there is none."""
        return []

    def describe(self, result: R | None) -> dict[str, Any]:
        """What the manifest states of the layer; `result` is None if there is none."""
        return {}


def list_measures() -> list[Measure[Any, Any]]:
    """The measures of the table, in its order."""
    return [import_module(f"{path}.measure").MEASURE for path in table.MEASURES]
