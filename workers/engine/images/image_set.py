"""An image set on disk: what images there are, in a fixed order, and each one's pixels; what cannot be decoded is
named, never fatal.

The layouts that are read stand in readers/. Index of an image = its place in the sorted paths.
"""

import hashlib
import io
import os
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from workers.engine.images.label_maps import LabelRuns, in_words
from workers.engine.images.label_table import ImageSetError, LabelTable
from workers.engine.networks.preprocessing import Preprocessing

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
# A photograph has up to some 80 million pixels; what claims more, or more bytes, is taken for a bomb.
MAX_PIXELS = 80_000_000
MAX_FILE_BYTES = 256 * 1024 * 1024
CACHE_BYTES = 320 * 2**20
# What decoding one image takes at most.
DECODING_BYTES = 512 * 2**20


class ImageUnreadable(Exception):
    """This image is quarantined; the message is the reason."""


@dataclass(frozen=True)
class ImageSet:
    """Sorted relative paths (index = image index) below `root`; `labels` if the images carry labels.

    `sha256` covers paths and sizes of images and label files and the content of the tables. `read_runs` packs the
    labels of one image, by its index; `list_label_files` gives the files that hold the labels of some images.
    """

    root: Path
    paths: tuple[str, ...]
    sha256: str
    labels: LabelTable | None = None
    read_runs: Callable[[int], LabelRuns] | None = None
    list_label_files: Callable[[range], Iterable[Path]] = lambda indices: ()

    def read_pixels(self, index: int, *, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """(input_px, input_px, 3) RGB of one image; labeled images are warped. Raises ImageUnreadable."""
        resize = "warp" if self.labels is not None else preprocessing.resize
        return decode_image(
            self.root / self.paths[index],
            input_px=preprocessing.input_px,
            resize=resize,
            interpolation=preprocessing.interpolation,
        )

    def read_labels(self, index: int) -> LabelRuns:
        """Packed labels of one image; raises LabelMapUnreadable."""
        if self.read_runs is None:
            raise ImageSetError("This image set carries no labels.")
        return self.read_runs(index)


@dataclass(frozen=True)
class ImageSetReader:
    """A layout of image sets: how it is recognized and opened. `has_labels`: its images carry labels."""

    recognizes: Callable[[Path], bool]
    open: Callable[[Path], ImageSet]
    has_labels: bool = False


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
        digest.update(hashlib.sha256(table.read_bytes()).digest())
    return digest.hexdigest()


def decode_image(path: Path, *, input_px: int, resize: str, interpolation: str) -> NDArray[np.uint8]:
    """Read one image file as (input_px, input_px, 3) RGB; raises ImageUnreadable with a reason in words."""
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of damaged metadata, which is not used
            if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
                raise ImageUnreadable(f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB")
            with Image.open(io.BytesIO(file.read()), formats=FORMATS) as image:
                return _square(image, input_px=input_px, resize=resize, interpolation=interpolation)
    except FileNotFoundError:
        raise ImageUnreadable("the file is missing") from None
    except UnidentifiedImageError:
        raise ImageUnreadable("not an image of a known format") from None
    except ImageUnreadable:
        raise
    except MemoryError:
        raise ImageUnreadable("decoding it needs more memory than there is") from None
    except Exception as error:
        # Pillow's decoders fail on damaged files with OSError, ValueError, SyntaxError, struct.error, EOFError,
        # KeyError and others.
        raise ImageUnreadable(f"cannot be decoded: {in_words(error)}") from None


def _square(image: ImageFile.ImageFile, *, input_px: int, resize: str, interpolation: str) -> NDArray[np.uint8]:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageUnreadable(f"{width} x {height} px is more than {MAX_PIXELS:,} pixels")
    image.draft(
        "RGB", (2 * input_px, 2 * input_px)
    )  # a JPEG far larger than the input is decoded at a fraction of its size
    picture = _as_rgb(image)
    if picture.size == (input_px, input_px):
        return np.asarray(picture)
    width, height = picture.size
    box: tuple[float, float, float, float] | None = None
    if resize == "center_crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
    filter_ = Image.Resampling[interpolation.upper()]
    return np.asarray(picture.resize((input_px, input_px), resample=filter_, box=box))


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        # 16-bit gray: convert("RGB") would clip everything over 255 to white.
        values = np.asarray(image, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ImageUnreadable("its values are not all finite")
        top = 65535 if values.max(initial=0) > 255 else 255
        return Image.fromarray((values.clip(0, top) * (255 / top)).astype(np.uint8)).convert("RGB")
    if image.mode in ("P", "PA", "LA") or "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")
