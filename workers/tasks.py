"""The GPU process's tasks: survey, measure one shard, merge. They have no database.

Each writes its result into the artifact store and then tells the web queue to look; a task whose result
exists returns at once, so any of them may run twice. Start with `celery -A workers.tasks worker -Q gpu --pool solo`.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from celery.signals import worker_ready, worker_shutdown
from kombu.exceptions import OperationalError
from numpy.typing import NDArray

from workers import config, contract, leases, store
from workers.app import app
from workers.contract import DissectionRequest, TaskRequest
from workers.engine import complete, dissect
from workers.engine.estimate_memory import estimate_memory
from workers.engine.format.artifact import pack_arrays, unpack_arrays
from workers.engine.format.spilling import Spill
from workers.engine.images.broden import ImageSetError
from workers.engine.images.image_set import ImageSet, open_image_set
from workers.engine.measures import tally
from workers.engine.measures.layer_pass import ActivationNotFinite
from workers.engine.measures.options import DissectionOptions, OptionsInvalid
from workers.engine.networks.hooks import LayerError
from workers.engine.networks.loading import LoadedNetwork, NetworkError, Preprocessing, load_network
from workers.label_cache import keep_labels, load_labels

logger = logging.getLogger(__name__)
_signs_of_life = ExitStack()

# Another attempt would find the same: the reason goes to the person who asked.
BAD_INPUT = (
    NetworkError,
    LayerError,
    ImageSetError,
    OptionsInvalid,
    ActivationNotFinite,
    complete.NothingMeasured,
    store.NotStored,
)


@dataclass(frozen=True)
class PatientStore:
    """A store that, when it is full, says so in the task's progress and waits for space: no work is lost."""

    store: store.Store
    reporter: leases.Reporter

    @property
    def root(self) -> str:
        return self.store.root

    def write(self, name: str, data: bytes) -> None:
        stage = self.reporter.stage
        while True:
            try:
                self.store.write(name, data)
                break
            except store.StoreFull as full:
                logger.warning("%s Trying again every %s s.", full, contract.FULL_STORE_SECONDS)
                self.reporter.stage = f"{contract.PAUSED}: {full}"
                time.sleep(contract.FULL_STORE_SECONDS)
        self.reporter.stage = stage

    def read(self, name: str) -> bytes:
        return self.store.read(name)

    def exists(self, name: str) -> bool:
        return self.store.exists(name)

    def names(self, prefix: str = "") -> Iterator[str]:
        return self.store.names(prefix)

    def at(self, prefix: str) -> "PatientStore":
        return PatientStore(self.store.at(prefix), self.reporter)


Work = Callable[[TaskRequest, store.Store, leases.Reporter], dict[str, Any]]


@worker_ready.connect
def show_life(**_: object) -> None:
    """Dashboard and commands see this process for as long as it answers."""
    key, device = contract.GPU_PROCESS_KEY + leases.process_name(), _device()
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    beat = leases.repeated(url=config.broker_url, act=lambda client: client.set(key, name, ex=contract.ALIVE_SECONDS))
    _signs_of_life.enter_context(beat)


@worker_shutdown.connect
def end_life(**_: object) -> None:
    _signs_of_life.close()
    with leases.connect(config.broker_url) as client:
        client.delete(contract.GPU_PROCESS_KEY + leases.process_name())


@app.task(name=contract.SURVEY)
def survey(message: dict[str, Any]) -> None:
    """Counts the images and refuses in words what cannot be dissected, before any image is read."""
    _run(message, _survey)


@app.task(name=contract.MEASURE)
def measure(message: dict[str, Any]) -> None:
    """Streams one shard through the network and keeps its tally."""
    _run(message, _measure)


@app.task(name=contract.MERGE)
def merge(message: dict[str, Any]) -> None:
    """Joins the tallies, labels the units, cuts the crops and writes the artifact."""
    _run(message, _merge)


def _run(message: dict[str, Any], work: Work) -> None:
    request = TaskRequest.from_json(message)
    dissection = request.dissection
    target = store.open_store(dissection.artifact)
    if not target.exists(contract.result_name(request.position)):
        with leases.lease(
            url=config.broker_url,
            dissection_id=dissection.dissection_id,
            position=request.position,
            attempt=request.attempt,
        ) as reporter:
            patient = PatientStore(target, reporter)
            name, said = _attempt(request, patient, reporter, work)
            patient.write(name, said)
    try:
        app.send_task(contract.ADVANCE, args=[dissection.dissection_id], queue="web")
    except (OperationalError, OSError):
        logger.warning("The broker is away; the sweeper will find the result of %s.", dissection.dissection_id)


def _attempt(request: TaskRequest, target: store.Store, reporter: leases.Reporter, work: Work) -> tuple[str, bytes]:
    """The name and content of what this attempt leaves behind: a result, or the reason why there is none yet."""
    try:
        return contract.result_name(request.position), json.dumps(work(request, target, reporter)).encode()
    except BAD_INPUT as error:
        return contract.result_name(request.position), json.dumps({"error": str(error)}).encode()
    except Exception as error:  # anything else may pass: the web side counts the attempts
        logger.exception("Attempt %s of task %s failed.", request.attempt, request.position)
        return contract.failure_name(request.position, request.attempt), f"{type(error).__name__}: {error}".encode()


