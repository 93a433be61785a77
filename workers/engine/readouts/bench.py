"""What every task is given to fit a read-out, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set
from workers.engine.images.reading import place_labels
from workers.engine.readouts.features import Features, ReadLayer, Store, pool_photographs
from workers.engine.readouts.options import Options
from workers.engine.readouts.readout import Arrays
from workers.engine.training.learning import Checkpoint

POOLING = "pooling the units"
MAX_NAMED = 10


@dataclass
class Bench:
    """`progress` is told a stage, how much of it is done, and of how much. `data` are the paths that the options
    name, on this machine; `images` the folder of photographs if it is named.
    """

    layer: ReadLayer
    options: Options
    data: Sequence[Path]
    images: Path | None
    store: Store
    checkpoint: Callable[[str], Checkpoint]
    progress: Callable[[str, int, int], None]
    pooled: list[Features] = field(default_factory=list)

    def pool(self, folder: Path, paths: Sequence[str]) -> Features:
        """The pooled units of some photographs. Raises LayerError, NetworkError."""
        found = pool_photographs(
            self.layer, folder, paths, store=self.store, progress=lambda n: self.progress(POOLING, n, len(paths))
        )
        self.pooled.append(found)
        return found

    def open_set(self) -> ImageSet:
        """The image set that the data are. Raises ImageSetError."""
        return open_image_set(self.data[0], place_labels(self.data[0], self.options.labels))

    def open_checkpoint(self, run: str) -> Checkpoint:
        """Of a run that learns from the photographs that were pooled: of others it is another one."""
        return self.checkpoint(f"{run}-{self.pooled[-1].key[:16]}")

    def describe_unreadable(self) -> dict[str, Any]:
        unreadable = {path: reason for one in self.pooled for path, reason in one.unreadable.items()}
        return {"n_unreadable": len(unreadable), "unreadable": dict(list(unreadable.items())[:MAX_NAMED])}


@dataclass(frozen=True)
class Fitted:
    """`facts` and `arrays` as Readout keeps them, and the `report` of what it is worth."""

    facts: dict[str, Any]
    arrays: Arrays
    report: dict[str, Any]
