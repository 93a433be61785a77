"""Crops as tasks of their own: a merge leaves parts, any process cuts one, and the last task writes the artifact.

The artifact is the same as if one process had cut all crops.
"""

import json
from collections.abc import Sequence
from typing import Any

from workers import contract
from workers.engine.complete import Draft
from workers.engine.format.artifact import Arrays, pack_arrays, unpack_arrays
from workers.engine.images.image_set import PixelCache
from workers.engine.measures.crops import parts
from workers.engine.measures.crops.parts import cut_part, load_cut, load_part, store_cut
from workers.engine.measures.measure import KeepPart, MeasuredLayer
from workers.engine.networks.preprocessing import Preprocessing
from workers.job import Job


class Parts:
    """What is kept for the tasks after a merge; `n_units` of each part, in the order of their positions."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.n_units: list[int] = []

    def keep(self, n_units: int, arrays: Arrays) -> None:
        self.n_units.append(n_units)
        self._job.save(contract.uncut_name(self._job.request.position + len(self.n_units)), pack_arrays(arrays))

    def keeper(self, layers: Sequence[MeasuredLayer]) -> KeepPart | None:
        """None if the crops of so few units are cut at once."""
        return self.keep if sum(layer.shape.n_units for layer in layers) > parts.PART_UNITS else None

    def save_draft(self, draft: Draft) -> dict[str, Any]:
        """For the tasks after this one; gives this one's result."""
        for place, arrays in enumerate(draft.layers):
            self._job.save(contract.draft_layer_name(place), pack_arrays(arrays))
        self._job.save(contract.DRAFT, json.dumps({"manifest": draft.manifest, "paths": draft.paths}).encode())
        return {"parts": self.n_units}


def _load_draft(job: Job) -> Draft:
    stated = json.loads(job.target.read(contract.DRAFT))
    names = map(contract.draft_layer_name, range(len(stated["manifest"]["layers"])))
    return Draft(**stated, layers=[unpack_arrays(job.target.read(name)) for name in names])


# By artifact and the photographs that its survey read: those of the dissection whose crops were cut last, decoded. Each
# part shows many of them.
_kept: dict[tuple[str, str], PixelCache] = {}


def _keep_pixels(job: Job) -> PixelCache:
    key = (job.target.root, job.image_set.content_sha256)
    if key not in _kept:
        stated = json.loads(job.target.read(contract.DRAFT))["manifest"]["network"]["preprocessing"]
        _kept.clear()
        _kept[key] = PixelCache(image_set=job.image_set, preprocessing=Preprocessing().stated(stated))
    return _kept[key]


def crop(job: Job) -> dict[str, Any]:
    """Cut the crops of one part. The network is not needed."""
    position = job.request.position
    part = load_part(unpack_arrays(job.target.read(contract.uncut_name(position))), pixels=_keep_pixels(job))
    job.demand_images(part.images())
    job.reporter.begin("tiles", n_total=part.n_units)
    done = cut_part(part, save=job.save, progress=job.reporter.set_done)
    job.demand_images(part.images())
    job.save(contract.cut_name(position), pack_arrays(store_cut(done)))
    return {"n_units": part.n_units}


def finish(job: Job) -> dict[str, Any]:
    """Join the crops and write the artifact."""
    job.reporter.begin("finish", n_total=0)
    _kept.clear()
    cuts = [load_cut(unpack_arrays(job.target.read(name))) for name in job.request.shards]
    manifest = _load_draft(job).add_crops(cuts).write(job.save)
    return {"sha256": manifest["sha256"]}
