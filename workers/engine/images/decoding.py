"""Decode an image file: upright, in RGB, at the network's size. What cannot be decoded is refused with a reason.

docs/measures.md, Images, says how values of more or fewer than 8 bits become 0 to 255.
"""

import io
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from workers.engine.images.label_maps import in_words
from workers.engine.plurals import say_count

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")
# A photograph has up to some 80 million pixels; what claims more, or more bytes, is taken for a bomb.
MAX_PIXELS = 80_000_000
MAX_FILE_BYTES = 256 * 1024 * 1024
# What reading one image may take in memory, its file included: it is foreseen from the header, before pixels are
# decoded.
DECODING_BYTES = 768 * 2**20
# Bytes per pixel that decoding and conversion take, by the mode of the decoded picture; other modes take the most.
PIXEL_BYTES = {"1": 2, "L": 2, "RGB": 4, "I;16": 5, "I;16B": 5, "I;16L": 5, "I;16N": 5, "I": 9, "F": 9, "RGBA": 8}
OTHER_PIXEL_BYTES, LOWER_PIXEL_BYTES = 12, 23
# Formats whose decoders keep a second picture, and what a progressive JPEG keeps of each pixel of the file.
BUFFERED, BUFFER_PIXEL_BYTES, PROGRESSIVE_PIXEL_BYTES = ("WEBP", "AVIF", "GIF"), 6, 6
# A photograph whose longer side is so many times the shorter one is remarked on.
NARROW = 10
# Values that are scaled at a time.
SCALED_VALUES = 4_000_000
# The EXIF tag that says how a camera was held, and what turns the stored pixels upright.
ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Orientations that change width for height.
LYING = (5, 6, 7, 8)
# The format whose pictures Pillow turns itself: their size is the upright one, and they lose their orientation when
# their pixels are read.
TURNED = "TIFF"
# The largest values of 8, 10, 12, 14 and 16 bits.
INTEGER_TOPS = (255, 1023, 4095, 16383, 65535)
# 16-bit colors: what Pillow reads of them is the upper byte, and this reads the lower one.
LOWER_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}


UNKNOWN = "not an image of a known format"
WEB_PAGE = "a web page in place of the photograph: its download failed or asked for a login"
# What downloads leave in the place of photographs, by its beginning in small letters.
BEGINNINGS = (
    (b"version https://git-lfs", "a pointer of Git LFS in place of the photograph: fetch it with `git lfs pull`"),
    *((start, WEB_PAGE) for start in (b"<!doctype html", b"<html", b"<head", b"<body", b"<!--")),
)


class ImageUnreadable(Exception):
    """This image is quarantined; the message is the reason."""


