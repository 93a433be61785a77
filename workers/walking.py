"""Answers which units of a network's layers feed which, over some photographs of an image set."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workers import contract
from workers.engine.explain import QuestionInvalid
from workers.engine.format.artifact import pack_arrays
from workers.engine.images.decoding import ImageUnreadable
from workers.engine.images.image_set import ImageSet
from workers.engine.networks.loading import LoadedNetwork, normalize
from workers.engine.networks.probing import probe_layers
from workers.engine.walk import Edge, Strengths, choose_strongest, walk
from workers.job import find_device, write_patiently
from workers.opened import open_images
from workers.parts import Asked

# Photographs, spread evenly over the set, whose mean activations are taken; as many run at a time.
N_IMAGES = 32
BATCH = 4
Array = NDArray[np.int32] | NDArray[np.float32]


def walk_network(asked: Asked) -> dict[str, Any]:
    """`layers` with path and units, `edges` with source, target and the convolutions between, and `n_images`; the
    strongest neighbors of each unit lie in a file beside the answer. Raises LayerError, QuestionInvalid.
    """
    options, network = asked.request.options, asked.network
    paths: list[str] = options["layers"]
    shapes = probe_layers(
        module=network.module, paths=paths, input_px=network.preprocessing.input_px, device=find_device()
    )
    images = open_images(options["images"], options.get("labels", ""))
    n_read = [0]
    asked.reporter.begin("walking through the network", n_total=min(N_IMAGES, len(images.paths)))
    plain = [path for path in paths if shapes[path].is_plain and "#" not in path and ":" not in path]
    found = walk(module=network.module, paths=plain, batches=_read_batches(network, images, asked, n_read))
    if not n_read[0]:
        raise QuestionInvalid("None of the photographs can be read.")
    n_units = {path: shapes[path].n_units for path in paths}
    write_patiently(asked.target, asked.reporter, contract.STRONGEST, _pack(paths, n_units, found))
    return {
        "layers": [{"path": path, "n_units": n_units[path]} for path in paths],
        "edges": [
            {"source": source, "target": target, "n_convolutions": one.n_convolutions}
            for (source, target), one in found.items()
        ],
        "n_images": n_read[0],
    }


def _read_batches(network: LoadedNetwork, images: ImageSet, asked: Asked, n_read: list[int]) -> Iterator[torch.Tensor]:
    """Counts in `n_read` what could be read."""
    places = np.unique(np.linspace(0, len(images.paths) - 1, min(N_IMAGES, len(images.paths))).round().astype(int))
    for first in range(0, len(places), BATCH):
        pixels = []
        for place in places[first : first + BATCH].tolist():
            try:
                pixels.append(images.read_pixels(place, preprocessing=network.preprocessing))
            except ImageUnreadable:
                continue
        if pixels:
            n_read[0] += len(pixels)
            stacked = torch.from_numpy(np.stack(pixels)).to(find_device())
            yield normalize(pixels=stacked, preprocessing=network.preprocessing)
        asked.reporter.set_done(min(first + BATCH, len(places)))


def _pack(paths: list[str], n_units: dict[str, int], found: dict[Edge, Strengths]) -> bytes:
    """For each layer, by its number, `fed` and `feeds`: layer, unit and strength of neighbors before and after."""
    numbers = {path: number for number, path in enumerate(paths)}
    arrays: dict[str, Array] = {}
    for path, number in numbers.items():
        before = {source: one.mean for (source, target), one in found.items() if target == path}
        after = {target: one.mean.T for (source, target), one in found.items() if source == path}
        for name, around in (("fed", before), ("feeds", after)):
            chosen = choose_strongest(
                numbers=[numbers[one] for one in around], matrices=list(around.values()), n_units=n_units[path]
            )
            arrays |= {f"{name}-{part}-{number}": getattr(chosen, part) for part in ("layer", "unit", "strength")}
    return pack_arrays(arrays)
