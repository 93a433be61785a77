"""A GPU task's request, opened once: network, image set and options as the engine takes them."""

import json
import logging
import mmap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from workers import config, contract, store
from workers.contract import DissectionRequest, TaskRequest
from workers.engine.estimate_memory import MemoryEstimate
from workers.engine.format.artifact import Data
from workers.engine.format.spilling import Spill
from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.options import DissectionOptions
from workers.engine.networks.loading import LoadedNetwork, file_sha256, load_network, load_zoo_network
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.saved import SAVED
from workers.engine.networks.saved_activations import open_saved
from workers.engine.networks.zoo import ZOO, find_row
from workers.fitting import Room
from workers.leases import Reporter

logger = logging.getLogger(__name__)


def find_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Job:
    """One task of a dissection. Network and image set are opened when they are first asked for."""

    request: TaskRequest
    options: DissectionOptions
    target: store.Store
    reporter: Reporter

    @property
    def dissection(self) -> DissectionRequest:
        return self.request.dissection

    @cached_property
    def network(self) -> LoadedNetwork:
        """Raises NetworkError, PreprocessingInvalid, ZooError, SavedActivationsInvalid."""
        asked = self.dissection
        return _load_network(
            asked.architecture, asked.weights, json.dumps(asked.preprocessing), _stamp_file(asked.weights)
        )

    def describe_loaded(self) -> dict[str, str] | None:
        """What tells the network from others, and the digest of its file; None if it has not been loaded."""
        if "network" not in self.__dict__:
            return None
        file = self.weights_file
        return {
            **{name: getattr(self.network, name) for name in ("weights_sha256", "source_sha256", "weights_from")},
            "file_sha256": file_sha256(file) if file is not None else "",
        }

    @cached_property
    def weights_file(self) -> Path | None:
        """The file that the weights are read from, on this machine; None for random weights and the zoo's."""
        address = self.dissection.weights
        return store.fetch_file(address, cache=config.cache_folder()) if address else None

    @cached_property
    def image_set(self) -> ImageSet:
        """Raises ImageSetError."""
        return _open_images(self.dissection.images, self.dissection.dissection_id)

    @property
    def room(self) -> Room:
        store_folder = self.target.folder if isinstance(self.target, store.FileStore) else None
        return Room(limit=self.dissection.memory_limit, cache=config.cache_folder(), store=store_folder)

    def spills(self, need: MemoryEstimate) -> bool:
        """True if the stage keeps its arrays in files: it was asked to, or this machine has not enough memory."""
        return self.dissection.spill or need.spills(limit=self.room.memory)

    @contextmanager
    def spill(self, stage: str) -> Iterator[Spill]:
        """Memory, or files that end with their arrays: the folder is needed only while arrays are made. By what the
        survey found that the stage needs, and by what is free here and now.
        """
        survey = json.loads(self.target.read(contract.result_name(0)))
        stated = {key: value for key, value in survey["memory"][stage].items() if key != "spills"}
        # A survey of an earlier version stated other numbers.
        need = MemoryEstimate(**stated) if "spilled" in stated else None
        if not (self.dissection.spill if need is None else self.spills(need)):
            yield Spill()
            return
        with self.scratch() as folder:
            yield Spill(folder)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for files that end with the task."""
        config.cache_folder().mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=config.cache_folder(), prefix="spill-") as folder:
            yield Path(folder)

    def save_file(self, name: str, write: Callable[[Path], None]) -> None:
        """Save what `write` puts into a file, which may be larger than memory."""
        with self.scratch() as folder:
            path = folder / "file"
            write(path)
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                self.save(name, data)

    def save(self, name: str, data: Data) -> None:
        write_patiently(self.target, self.reporter, name, data)

    def show(self, stage: str, n_done: int, n_total: int) -> None:
        """Progress of a stage, for whoever waits."""
        if self.reporter.stage != stage:
            self.reporter.begin(stage, n_total=n_total)
        self.reporter.set_done(n_done)


def write_patiently(target: store.Store, reporter: Reporter, name: str, data: Data) -> None:
    """If the store is full, say so in the task's progress and wait for space: no work is lost."""
    stage = reporter.stage
    while True:
        try:
            target.write(name, data)
            break
        except store.StoreFull as full:
            logger.warning("%s Trying again every %s s.", full, contract.FULL_STORE_SECONDS)
            reporter.stage = f"{contract.PAUSED}: {full}"
            time.sleep(contract.FULL_STORE_SECONDS)
    reporter.stage = stage


def _stamp_file(address: str) -> str:
    """Size and time of change of a local file; empty for others, which are fetched once."""
    path = Path(address.removeprefix("file://"))
    return f"{path.stat().st_size} {path.stat().st_mtime_ns}" if address and path.is_file() else ""


@lru_cache(maxsize=1)
def _load_network(architecture: str, weights: str, preprocessing: str, _stamp: str) -> LoadedNetwork:
    """The last network stays loaded while its file is what it was: the shards of a dissection follow one another."""
    if architecture.startswith(ZOO):
        row = find_row(architecture.removeprefix(ZOO))
        return load_zoo_network(row=row, folder=config.zoo_folder(), device=find_device())
    stated = json.loads(preprocessing)
    file = store.fetch_file(weights, cache=config.cache_folder()) if weights else None
    if architecture == SAVED and file is not None:
        return open_saved(file, input_px=(stated or {}).get("input_px", Preprocessing.input_px))
    return load_network(
        architecture=architecture,
        weights=file,
        preprocessing=Preprocessing.from_json(stated) if stated else None,
        device=find_device(),
    )


@lru_cache(maxsize=1)
def _open_images(address: str, _dissection_id: str) -> ImageSet:
    """Opened once for the shards of a dissection: reading the index of a large set takes as long as a shard."""
    return open_image_set(store.fetch_folder(address, cache=config.cache_folder()))
