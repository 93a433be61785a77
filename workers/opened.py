"""What a GPU process keeps open from task to task: the last network and the digests of the last image set's files.

Kept things are known by content, never by address alone: a file that was overwritten, code that was edited and an
object that was replaced in its store are read again. The tasks after a survey take what it found, or are refused.
Nobody can tell which files a person's own code reads: it runs again at every survey.
"""

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from workers import config
from workers.contract import IDENTITY, DissectionRequest, QuestionRequest
from workers.engine.images.contents import FRESH_SECONDS, Contents
from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set
from workers.engine.images.reading import FOLDER_NAMES, NO_LABELS
from workers.engine.networks.checkpoints import NetworkError, list_files
from workers.engine.networks.code import expire, hash_files, look_in
from workers.engine.networks.layer_maps import LayerError
from workers.engine.networks.loading import (
    LoadedNetwork,
    file_sha256,
    load_network,
    load_zoo_network,
)
from workers.engine.networks.preprocessing import Preprocessing, PreprocessingInvalid
from workers.engine.networks.saved import SAVED
from workers.engine.networks.saved_activations import SavedActivationsInvalid, SavedNetwork, open_saved
from workers.engine.networks.source_names import has_own_code, name_module
from workers.engine.networks.zoo import ZOO, ZooError, find_row, find_weights
from workers.fetching import fetch_file, fetch_folder
from workers.store import NotStored


class NetworkChanged(NetworkError):
    """The network is not the one that the survey loaded."""


@dataclass(frozen=True)
class Asked:
    """Which network a request asks for: architecture, weights and preprocessing (as JSON), and for which layers."""

    architecture: str
    weights: str
    preprocessing: str
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenNetwork:
    """A network as it was loaded, and the digests of its file and code at that moment."""

    asked: Asked
    network: LoadedNetwork
    file_sha256: str
    code_sha256: str

    def identity(self) -> dict[str, str]:
        """What a survey records of it."""
        return {**{name: getattr(self.network, name) for name in IDENTITY}, "file_sha256": self.file_sha256}


# What opening a network and asking for one of its layers refuse: another attempt would find the same.
REFUSED = (NetworkError, PreprocessingInvalid, ZooError, SavedActivationsInvalid, LayerError, NotStored)
_last_network: list[OpenNetwork] = []
_last_contents: list[Contents] = []
# By what _stamp gives.
_last_digest: dict[tuple[int, ...], str] = {}


def open_network(
    *, request: DissectionRequest | QuestionRequest, surveyed: dict[str, Any] | None, device: str
) -> OpenNetwork:
    """The network of a request: what the survey found, if it was surveyed; else what its file and code hold now.

    Raises NetworkChanged, NetworkError, PreprocessingInvalid, ZooError, SavedActivationsInvalid, StoreError.
    """
    asked = Asked(request.architecture, request.weights, json.dumps(request.preprocessing), tuple(request.layers))
    look_in(request.code_folder)
    kept = next((one for one in _last_network if one.asked == asked), None)
    if kept is not None and surveyed is not None and not isinstance(kept.network, SavedNetwork):
        # In memory it is what it was, whatever happened to its file since.
        if _is_surveyed(kept, surveyed):
            return kept
        kept = None
    file = _find_file(asked)
    digests = (_digest(file), _hash_code(asked))
    is_own = has_own_code(asked.architecture)
    if kept is None or is_own or (kept.file_sha256, kept.code_sha256) != digests:
        _last_network.clear()
        kept = _load(asked, file, device)
        _last_network.append(kept)
    if surveyed is not None and not _is_surveyed(kept, surveyed):
        raise NetworkChanged(
            f"The weights or the code of {asked.weights or asked.architecture} changed while the dissection ran; "
            "dissect again."
        )
    return kept


def open_images(address: str, labels: str = "") -> ImageSet:
    """A folder of this machine or of a store, with the labels that its registration names. Raises ImageSetError,
    StoreError.
    """
    folder = fetch_folder(address, cache=config.cache_folder(), max_bytes=config.max_fetched_bytes())
    is_path = labels not in ("", NO_LABELS, FOLDER_NAMES)
    # Labels of a set that lies in a store lie in the set; on a disk, they have a whole path.
    return open_image_set(folder, str(folder / labels) if is_path else labels)


def _is_surveyed(kept: OpenNetwork, surveyed: dict[str, Any]) -> bool:
    return all(getattr(kept.network, name) == surveyed[name] for name in IDENTITY)


def _load(asked: Asked, file: Path | None, device: str) -> OpenNetwork:
    """Load it while nothing changes under it: the digests before and after must agree."""
    before = _stamp(file)
    if has_own_code(asked.architecture):
        expire(name_module(asked.architecture))
    if asked.architecture.startswith(ZOO):
        row = find_row(asked.architecture.removeprefix(ZOO))
        network = load_zoo_network(row=row, folder=config.zoo_folder(), device=device)
        before = before or _stamp(file)
    else:
        network = _load_file(asked, file, device)
    digest = _digest(file)
    if _stamp(file) != before:
        raise NetworkChanged(f"{asked.weights} changed while it was read. Dissect again when it is complete.")
    return OpenNetwork(asked=asked, network=network, file_sha256=digest, code_sha256=_hash_code(asked))


def _load_file(asked: Asked, file: Path | None, device: str) -> LoadedNetwork:
    stated = json.loads(asked.preprocessing)
    if asked.architecture == SAVED and file is not None:
        return open_saved(file, input_px=(stated or {}).get("input_px", Preprocessing.input_px))
    return load_network(
        architecture=asked.architecture,
        weights=file,
        preprocessing=stated,
        device=device,
        layers=asked.layers,
    )


def _find_file(asked: Asked) -> Path | None:
    """The weights' file on this machine, fetched if it lies in a store or has another version there now."""
    if asked.architecture.startswith(ZOO):
        row = find_row(asked.architecture.removeprefix(ZOO))
        return None if row.form == "random" else find_weights(row=row, folder=config.zoo_folder())
    if not asked.weights:
        return None
    return fetch_file(
        asked.weights, cache=config.cache_folder(), max_bytes=config.max_fetched_bytes(), beside=list_files
    )


def _hash_code(asked: Asked) -> str:
    return hash_files(name_module(asked.architecture)) if has_own_code(asked.architecture) else ""


def _stamp(file: Path | None) -> tuple[int, ...]:
    """Device, number, size and times of each file that the checkpoint consists of; empty if there is no such file."""
    stamp: tuple[int, ...] = ()
    for one in list_files(file) if file is not None else ():
        if one.is_file():
            found = one.stat()
            stamp += found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    return stamp


def _digest(file: Path | None) -> str:
    """SHA-256 of the file, of several files that of their digests; read again if one of them was written since or just
    before; empty if there is none.
    """
    stamp = _stamp(file)
    if file is None or not stamp:
        return ""
    is_fresh = time.time() - max(*stamp[3::5], *stamp[4::5]) / 1e9 < FRESH_SECONDS
    if is_fresh or stamp not in _last_digest:
        _last_digest.clear()
        digests = [file_sha256(one) for one in list_files(file) if one.is_file()]
        _last_digest[stamp] = digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()
    return _last_digest[stamp]


def open_contents(image_set: ImageSet) -> Contents:
    """The digests of the set's files, those kept that were read before."""
    for kept in _last_contents:
        known = kept.image_set
        if (known.root, known.sha256, known.paths) == (image_set.root, image_set.sha256, image_set.paths):
            return kept
    _last_contents.clear()
    _last_contents.append(Contents(image_set))
    return _last_contents[0]
