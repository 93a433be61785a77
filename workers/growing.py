"""Shards that an earlier version of the image set has in common with this one are taken as they are.

A shard is taken if it was measured with the same network, layers and options, in the same batches of the same files, by
the same versions on the same kind of machine: then another measurement would give the same bits.
"""

import json
import logging
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from workers import contract
from workers.engine.format.artifact import MANIFEST, PATHS, ArtifactMalformed, unpack_arrays
from workers.engine.images.image_set import ImageSet
from workers.engine.manifest import describe_environment, dissection_key
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.tally import Tally, TallyError, load_tally
from workers.engine.measures.thresholds.measure import Candidates
from workers.job import Job, find_device
from workers.store import Store, StoreError, open_store

logger = logging.getLogger(__name__)


def take_shard(job: Job, *, folder: Path) -> Tally | None:
    """What the earlier dissection that the request names measured of the task's shard; None if it has to be measured.

    Its arrays lie in a file of the earlier dissection, or in the folder.
    """
    address = job.dissection.grown_from
    if not address:
        return None
    # Whatever is wrong with an earlier dissection, its store or its files: this one can measure by itself.
    with suppress(StoreError, OSError, ValueError, KeyError, TypeError, ArtifactMalformed, TallyError):
        return _take(job, open_store(address), folder)
    logger.info("Nothing can be taken from %s.", address)
    return None


def _take(job: Job, earlier: Store, folder: Path) -> Tally | None:
    manifest: dict[str, Any] = json.loads(earlier.read(MANIFEST))
    image_set, request = job.image_set, job.request
    if not (_has_same_labels(manifest, image_set) and _has_same_files(job, earlier) and _ran_alike(manifest, job)):
        return None
    tally = load_tally(earlier.fetch(contract.tally_name(request.position), folder=folder))
    before = replace(image_set, sha256=manifest["image_set"]["sha256"])
    is_whole = tally.covered() == set(range(request.first_image, request.end_image))
    if not is_whole or tally.halvings or tally.key != _key(job, before, _as_before(job, manifest)):
        return None
    if any(isinstance(part, Candidates) and part.n_own is None for one in tally.layers for part in one.parts.values()):
        return None
    layers = tuple(replace(one, parts={name: _move(part) for name, part in one.parts.items()}) for one in tally.layers)
    return replace(tally, key=_key(job, image_set, job.options), seconds={}, layers=layers)


def _move(part: Any) -> Any:
    """A shard's bounds may come from images that are gone: what it knows of them is forgotten."""
    return part.for_another_set() if isinstance(part, Candidates) else part


def _key(job: Job, image_set: ImageSet, options: DissectionOptions) -> str:
    return dissection_key(
        network=job.measured_network, layers=job.dissection.layers, image_set=image_set, options=options
    )


def _as_before(job: Job, manifest: dict[str, Any]) -> DissectionOptions:
    """The task's options, but for those that shards do not depend on: these as the earlier dissection states them."""
    ours, theirs = job.options.to_json(), manifest["options"]
    kept = {name: value for name, value in ours.items() if name not in contract.NOT_OF_SHARDS}
    return DissectionOptions.from_json(kept | {name: theirs[name] for name in contract.NOT_OF_SHARDS if name in theirs})


def _has_same_labels(manifest: dict[str, Any], image_set: ImageSet) -> bool:
    """True if each label of before means what it means now."""
    table = image_set.labels
    if table is None:
        return not manifest["labels"]
    now = {label.number: json.loads(json.dumps(asdict(label))) for label in table.labels}
    is_same = all(now.get(label["number"]) == label for label in manifest["labels"])
    return is_same and bool(manifest["labels"]) and manifest["categories"] == list(table.categories)


def _has_same_files(job: Job, earlier: Store) -> bool:
    """True if the shard's images, and their labels, are the same files in the same places."""
    rows = slice(job.request.first_image, job.request.end_image)
    if json.loads(earlier.read(PATHS))[rows] != list(job.image_set.paths[rows]):
        return False
    before, now = unpack_arrays(earlier.read(contract.CONTENTS)), job.surveyed_contents
    return all((before[name][rows] == now[name][rows]).all() for name in now)


def _ran_alike(manifest: dict[str, Any], job: Job) -> bool:
    stated = describe_environment(device=find_device(), batch_size=job.options.run.batch_size)
    return all(manifest["environment"].get(name) == value for name, value in stated.items())
