"""A GPU task's request, opened once: network, image set and options as the engine takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from workers import config, store
from workers.contract import DissectionRequest, TaskRequest
from workers.engine import dissect
from workers.engine.dissect_saved import SavedActivations, measure_saved, open_saved
from workers.engine.format.spilling import Spill
from workers.engine.images.image_set import ImageSet
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.tally import Tally
from workers.engine.networks.hooks import LayerShape
from workers.engine.networks.loading import LoadedNetwork, load_network
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.saved import SAVED
from workers.engine.networks.zoo import ZOO
from workers.engine.networks.zoo_networks import load_zoo_network
from workers.leases import Reporter


def find_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Job:
    """One task of a dissection. Network and image set are opened when they are first asked for."""

    request: TaskRequest
    options: DissectionOptions
    target: store.Store
    reporter: Reporter

    @classmethod
    def open(cls, request: TaskRequest, target: store.Store, reporter: Reporter) -> Job:
        """Raises OptionsInvalid."""
        return cls(request, DissectionOptions.from_json(request.dissection.options), target, reporter)

    @property
    def dissection(self) -> DissectionRequest:
        return self.request.dissection

    @cached_property
    def activations(self) -> SavedActivations | None:
        """Activations that were saved in place of a network, if there are any; raises SavedActivationsInvalid."""
        asked = self.dissection
        if asked.architecture != SAVED:
            return None
        path = store.fetch_file(asked.weights, cache=config.cache_folder())
        return open_saved(path, input_px=(asked.preprocessing or {}).get("input_px", Preprocessing.input_px))

    @cached_property
    def network(self) -> LoadedNetwork:
        """Raises NetworkError, ZooError."""
        if self.activations is not None:
            return self.activations.network
        asked = self.dissection
        return _load_network(asked.architecture, asked.weights, json.dumps(asked.preprocessing))

    @cached_property
    def image_set(self) -> ImageSet:
        """Raises ImageSetError."""
        return _open_images(self.dissection.images, self.dissection.dissection_id)

    def survey(self) -> dict[str, LayerShape]:
        """Shapes of the layers; raises LayerError before any image is read."""
        if self.activations is not None:
            return {self.activations.name: self.activations.shape}
        return dissect.survey(network=self.network, layers=self.dissection.layers, device=find_device())

    def measure(self, *, bounds: dissect.Bounds, packed: PackedLabels | None) -> Tally:
        """The tally of the request's run of images."""
        first, last = self.request.first_image, self.request.end_image
        if self.activations is not None:
            return measure_saved(
                saved=self.activations,
                image_set=self.image_set,
                first=first,
                last=last,
                options=self.options,
                progress=self.reporter.set_done,
            )
        with self.spill() as spill:
            return dissect.measure_shard(
                network=self.network,
                layers=self.dissection.layers,
                image_set=self.image_set,
                options=self.options,
                shard=dissect.Shard(first, last, bounds, packed),
                means=dissect.Means(device=find_device(), spill=spill, progress=self.reporter.set_done),
            )

    @contextmanager
    def spill(self) -> Iterator[Spill]:
        """Memory, or files that end with their arrays: the folder is needed only while arrays are made."""
        if not self.dissection.spill:
            yield Spill()
            return
        config.cache_folder().mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=config.cache_folder(), prefix="spill-") as folder:
            yield Spill(Path(folder))

    def show(self, stage: str, n_done: int, n_total: int) -> None:
        """Progress of a stage, for whoever waits."""
        if self.reporter.stage != stage:
            self.reporter.begin(stage, n_total=n_total)
        self.reporter.set_done(n_done)


@lru_cache(maxsize=1)
def _load_network(architecture: str, weights: str, preprocessing: str) -> LoadedNetwork:
    """The last network stays loaded: the shards of a dissection follow one another."""
    if architecture.startswith(ZOO):
        return load_zoo_network(name=architecture.removeprefix(ZOO), folder=config.zoo_folder(), device=find_device())
    stated = json.loads(preprocessing)
    return load_network(
        architecture=architecture,
        weights=store.fetch_file(weights, cache=config.cache_folder()) if weights else None,
        preprocessing=Preprocessing.from_json(stated) if stated else None,
        device=find_device(),
    )


@lru_cache(maxsize=1)
def _open_images(address: str, _dissection_id: str) -> ImageSet:
    """Opened once for the shards of a dissection: reading the index of a large set takes as long as a shard."""
    return open_image_set(store.fetch_folder(address, cache=config.cache_folder()))
