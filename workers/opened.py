"""What a GPU process keeps open from task to task: the last network and the digests of the last image set's files.

Kept things are known by content, never by address alone: a file that was overwritten, code that was edited and an
object that was replaced in its store are read again. The tasks after a survey take what it found, or are refused.
Nobody can tell which files a person's own code reads: it runs again at every survey.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from workers import config
from workers.contract import IDENTITY, DissectionRequest, QuestionRequest
from workers.engine.images.contents import FRESH_SECONDS, Contents
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelMapUnreadable
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.readers.table import open_image_set
from workers.engine.images.reading import place_labels
from workers.engine.images.walking import SUFFIXES
from workers.engine.networks.checkpoints import NetworkError, list_files
from workers.engine.networks.code import expire, hash_files, look_in
from workers.engine.networks.encoder_recipe import ENCODER, EncoderInvalid, EncoderRecipe, split_addresses
from workers.engine.networks.encoders import add_encoder
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
from workers.fetching import fetch_file, fetch_folder, fetch_some, is_fetched
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
    files = _find_files(asked)
    digests = (_digest(files), _hash_code(asked))
    is_own = has_own_code(asked.architecture)
    if kept is None or is_own or (kept.file_sha256, kept.code_sha256) != digests:
        _last_network.clear()
        kept = _load(asked, files, device)
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
    # Labels of a set that lies in a store lie in the set; on a disk, they have a whole path.
    return open_image_set(folder, place_labels(folder, labels))


def open_photograph(address: str, labels: str, name: str) -> ImageSet:
    """The image set of a photograph. Of one in a store that was not fetched before, only the photograph, what tells its
    labels, and the tables are read. Raises ImageSetError, StoreError.
    """
    cache = config.cache_folder()
    if is_fetched(address, cache=cache):
        return open_images(address, labels)
    files, stem = {name}, Path(name).stem

    def is_wanted(object_name: str) -> bool:
        if not object_name.lower().endswith(SUFFIXES):
            return True  # a table
        own = Path(object_name).stem
        if own == stem or own.startswith(f"{stem}_"):
            return True  # a mask is mostly called like its photograph
        return any(object_name == one or object_name.endswith(f"/{one}") for one in files)

    try:
        found = _open_some(address, labels, is_wanted)
        index = found.paths.index(name)
        masks = found.list_label_files(range(index, index + 1))
        files |= {path.resolve().relative_to(found.root.resolve()).as_posix() for path in masks if path.is_file()}
        found = _open_some(address, labels, is_wanted)
        if found.labels is not None:
            found.read_labels(index)
    except (ImageSetError, LabelMapUnreadable, ValueError):
        # Some layouts are known from what other files hold, or the photograph is not there.
        return open_images(address, labels)
    return found


def _open_some(address: str, labels: str, is_wanted: Callable[[str], bool]) -> ImageSet:
    folder = fetch_some(address, is_wanted=is_wanted, cache=config.cache_folder(), max_bytes=config.max_fetched_bytes())
    return open_image_set(folder, place_labels(folder, labels))


def _is_surveyed(kept: OpenNetwork, surveyed: dict[str, Any]) -> bool:
    return all(getattr(kept.network, name) == surveyed[name] for name in IDENTITY)


def _load(asked: Asked, files: Sequence[Path], device: str) -> OpenNetwork:
    """Load it while nothing changes under it: the digests before and after must agree."""
    before = _stamp(files)
    if has_own_code(asked.architecture):
        expire(name_module(asked.architecture))
    if asked.architecture.startswith(ENCODER):
        network = _load_encoded(asked, files, device)
    else:
        network = _load_plain(asked, files, device)
    before = before or _stamp(files)
    digest = _digest(files)
    if _stamp(files) != before:
        raise NetworkChanged(f"{asked.weights} changed while it was read. Dissect again when it is complete.")
    return OpenNetwork(asked=asked, network=network, file_sha256=digest, code_sha256=_hash_code(asked))


def _load_encoded(asked: Asked, files: Sequence[Path], device: str) -> LoadedNetwork:
    """The last file is the encoder's."""
    recipe, base, _ = _read_recipe(asked)
    return add_encoder(base=_load_plain(base, files[:-1], device), recipe=recipe, path=files[-1], device=device)


def _read_recipe(asked: Asked) -> tuple[EncoderRecipe, Asked, str]:
    """The recipe, the network that carries the encoder, and the address of the encoder's file."""
    try:
        recipe, (weights, encoder) = EncoderRecipe.parse(asked.architecture), split_addresses(asked.weights)
    except EncoderInvalid as invalid:
        raise NetworkError(str(invalid)) from None
    return recipe, Asked(recipe.base, weights, asked.preprocessing, (recipe.layer,)), encoder


def _load_plain(asked: Asked, files: Sequence[Path], device: str) -> LoadedNetwork:
    if asked.architecture.startswith(ZOO):
        row = find_row(asked.architecture.removeprefix(ZOO))
        return load_zoo_network(row=row, folder=config.zoo_folder(), device=device)
    stated = json.loads(asked.preprocessing)
    if asked.architecture == SAVED and files:
        return open_saved(files[0], input_px=(stated or {}).get("input_px", Preprocessing.input_px))
    return load_network(
        architecture=asked.architecture,
        weights=files[0] if files else None,
        preprocessing=stated,
        device=device,
        layers=asked.layers,
    )


def _find_files(asked: Asked) -> list[Path]:
    """The files of weights on this machine, fetched if they lie in a store or have another version there now."""
    if asked.architecture.startswith(ENCODER):
        _, base, encoder = _read_recipe(asked)
        return [*_find_files(base), _fetch(encoder)]
    if asked.architecture.startswith(ZOO):
        row = find_row(asked.architecture.removeprefix(ZOO))
        return [] if row.form == "random" else [find_weights(row=row, folder=config.zoo_folder())]
    return [_fetch(asked.weights)] if asked.weights else []


def _fetch(address: str) -> Path:
    return fetch_file(address, cache=config.cache_folder(), max_bytes=config.max_fetched_bytes(), beside=list_files)


def _hash_code(asked: Asked) -> str:
    return hash_files(name_module(asked.architecture)) if has_own_code(asked.architecture) else ""


def _list_parts(files: Sequence[Path]) -> list[Path]:
    return [part for file in files for part in list_files(file)]


def _stamp(files: Sequence[Path]) -> tuple[int, ...]:
    """Device, number, size and times of each file that the checkpoints consist of; empty if there is no such file."""
    stamp: tuple[int, ...] = ()
    for one in _list_parts(files):
        if one.is_file():
            found = one.stat()
            stamp += found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    return stamp


def _digest(files: Sequence[Path]) -> str:
    """SHA-256 of the file, of several files that of their digests; read again if one of them was written since or just
    before; empty if there is none.
    """
    stamp = _stamp(files)
    if not stamp:
        return ""
    is_fresh = time.time() - max(*stamp[3::5], *stamp[4::5]) / 1e9 < FRESH_SECONDS
    if is_fresh or stamp not in _last_digest:
        _last_digest.clear()
        digests = [file_sha256(one) for one in _list_parts(files) if one.is_file()]
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
