"""Answers a question about a set with boxes, shard by shard; another attempt goes on where the last one stopped."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workers import leases, store
from workers.contract import QuestionRequest
from workers.engine.evidence.box_files.boxed_images import BoxedImage, BoxesInvalid, demand_photographs
from workers.engine.evidence.box_files.table import read_boxes
from workers.engine.evidence.finding import find_head
from workers.engine.evidence.head import Head
from workers.engine.evidence.localization import Outcomes, score
from workers.engine.explain import describe_head
from workers.engine.format.artifact import pack_arrays, unpack_arrays
from workers.engine.localize import Localized, localize
from workers.engine.networks.loading import LoadedNetwork
from workers.job import find_device, write_patiently

SHARD_IMAGES = 256
MAX_NAMED = 10
# Photographs that are shown as those where the box is worst, and as many where it is best.
N_SHOWN = 12
# Of what a shard holds: another version reads no older ones.
SHARD_VERSION = 2


@dataclass(frozen=True)
class Asked:
    """A question with the network that it is about, and where answer and progress go."""

    request: QuestionRequest
    network: LoadedNetwork
    target: store.Store
    reporter: leases.Reporter


def localize_set(asked: Asked) -> dict[str, Any]:
    """Every score with its interval. The options are `images`, a folder, and `boxes`, a file. Raises NoHead,
    BoxesInvalid.
    """
    folder, boxes = Path(asked.request.options["images"]), Path(asked.request.options["boxes"])
    if not folder.is_dir():
        raise BoxesInvalid(f"There is no folder of images at {folder}.")
    images = read_boxes(boxes)
    demand_photographs(images, folder)
    head = find_head(asked.network)
    asked.reporter.begin("localize", n_total=len(images))
    parts = [
        _localize_shard(asked, head, images[first : first + SHARD_IMAGES], folder, first)
        for first in range(0, len(images), SHARD_IMAGES)
    ]
    outcomes = Outcomes.join([part.outcomes for part in parts])
    if len(outcomes) == 0:
        raise BoxesInvalid("None of the photographs can be read.")
    unreadable = {path: reason for part in parts for path, reason in part.unreadable.items()}
    return {
        "head": describe_head(head),
        "n_images": len(outcomes),
        "n_off_centre": int((~outcomes.center_box).sum()),
        "n_unreadable": len(unreadable),
        "unreadable": dict(list(unreadable.items())[:MAX_NAMED]),
        "sha256": _digest(outcomes),
        **show_extremes([one for one in images if one.path not in unreadable], outcomes, asked.network),
        **_flatten(outcomes),
    }


def _localize_shard(asked: Asked, head: Head, images: Sequence[BoxedImage], folder: Path, first: int) -> Localized:
    """From the store if an attempt before left it there."""
    name = f"shards/{_key(asked.network, images)}.npz"
    if asked.target.exists(name):
        arrays = unpack_arrays(asked.target.read(name))
        unreadable = json.loads(arrays.pop("unreadable").tobytes())
        return Localized(Outcomes(**arrays), unreadable)
    found = localize(
        network=asked.network,
        head=head,
        images=images,
        folder=folder,
        device=find_device(),
        progress=lambda n_done: asked.reporter.set_done(first + n_done),
    )
    named = np.frombuffer(json.dumps(found.unreadable).encode(), dtype=np.uint8)
    data = pack_arrays({**found.outcomes.to_arrays(), "unreadable": named})
    write_patiently(asked.target, asked.reporter, name, data)
    return found


def _key(network: LoadedNetwork, images: Sequence[BoxedImage]) -> str:
    """Digest of all that a shard's outcomes depend on, but for the photographs themselves."""
    digest = hashlib.sha256(json.dumps([SHARD_VERSION, network.describe()], sort_keys=True).encode())
    for one in images:
        digest.update(json.dumps([one.path, one.class_index, one.width, one.height, one.boxes.tolist()]).encode())
    return digest.hexdigest()[:32]


def _digest(outcomes: Outcomes) -> str:
    """Of all outcomes, image by image; equal however the set was cut."""
    digest = hashlib.sha256()
    for name, flags in sorted(outcomes.to_arrays().items()):
        digest.update(name.encode() + (np.packbits(flags) if flags.dtype == bool else flags).tobytes())
    return digest.hexdigest()


def show_extremes(images: Sequence[BoxedImage], outcomes: Outcomes, network: LoadedNetwork) -> dict[str, Any]:
    """`worst` and `best`: where the box by `paper` for the class overlaps least and most; ties in the set's order."""
    px, n_worst = network.preprocessing.input_px, min(N_SHOWN, (len(images) + 1) // 2)
    order = np.argsort(outcomes.overlap, kind="stable").tolist()
    worst = order[:n_worst]
    falling = np.argsort(-outcomes.overlap, kind="stable").tolist()
    best = [place for place in falling if place not in worst][:N_SHOWN]

    def show(place: int) -> dict[str, Any]:
        one = images[place]
        scale = np.array([one.width, one.height] * 2) / px
        return {
            "path": one.path,
            "class_index": one.class_index,
            "overlap": round(float(outcomes.overlap[place]), 4),
            "box": np.round(outcomes.box[place] * scale, 2).tolist(),
            "boxes": one.boxes.tolist(),
            "width": one.width,
            "height": one.height,
        }

    return {"worst": [show(place) for place in worst], "best": [show(place) for place in best]}


def _flatten(outcomes: Outcomes) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, one in score(outcomes).items():
        told |= {name: one.estimate.value, f"{name}_low": one.estimate.low, f"{name}_high": one.estimate.high}
        if one.tau is not None:
            told[f"{name}_tau"] = one.tau
    return told
