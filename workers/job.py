"""A GPU task's request, opened once: network, image set and options as the engine takes them."""

import json
import logging
import mmap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import torch

from workers import config, contract, store
from workers.contract import DissectionRequest, TaskRequest
from workers.engine.estimate_memory import MemoryEstimate
from workers.engine.format.artifact import Arrays, Data, unpack_arrays
from workers.engine.format.spilling import Spill
from workers.engine.images.contents import Contents, ImagesChanged
from workers.engine.images.image_set import ImageSet
from workers.engine.measures.options import DissectionOptions
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.random_weights import draw_weights
from workers.engine.networks.saved import SAVED
from workers.fitting import Room
from workers.leases import Reporter
from workers.opened import OpenNetwork, open_contents, open_images, open_network
from workers.workplaces import open_workplace

logger = logging.getLogger(__name__)
T = TypeVar("T")


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
    def surveyed(self) -> dict[str, Any] | None:
        """What the survey found; None during the survey, and for dissections that an older version surveyed."""
        if self.request.position == contract.SURVEY_POSITION:
            return None
        found: dict[str, Any] = json.loads(self.target.read(contract.result_name(contract.SURVEY_POSITION)))
        return found if "network" in found else None

    @cached_property
    def opened(self) -> OpenNetwork:
        """Raises NetworkError, PreprocessingInvalid, ZooError, SavedActivationsInvalid."""
        surveyed = self.surveyed["network"] if self.surveyed else None
        return open_network(request=self.dissection, surveyed=surveyed, device=find_device())

    @property
    def network(self) -> LoadedNetwork:
        """Raises what opening it raises."""
        return self.opened.network

    def describe_loaded(self) -> dict[str, str] | None:
        """What tells the network from others, and the digest of its file; None if it has not been loaded."""
        return self.opened.identity() if "opened" in self.__dict__ else None

    @cached_property
    def measured_network(self) -> LoadedNetwork:
        """The network, or the same with random weights if these are asked for. Raises what `network` does."""
        seed = self.options.run.random_weights
        if not seed:
            return self.network
        if self.network.architecture == SAVED:
            raise NetworkError("Saved activations have no weights that could be drawn at random.")
        return _draw_weights(self.network, seed)

    @cached_property
    def image_set(self) -> ImageSet:
        """Raises ImageSetError."""
        image_set = _open_images(self.dissection.images, self.dissection.labels, self.dissection.dissection_id)
        if self.surveyed is None:
            return image_set
        if image_set.sha256 != self.surveyed["image_set_sha256"]:
            raise ImagesChanged("The folder of images changed while the dissection ran; dissect again.")
        return replace(image_set, content_sha256=self.surveyed["content_sha256"])

    @cached_property
    def contents(self) -> Contents:
        return open_contents(self.image_set)

    @property
    def surveyed_contents(self) -> Arrays:
        """The digests that the survey read."""
        return _read_contents(self.target.root)

    def demand_unchanged(self, indices: range) -> None:
        """Raises ImagesChanged or NetworkChanged if what is measured is no longer what the survey read."""
        if self.surveyed is None:
            return
        self.contents.demand(self.surveyed_contents, indices)
        open_network(request=self.dissection, surveyed=self.surveyed["network"], device=find_device())

    def demand_images(self, indices: Sequence[int]) -> None:
        """Raises ImagesChanged if one of these images is no longer what the survey read. The network is not asked."""
        if self.surveyed is not None:
            for index in indices:
                self.contents.demand(_read_contents(self.target.root), range(index, index + 1))

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
        with open_workplace(config.cache_folder() / "spill") as folder:
            yield folder

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
    """If the store is full, say so in the task's progress and wait for space: no work is lost. Raises Canceled."""
    reporter.demand_wanted()
    wait_for_space(reporter, lambda: target.write(name, data))


def wait_for_space(reporter: Reporter, act: Callable[[], T]) -> T:
    """Does it again until there is space, and says so in the task's progress: what is full may be the artifact store
    or the cache's disk. Raises Canceled, and what else `act` raises.
    """
    stage = reporter.stage
    while True:
        try:
            done = act()
        except (store.StoreFull, OSError) as full:
            if isinstance(full, OSError) and full.errno not in store.FULL:
                raise
            said = str(full) if isinstance(full, store.StoreFull) else f"{full.strerror} in {config.cache_folder()}."
            logger.warning("%s Trying again every %s s.", said, contract.FULL_STORE_SECONDS)
            reporter.stage = f"{contract.PAUSED}: {said}"
            time.sleep(contract.FULL_STORE_SECONDS)
            reporter.demand_wanted()
        else:
            reporter.stage = stage
            return done


@lru_cache(maxsize=1)
def _draw_weights(network: LoadedNetwork, seed: int) -> LoadedNetwork:
    """Drawn once for the shards of a dissection."""
    return draw_weights(network, seed=seed)


@lru_cache(maxsize=1)
def _open_images(address: str, labels: str, _dissection_id: str) -> ImageSet:
    """Opened once for the shards of a dissection: reading the index of a large set takes as long as a shard."""
    return open_images(address, labels)


@lru_cache(maxsize=1)
def _read_contents(root: str) -> Arrays:
    """What the survey of the dissection at that root read, once for all its shards."""
    return unpack_arrays(store.open_store(root).read(contract.CONTENTS))
