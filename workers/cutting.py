"""Cuts strips of a finished dissection that did not cut them, because nobody had asked for these units yet.

The store holds what was cut; Valkey holds for a while why something cannot be cut, for whoever waits and reads it.
"""

import hashlib
import logging
from functools import lru_cache

import numpy as np

from workers import config, contract, store
from workers.contract import CutRequest
from workers.engine.cut import cut_units, list_images, open_pixels
from workers.engine.format.artifact import (
    Artifact,
    ArtifactMalformed,
    checksum_name,
    read_artifact,
    tile_name,
    unpack_arrays,
)
from workers.engine.images.contents import Contents, ImagesChanged
from workers.engine.images.decoding import ImageUnreadable
from workers.engine.images.image_set import ImageSet, PixelCache
from workers.engine.images.label_table import ImageSetError
from workers.opened import open_contents, open_images
from workers.store import NotStored, Store, StoreError
from workers.valkey import ValkeyAway, connected

logger = logging.getLogger(__name__)
# Another attempt would find the same.
REFUSED = (ImageSetError, ImageUnreadable, ArtifactMalformed, StoreError)


def cut_strips(request: CutRequest) -> None:
    """Cuts those that are not there yet; leaves the reason if they cannot be cut."""
    reason = ""
    try:
        _cut(request)
    except REFUSED as error:
        reason = str(error)
    except Exception as error:  # whoever looks again asks again
        logger.exception("Crops of %s cannot be cut.", request.artifact)
        reason = f"{type(error).__name__}: {error}"
    _tell(request, reason)


def _cut(request: CutRequest) -> None:
    """Raises what REFUSED lists."""
    target = store.open_store(request.artifact)
    pairs = zip(request.units, request.strips, strict=True)
    missing = [unit for unit, strip in pairs if not _is_whole(target, strip)]
    if not missing:
        return
    artifact = read_artifact(target.read)
    image_set, pixels = _open(request.artifact, artifact.manifest["sha256"], request.images, request.labels)
    _demand_unchanged(target, image_set, list_images(artifact, place=request.place, units=missing))
    cut_units(artifact=artifact, place=request.place, units=missing, pixels=pixels, save=target.write)


def _is_whole(target: Store, strip: str) -> bool:
    """True if the strip is there, byte for byte as it was cut."""
    try:
        stated = target.read(checksum_name(strip)).decode()
        return hashlib.sha256(target.read(tile_name(strip))).hexdigest() == stated
    except (NotStored, UnicodeDecodeError):
        return False


@lru_cache(maxsize=1)
def _open(address: str, _sha256: str, images: str, labels: str) -> tuple[ImageSet, PixelCache]:
    """Kept for the next units of the dissection. Raises ImageSetError, StoreError, ArtifactMalformed."""
    artifact: Artifact = read_artifact(store.open_store(address).read)
    image_set = open_images(images, labels)
    if image_set.sha256 != artifact.manifest["image_set"]["sha256"]:
        raise ImagesChanged("The photographs are not those that were dissected: dissect again.")
    return image_set, open_pixels(artifact, image_set)


def _demand_unchanged(target: Store, image_set: ImageSet, indices: list[int]) -> None:
    """Raises ImagesChanged if one of these photographs is no longer what was dissected."""
    surveyed = unpack_arrays(target.read(contract.CONTENTS))["images"]
    contents: Contents = open_contents(image_set)
    for index in indices:
        contents.read(range(index, index + 1))
        if not np.array_equal(contents.images[index], surveyed[index]):
            raise ImagesChanged(f"{image_set.paths[index]} is not the photograph that was dissected: dissect again.")


def _tell(request: CutRequest, reason: str) -> None:
    keys = [contract.cutting_key(request.artifact, strip) for strip in request.strips]
    try:
        with connected(config.broker_url) as client:
            if not reason:
                client.delete(*keys)
            for key in keys if reason else ():
                client.set(key, reason, ex=contract.UNCUT_SECONDS)
    except ValkeyAway as away:
        logger.warning("Nobody learns what became of crops. %s", away)
