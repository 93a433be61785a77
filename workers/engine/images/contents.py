"""What the files of an image set hold, by digest: so that a dissection measures one state of a folder and says which.

A file is read again only if its device, number, size or times differ from when it was last read; a file that had just
been written then is read again in any case, because a second write may leave the times as they are.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.image_set import ImageSet
from workers.engine.images.label_table import ImageSetError

DIGEST_BYTES = 32
# Times of files are kept in steps of up to some 10 ms, on network file systems of up to a second or two.
FRESH_SECONDS = 2.0


class ImagesChanged(ImageSetError):
    """The image set is not what it was when the dissection began; the message names a file."""


@dataclass
class Contents:
    """SHA-256 of the files of a set of N images: `images` (N, 32) of each image's file, `labels` (N, 32) of the digests
    of its label maps, 0 if it has none. Files that cannot be read have digest 0.
    """

    image_set: ImageSet
    images: NDArray[np.uint8] = field(init=False)
    labels: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        n_images = len(self.image_set.paths)
        self.images, self.labels, self._stamps = (np.zeros((n_images, DIGEST_BYTES), np.uint8) for _ in range(3))

    def read(self, indices: range) -> None:
        """Bring the digests of some images up to date."""
        for index in indices:
            path = self.image_set.root / self.image_set.paths[index]
            maps = list(self.image_set.list_label_files(range(index, index + 1)))
            stamp = np.frombuffer(_stamp([path, *maps]), np.uint8)
            if not (stamp == self._stamps[index]).all() or not stamp.any():
                self.images[index] = np.frombuffer(_digest(path), np.uint8)
                joined = hashlib.sha256(b"".join(map(_digest, maps))).digest() if maps else bytes(DIGEST_BYTES)
                self.labels[index] = np.frombuffer(joined, np.uint8)
                self._stamps[index] = stamp

    def sha256(self) -> str:
        """Hex digest of all files, once all were read."""
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()

    def to_arrays(self) -> dict[str, NDArray[np.uint8]]:
        """What a survey keeps for the tasks after it, and the artifact for whoever checks it."""
        return {"images": self.images, "labels": self.labels}

    def demand(self, surveyed: dict[str, NDArray[np.uint8]], indices: range) -> None:
        """Raises ImagesChanged if one of the images is no longer what the survey read."""
        self.read(indices)
        rows = slice(indices.start, indices.stop)
        same = (self.images[rows] == surveyed["images"][rows]) & (self.labels[rows] == surveyed["labels"][rows])
        changed = np.flatnonzero(~same.all(axis=1))
        if len(changed):
            name = self.image_set.paths[indices.start + int(changed[0])]
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            raise ImagesChanged(f"{name}{more} changed while the dissection ran; dissect again.")


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return bytes(DIGEST_BYTES)


def _stamp(paths: Sequence[Path]) -> bytes:
    """A digest of the files' identities, sizes and times; zeros if one is missing or was only just written."""
    digest, now = hashlib.sha256(), time.time()
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            return bytes(DIGEST_BYTES)
        if now - max(found.st_mtime, found.st_ctime) < FRESH_SECONDS:
            return bytes(DIGEST_BYTES)
        times = f"{found.st_mtime_ns} {found.st_ctime_ns}"
        digest.update(f"{found.st_dev} {found.st_ino} {found.st_size} {times}\n".encode())
    return digest.digest()
