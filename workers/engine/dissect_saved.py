"""Dissect saved activations in place of a module: latents of a sparse autoencoder, or tokens of a transformer
reshaped to a grid.

The array holds image x unit x row x column (or image x unit x cell, the cells a square grid), images in the
order of the image set. It is read from disk batch by batch.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workers.engine.images.batches import Stopwatch, read_batch
from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_maps import LabelRuns
from workers.engine.images.packed_labels import pack_labels
from workers.engine.manifest import dissection_key
from workers.engine.measures.layer_pass import LayerPass
from workers.engine.measures.measure import Run
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.tally import LayerTally, Tally
from workers.engine.networks.hooks import LayerShape
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.saved import SAVED


class SavedActivationsInvalid(Exception):
    """The array cannot be dissected; the message says why."""


@dataclass(frozen=True)
class SavedActivations:
    """(N, U, h, w) activations on disk under a name that stands for the layer; `network` names them in the artifact."""

    name: str
    maps: NDArray[Any]
    network: LoadedNetwork

    @property
    def shape(self) -> LayerShape:
        return LayerShape(self.name, self.maps.shape[1], self.maps.shape[2], self.maps.shape[3])


def open_saved(path: Path, *, input_px: int = 224) -> SavedActivations:
    """Open a .npy; raises SavedActivationsInvalid. `input_px` is the size at which crops are cut."""
    try:
        maps = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise SavedActivationsInvalid(f"{path.name}: there is no such file.") from None
    except (ValueError, OSError, EOFError) as error:
        raise SavedActivationsInvalid(f"{path.name} cannot be read as an array: {error}.") from None
    if maps.ndim == 3:
        side = round(maps.shape[2] ** 0.5)
        if side * side != maps.shape[2]:
            raise SavedActivationsInvalid(f"{path.name} has {maps.shape[2]} cells an image, which make no square grid.")
        maps = maps.reshape(*maps.shape[:2], side, side)
    if maps.ndim != 4 or maps.dtype.kind != "f" or 0 in maps.shape:
        raise SavedActivationsInvalid(
            f"{path.name} is {maps.dtype} {maps.shape}, not numbers of image x unit x row x column."
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    network = LoadedNetwork(
        architecture=SAVED,
        module=nn.Identity(),
        preprocessing=Preprocessing(input_px=input_px),
        weights_sha256=digest,
    )
    return SavedActivations(name=path.stem, maps=maps, network=network)


def measure_saved(
    *,
    saved: SavedActivations,
    image_set: ImageSet,
    first: int,
    last: int,
    options: DissectionOptions,
    progress: Callable[[int], None],
) -> Tally:
    """What measure_shard does, with the array's values in place of a forward pass; raises SavedActivationsInvalid."""
    if len(saved.maps) != len(image_set.paths):
        raise SavedActivationsInvalid(
            f"{saved.name} holds {len(saved.maps)} images, the image set {len(image_set.paths)}."
        )
    watch = Stopwatch()
    layer = LayerPass(shape=saved.shape, run=Run(options=options, n_images=len(image_set.paths), device="cpu"))
    images: list[int] = []
    labels: list[LabelRuns] = []
    quarantined: list[tuple[int, str]] = []
    for start in range(first, last, options.run.batch_size):
        indices = range(start, min(last, start + options.run.batch_size))
        batch = read_batch(image_set=image_set, preprocessing=saved.network.preprocessing, indices=indices, watch=watch)
        since = time.perf_counter()
        if batch.images:
            maps = torch.from_numpy(np.asarray(saved.maps[batch.images], dtype=np.float32))
            layer.add(images=torch.tensor(batch.images, dtype=torch.int32), maps=maps)
        watch.add("measure", since)
        images += batch.images
        labels += batch.labels
        quarantined += batch.quarantined
        progress(indices[-1] + 1 - first)
    return Tally(
        key=dissection_key(network=saved.network, layers=[saved.name], image_set=image_set, options=options),
        images=np.array(images, dtype=np.int32),
        quarantined=tuple(quarantined),
        labels=pack_labels(images=images, runs=labels) if image_set.labels is not None else None,
        layers=(LayerTally(shape=saved.shape, parts=layer.freeze()),),
        seconds=watch.seconds,
    )
