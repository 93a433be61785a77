"""An image set on disk: what images there are, in a fixed order, and each one's pixels; what cannot be decoded is
named, never fatal.

The layouts that are read stand in readers/. Index of an image = its place in the sorted paths.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.decoding import decode_image
from workers.engine.images.label_maps import LabelRuns
from workers.engine.images.label_table import ImageSetError, LabelTable
from workers.engine.images.passed_over import PassedOver
from workers.engine.networks.preprocessing import Preprocessing

CACHE_BYTES = 320 * 2**20


@dataclass(frozen=True)
class ImageSet:
    """Sorted relative paths (index = image index) below `root`; `labels` if the images carry labels.

    `sha256` covers paths and sizes of images and label files and the content of the tables; `content_sha256` covers
    the files themselves and is empty until they were read (contents.py). `read_runs` packs the labels of one image, by
    its index; `list_label_files` gives the files that hold the labels of some images; `find_map_size` gives height and
    width of an image's label maps, None if it has none. `passed_over` are files that are no images of the set. `notes`
    are sentences about how it was read, for whoever asked.
    """

    root: Path
    paths: tuple[str, ...]
    sha256: str
    labels: LabelTable | None = None
    read_runs: Callable[[int], LabelRuns] | None = None
    list_label_files: Callable[[range], Iterable[Path]] = lambda indices: ()
    find_map_size: Callable[[int], tuple[int, int] | None] = lambda index: None
    passed_over: tuple[PassedOver, ...] = ()
    content_sha256: str = ""
    notes: tuple[str, ...] = ()

    def read_pixels(self, index: int, *, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """(input_px, input_px, 3) RGB of one image; labeled images are warped. Raises ImageUnreadable."""
        resize = "warp" if self.labels is not None else preprocessing.resize
        return decode_image(
            self.root / self.paths[index],
            input_px=preprocessing.input_px,
            resize=resize,
            interpolation=preprocessing.interpolation,
            map_size=self.find_map_size(index),
        )

    def read_labels(self, index: int) -> LabelRuns:
        """Packed labels of one image; raises LabelMapUnreadable."""
        if self.read_runs is None:
            raise ImageSetError("This image set carries no labels.")
        return self.read_runs(index)


class PixelCache:
    """Decoded images, the last used kept while they fit."""

    def __init__(self, *, image_set: ImageSet, preprocessing: Preprocessing) -> None:
        self._set, self._preprocessing = image_set, preprocessing
        self._kept: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._room = max(1, CACHE_BYTES // (3 * preprocessing.input_px**2))

    def __call__(self, index: int) -> NDArray[np.uint8]:
        pixels = self._kept.pop(index, None)
        if pixels is None:
            pixels = self._set.read_pixels(index, preprocessing=self._preprocessing)
        self._kept[index] = pixels
        if len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return pixels


def digest_files(files: Iterable[Path], *, root: Path, tables: Sequence[Path] = ()) -> str:
    """Of the names below root and sizes of the files, and the tables' content."""
    digest = hashlib.sha256()
    for path in files:
        try:
            size = path.stat().st_size
        except OSError:
            size = -1  # named by the index but missing: quarantined when it is read
        digest.update(f"{path.relative_to(root).as_posix()}\0{size}\n".encode("utf-8", "surrogateescape"))
    for table in tables:
        with table.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