def _survey(request: TaskRequest, target: store.Store, reporter: leases.Reporter) -> dict[str, Any]:
    reporter.begin("loading the network", n_total=0)
    dissection, options = request.dissection, DissectionOptions.from_json(request.dissection.options)
    network = _network(dissection)
    shapes = dissect.survey(network=network, layers=dissection.layers, device=_device())
    reporter.begin("reading the image set", n_total=0)
    image_set = _images(dissection)
    whole = len(image_set.paths)
    memory = {
        stage: asdict(estimate_memory(shapes=shapes.values(), image_set=image_set, n_measured=n, options=options))
        for stage, n in (("measure", min(whole, dissection.shard_images)), ("merge", whole))
    }
    return {
        "n_images": len(image_set.paths),
        "image_set_sha256": image_set.sha256,
        "weights_sha256": network.weights_sha256,
        "batch_size": options.run.batch_size,
        "layers": {path: shape.n_units for path, shape in shapes.items()},
        "memory": memory,
    }


def _measure(request: TaskRequest, target: store.Store, reporter: leases.Reporter) -> dict[str, Any]:
    dissection = request.dissection
    reporter.begin("loading the network", n_total=0)
    network, image_set = _network(dissection), _images(dissection)
    first, last, folder = request.first_image, request.end_image, config.label_folder()
    packed = load_labels(image_set=image_set, first=first, last=last, folder=folder)
    reporter.begin("measure", n_total=last - first)
    with _spill(dissection) as spill:
        measured = dissect.measure_shard(
            network=network,
            layers=dissection.layers,
            image_set=image_set,
            options=DissectionOptions.from_json(dissection.options),
            shard=dissect.Shard(first, last, _best_bounds(target), packed),
            means=dissect.Means(device=_device(), spill=spill, progress=reporter.set_done),
        )
    if measured.labels is not None and packed is None:
        keep_labels(image_set=image_set, first=first, last=last, folder=folder, labels=measured.labels)
    target.write(contract.tally_name(request.position), tally.save_tally(measured))
    target.write(contract.bounds_name(request.position), pack_arrays(dissect.bounds_of(measured)))
    return {"n_images": len(measured.images), "n_quarantined": len(measured.quarantined)}


def _merge(request: TaskRequest, target: store.Store, reporter: leases.Reporter) -> dict[str, Any]:
    dissection = request.dissection
    reporter.begin("merge", n_total=len(request.shards))
    with _spill(dissection) as spill:
        merged = tally.merge_tallies((tally.load_tally(target.read(name)) for name in request.shards), spill=spill)

    def show(stage: str, n_done: int, n_total: int) -> None:
        if reporter.stage != stage:
            reporter.begin(stage, n_total=n_total)
        reporter.set_done(n_done)

    manifest = complete.complete(
        network=_network(dissection),
        image_set=_images(dissection),
        tally=merged,
        options=DissectionOptions.from_json(dissection.options),
        device=_device(),
        save=target.write,
        progress=show,
    )
    return {"sha256": manifest["sha256"]}


@contextmanager
def _spill(dissection: DissectionRequest) -> Iterator[Spill]:
    """Memory, or files that end with their arrays: the folder is needed only while arrays are made."""
    if not dissection.spill:
        yield Spill()
        return
    config.cache_folder().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=config.cache_folder(), prefix="spill-") as folder:
        yield Spill(Path(folder))


def _best_bounds(target: store.Store) -> dict[str, NDArray[np.float32]]:
    """What the finished shards tell of each unit's threshold: a cold start prunes with it."""
    told: dict[str, list[NDArray[np.float32]]] = {}
    for name in target.names("shards"):
        if "bounds" in name:
            for layer, bound in unpack_arrays(target.read(name)).items():
                told.setdefault(layer, []).append(bound)
    return {layer: np.concatenate(parts, axis=1) for layer, parts in told.items()}


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _network(dissection: DissectionRequest) -> LoadedNetwork:
    return _load_network(dissection.architecture, dissection.weights, json.dumps(dissection.preprocessing))


@lru_cache(maxsize=1)
def _load_network(architecture: str, weights: str, preprocessing: str) -> LoadedNetwork:
    """The last network stays loaded: the shards of a dissection follow one another."""
    stated = json.loads(preprocessing)
    return load_network(
        architecture=architecture,
        weights=store.fetch_file(weights, cache=config.cache_folder()) if weights else None,
        preprocessing=Preprocessing.from_json(stated) if stated else None,
        device=_device(),
    )


def _images(dissection: DissectionRequest) -> ImageSet:
    return _open_images(dissection.images, dissection.dissection_id)


@lru_cache(maxsize=1)
def _open_images(address: str, _dissection_id: str) -> ImageSet:
    """Opened once for the shards of a dissection: reading the index of a large set takes as long as a shard."""
    return open_image_set(store.fetch_folder(address, cache=config.cache_folder()))