def decode_image(
    path: Path, *, input_px: int, resize: str, interpolation: str, map_size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Read one image file as (input_px, input_px, 3) RGB, upright; raises ImageUnreadable with a reason in words.

    `map_size` is height and width of the image's label maps: they must lie as the upright photograph does.
    """
    with _opening(path, input_px=input_px) as image:
        picture = _read_upright(image, map_size=map_size)
        return _square(picture, input_px=input_px, resize=resize, interpolation=interpolation)


@dataclass(frozen=True)
class Upright:
    """A whole photograph in RGB as people see it. `width` and `height` are the file's own, upright; `remarks` are
    sentences about what the file holds beside the picture shown.
    """

    picture: Image.Image
    width: int
    height: int
    remarks: tuple[str, ...]


def decode_upright(path: Path, *, max_px: int) -> Upright:
    """The longer side has at most max_px. Raises ImageUnreadable as decode_image does."""
    with _opening(path, input_px=max_px // 2) as image:
        remarks = _remark(image)
        picture = _read_upright(image, map_size=None)
        # convert copies also what has these colors already.
        picture = picture if picture.mode == "RGB" else picture.convert("RGB")
    size = read_size(path)
    scale = max_px / max(picture.size)
    if scale < 1:
        smaller = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(smaller, Image.Resampling.BICUBIC)
    return Upright(picture, **size, remarks=remarks)


def _remark(image: ImageFile.ImageFile) -> tuple[str, ...]:
    remarks = []
    if (n_frames := getattr(image, "n_frames", 1)) > 1:
        remarks.append(f"The file holds {say_count(n_frames, 'picture')}: the first one was taken.")
    if image.mode == "CMYK":
        remarks.append("Its colors are made for printing (CMYK): they were converted to RGB.")
    width, height = image.size
    if max(image.size) > NARROW * min(image.size):
        remarks.append(f"It has {width:,} x {height:,} px: a network that sees a square sees little of it.")
    return tuple(remarks)


@contextmanager
def _opening(path: Path, *, input_px: int) -> Iterator[ImageFile.ImageFile]:
    """An image whose pixels may be decoded. Whatever is wrong with it, also within, becomes ImageUnreadable."""
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of damaged metadata, which is not used
            n_bytes = os.fstat(file.fileno()).st_size
            if not n_bytes:
                raise ImageUnreadable("the file is empty")
            if n_bytes > MAX_FILE_BYTES:
                raise ImageUnreadable(f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB")
            with Image.open(io.BytesIO(file.read()), formats=FORMATS) as image:
                _demand_room(image, file_bytes=n_bytes, input_px=input_px)
                yield image
    except FileNotFoundError:
        raise ImageUnreadable("the file is missing") from None
    except UnidentifiedImageError:
        raise ImageUnreadable(_name_other(path)) from None
    except Image.DecompressionBombError:
        raise ImageUnreadable(f"it states more than {MAX_PIXELS:,} pixels") from None
    except ImageUnreadable:
        raise
    except MemoryError:
        raise ImageUnreadable("decoding it needs more memory than there is") from None
    except Exception as error:
        # Pillow's decoders fail on damaged files with OSError, ValueError, SyntaxError, struct.error, EOFError,
        # KeyError and others.
        # What the system says would name the file by its whole path.
        said = error.strerror if isinstance(error, OSError) and error.strerror else in_words(error)
        raise ImageUnreadable(f"cannot be decoded: {said}") from None


def _name_other(path: Path) -> str:
    """What a file is that is no image."""
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    return next((said for beginning, said in BEGINNINGS if start.startswith(beginning)), UNKNOWN)


def read_size(path: Path) -> dict[str, int]:
    """Width and height of an image that decode_image can read, upright."""
    with warnings.catch_warnings(), Image.open(path, formats=FORMATS) as image:
        warnings.simplefilter("ignore")
        width, height = image.size
        if image.format != TURNED and _read_orientation(image) in LYING:
            width, height = height, width
        return {"width": width, "height": height}


def _demand_room(image: ImageFile.ImageFile, *, file_bytes: int, input_px: int) -> None:
    """Raises ImageUnreadable if decoding would take more than DECODING_BYTES, by what the header says."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageUnreadable(f"{width} x {height} px is more than {MAX_PIXELS:,} pixels")
    whole = PROGRESSIVE_PIXEL_BYTES * width * height if image.info.get("progressive") else 0
    # A JPEG far larger than the input is decoded at a fraction of its size.
    image.draft("RGB", (2 * input_px, 2 * input_px))
    per_pixel = LOWER_PIXEL_BYTES if _has_lower_bytes(image) else PIXEL_BYTES.get(image.mode, OTHER_PIXEL_BYTES)
    per_pixel += BUFFER_PIXEL_BYTES if image.format in BUFFERED else 0
    needed = file_bytes + whole + per_pixel * image.size[0] * image.size[1]
    if needed > DECODING_BYTES:
        raise ImageUnreadable(
            f"{width} x {height} px of mode {image.mode} take {needed / 1e6:,.0f} MB to decode, more than "
            f"{DECODING_BYTES / 1e6:,.0f}"
        )


def _read_upright(image: ImageFile.ImageFile, *, map_size: tuple[int, int] | None) -> Image.Image:
    """The picture in RGB as people see it, at its own size or, if far larger than the input, at a fraction of it."""
    is_lying = image.format == TURNED and _read_orientation(image) in LYING
    picture = _as_rgb(image)
    turn = UPRIGHT.get(_read_orientation(image))
    upright = picture if turn is None else picture.transpose(turn)
    stored = picture.size[::-1] if is_lying else picture.size
    if map_size is not None and _fits_unturned(map_size, stored=stored, upright=upright.size):
        raise ImageUnreadable(
            "its EXIF orientation turns it upright, but its label map has the sides of the picture that is not turned: "
            "turn the label map, or take the tag away"
        )
    return upright


def _read_orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:
        return 1  # damaged metadata says nothing


def _fits_unturned(map_size: tuple[int, int], *, stored: tuple[int, int], upright: tuple[int, int]) -> bool:
    """True if a label map's (height, width) has the stored sides' ratio rather than that of the upright picture."""
    shape = math.log(map_size[1] / map_size[0])
    distances = [abs(shape - math.log(width / height)) for width, height in (stored, upright)]
    return distances[0] + 0.01 < distances[1]


def _square(picture: Image.Image, *, input_px: int, resize: str, interpolation: str) -> NDArray[np.uint8]:
    """Gray becomes RGB at the end: a large gray picture is kept at a quarter of the memory."""
    if picture.size == (input_px, input_px):
        return np.asarray(picture.convert("RGB"))
    width, height = picture.size
    box: tuple[float, float, float, float] | None = None
    if resize == "center_crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
    filter_ = Image.Resampling[interpolation.upper()]
    return np.asarray(picture.resize((input_px, input_px), resample=filter_, box=box).convert("RGB"))


def _as_rgb(image: ImageFile.ImageFile) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        # convert("RGB") would clip everything over 255 to white.
        return Image.fromarray(scale_to_bytes(np.asarray(image), is_whole=image.mode != "F"))
    if (lower := _prepare_lower_bytes(image)) is not None:
        return _join_bytes(image, lower)
    if image.mode in ("P", "PA", "LA") or "transparency" in image.info:
        return image.convert("RGBA").convert("RGB")
    if image.mode not in ("RGB", "L") or image.format == "TIFF":
        return image.convert("RGB")
    image.load()  # not copied; what stands after the pixels, as EXIF may, is known from here on
    return image


def scale_to_bytes(values: NDArray[Any], *, is_whole: bool) -> NDArray[np.uint8]:
    """Gray values of any range to 0 to 255, by the range that the image uses; raises ImageUnreadable.

    Whole numbers: 0 to the largest value of as many bits (8, 10, 12, 14, 16) as the image's largest value needs.
    Others: 0 to 1, 0 to 255 or -1 to 1, the first that holds all values. Else from the image's least to its largest.
    """
    flat = np.ascontiguousarray(values).reshape(-1)
    least, largest = float(flat.min()), float(flat.max())  # NaN if any value is
    if not (np.isfinite(least) and np.isfinite(largest)):
        raise ImageUnreadable("its values are not all finite")
    known = [(0.0, float(top)) for top in INTEGER_TOPS] if is_whole else [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)]
    held = [(low, high) for low, high in known if low <= min(least, 0.0) and max(largest, 0.0) <= high]
    low, high = held[0] if held else (least, max(largest, 0.0))
    scaled = np.empty(len(flat), dtype=np.uint8)
    for first in range(0, len(flat), SCALED_VALUES):
        some = flat[first : first + SCALED_VALUES].astype(np.float64)
        scaled[first : first + SCALED_VALUES] = np.rint(((some - low) * (255 / max(high - low, 1e-300))).clip(0, 255))
    return scaled.reshape(values.shape)


def _has_lower_bytes(image: ImageFile.ImageFile) -> bool:
    args = image.tile[0].args if len(image.tile) == 1 else None
    return isinstance(args, str) and args in LOWER_BYTES


def _prepare_lower_bytes(image: ImageFile.ImageFile) -> Image.Image | None:
    """A second reading of a 16-bit color image, of its lower bytes; None for other images."""
    if not _has_lower_bytes(image) or image.fp is None:
        return None
    tiles = image.tile
    image.fp.seek(0)
    again = Image.open(io.BytesIO(image.fp.read()), formats=FORMATS)
    again.tile = [tiles[0]._replace(args=LOWER_BYTES[str(tiles[0].args)])]
    image.fp.seek(0)
    return again


def _join_bytes(image: ImageFile.ImageFile, lower: Image.Image) -> Image.Image:
    """The 16-bit colors in 8 bits, by the range that they use; those of all 16 bits keep their upper bytes."""
    upper = np.asarray(image)[..., :3]
    if upper.max(initial=0) > INTEGER_TOPS[-2] >> 8:
        return Image.fromarray(upper)
    values = upper * np.uint16(256) + np.asarray(lower)[..., :3]
    return Image.fromarray(scale_to_bytes(values, is_whole=True))
