"""The labels of an image set's shards, packed, kept from one dissection to the next: decoding label maps takes as long
as decoding the images.

One file a shard, in a folder that may be emptied at any time. A file counts only while the label maps are those that it
was read from, by their content.
"""

import hashlib
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.artifact import ArtifactMalformed, pack_arrays, unpack_arrays
from workers.engine.images.image_set import ImageSet
from workers.engine.images.packed_labels import PackedLabels
from workers.engine.measures.recorded import to_arrays
from workers.store import FileStore, NotStored, StoreError

logger = logging.getLogger(__name__)


def load_labels(
    *, image_set: ImageSet, first: int, last: int, folder: Path, contents: NDArray[np.uint8]
) -> PackedLabels | None:
    """The labels of images first to last - 1 as they were kept; None if they were not, or have changed since.

    `contents` (last - first, 32) are the digests of the images' label maps.
    """
    if image_set.labels is None:
        return None
    try:
        arrays = unpack_arrays(_store(image_set, folder).read(_name(first, last)))
        if arrays.pop("stamp").tobytes() != _stamp(contents):
            return None
        return PackedLabels(**arrays)
    except NotStored:
        return None
    except (StoreError, ArtifactMalformed, OSError, KeyError, TypeError) as error:
        logger.warning("The labels kept of images %s to %s are of no use: %s", first, last, error)
        return None


def keep_labels(
    *, image_set: ImageSet, first: int, last: int, folder: Path, contents: NDArray[np.uint8], labels: PackedLabels
) -> None:
    """Keep what was read; if it cannot be kept, the next dissection reads again."""
    stamp = np.frombuffer(_stamp(contents), dtype=np.uint8)
    try:
        _store(image_set, folder).write(_name(first, last), pack_arrays({**to_arrays(labels), "stamp": stamp}))
    except StoreError as error:
        logger.warning("The labels of images %s to %s are not kept: %s", first, last, error)


def _store(image_set: ImageSet, folder: Path) -> FileStore:
    return FileStore(root=f"file://{folder}/{image_set.sha256}")


def _name(first: int, last: int) -> str:
    return f"{first}-{last}.npz"


def _stamp(contents: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(contents.tobytes()).digest()
