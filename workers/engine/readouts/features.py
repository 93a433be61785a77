"""Pooled units: the mean of each map of a layer over its cells, for each photograph of a set. [ZKLOT16] 4.

They are computed once and kept in parts: whoever fits another read-out to the same photographs, or goes on after an
interruption, reads them. The whole photograph is resized to the square input, so that every pixel counts.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from workers.engine.evidence.shares import find_studied
from workers.engine.format.artifact import pack_arrays, unpack_arrays
from workers.engine.kept_memory import keeping_memory
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.hooks import reading
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.weigh import Photographs, read_images

# Photographs of a part: a few seconds of work on two cores.
PART = 256
# Of what a part holds: another version reads no older ones.
VERSION = 1
WARP = "warp"
HASHING_THREADS = 4

Values = NDArray[np.float32]


class Store(Protocol):
    """Where parts are kept by name."""

    def exists(self, name: str) -> bool: ...
    def read(self, name: str) -> bytes: ...
    def write(self, name: str, data: bytes) -> None: ...


@dataclass(frozen=True)
class ReadLayer:
    """The layer of a network whose pooled units are read."""

    network: LoadedNetwork
    shape: LayerShape
    device: str

    @classmethod
    def find(cls, network: LoadedNetwork, path: str, *, device: str) -> "ReadLayer":
        """That of this path, or the one that the head pools if it is empty. Raises NoHead, LayerError."""
        return cls(network, find_studied(network, path, device=device).shape, device)

    def see(self, images: torch.Tensor) -> torch.Tensor:
        """(B, K, h, w) maps of normalized images (B, 3, px, px). Raises LayerError, NetworkError."""
        found: list[torch.Tensor] = []
        with reading(
            module=self.network.module,
            shapes=[self.shape],
            consume=lambda _path, maps: found.append(maps.float().cpu().clone()),
        ) as run:
            run(images)
        if not found[0].isfinite().all():
            raise NetworkError("For these photographs the network gives values that are not finite numbers.")
        return found[0]


@dataclass(frozen=True)
class Features:
    """`values` (n, K) of n photographs, not a number for those that cannot be read: `unreadable`, by path the reason.
    `key` is a digest of all that they depend on.
    """

    values: Values
    unreadable: dict[str, str]
    key: str

    @property
    def is_readable(self) -> NDArray[np.bool_]:
        """(n,)"""
        return np.asarray(np.isfinite(self.values).all(axis=1))


@keeping_memory()
def pool_photographs(
    layer: ReadLayer, folder: Path, paths: Sequence[str], *, store: Store, progress: Callable[[int], None]
) -> Features:
    """Raises LayerError, NetworkError."""
    key = find_key(layer, folder, paths)
    values, unreadable = [], dict[str, str]()
    for first in range(0, len(paths), PART):
        some, name = list(paths[first : first + PART]), f"{key}/{first // PART:05d}.npz"
        if not store.exists(name):
            store.write(name, _pool_part(layer, Photographs(folder, some, WARP), _Shifted(progress, first)))
        part = unpack_arrays(store.read(name))
        values.append(part["values"])
        unreadable |= json.loads(part["unreadable"].tobytes())
        progress(first + len(some))
    n_units = layer.shape.n_units
    joined = np.concatenate(values) if values else np.zeros((0, n_units), np.float32)
    return Features(joined, unreadable, key)


@dataclass(frozen=True)
class _Shifted:
    """Progress within a part that begins after other photographs."""

    progress: Callable[[int], None]
    n_before: int

    def __call__(self, n_done: int) -> None:
        self.progress(self.n_before + n_done)


def _pool_part(layer: ReadLayer, photographs: Photographs, progress: Callable[[int], None]) -> bytes:
    values = np.full((len(photographs.paths), layer.shape.n_units), np.nan, np.float32)
    unreadable: dict[str, str] = {}
    for batch in read_images(layer.network, photographs, device=layer.device):
        unreadable |= batch.unreadable
        if batch.places:
            values[batch.places] = layer.see(batch.images).mean(dim=(2, 3)).numpy()
        progress(batch.n_read)
    told = np.frombuffer(json.dumps(unreadable).encode(), np.uint8)
    return pack_arrays({"values": values, "unreadable": told})


def find_key(layer: ReadLayer, folder: Path, paths: Sequence[str]) -> str:
    """Hex digest of the network, the layer, and the content of the files: wherever they lie, features are the same."""
    digest = hashlib.sha256()
    told = [VERSION, layer.network.describe(), layer.shape.path, layer.device, WARP]
    digest.update(json.dumps(told, sort_keys=True).encode())
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        for path, content in zip(paths, pool.map(lambda one: _digest(folder / one), paths), strict=True):
            digest.update(path.encode("utf-8", "surrogateescape") + b"\0" + content)
    return digest.hexdigest()


def _digest(path: Path) -> bytes:
    """Zeros for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return bytes(32)
