"""Decode an image file: upright, in RGB, at the network's size. What cannot be decoded is refused with a reason.

docs/measures.md, Images, says how values of more or fewer than 8 bits become 0 to 255.
"""

import io
import math
import os
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from workers.engine.images.label_maps import in_words

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")
# A photograph has up to some 80 million pixels; what claims more, or more bytes, is taken for a bomb.
MAX_PIXELS = 80_000_000
MAX_FILE_BYTES = 256 * 1024 * 1024
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
# The largest values of 8, 10, 12, 14 and 16 bits.
INTEGER_TOPS = (255, 1023, 4095, 16383, 65535)
# 16-bit colors: what Pillow reads of them is the upper byte, and this reads the lower one.
LOWER_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}


class ImageUnreadable(Exception):
    """This image is quarantined; the message is the reason."""


def decode_image(
    path: Path, *, input_px: int, resize: str, interpolation: str, map_size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Read one image file as (input_px, input_px, 3) RGB, upright; raises ImageUnreadable with a reason in words.

    `map_size` is height and width of the image's label maps: they must lie as the upright photograph does.
    """
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of damaged metadata, which is not used
            if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
                raise ImageUnreadable(f"the file is larger than {MAX_FILE_BYTES // 2**20} MiB")
            with Image.open(io.BytesIO(file.read()), formats=FORMATS) as image:
                picture = _read_upright(image, input_px=input_px, map_size=map_size)
                return _square(picture, input_px=input_px, resize=resize, interpolation=interpolation)
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


def _read_upright(image: ImageFile.ImageFile, *, input_px: int, map_size: tuple[int, int] | None) -> Image.Image:
    """The picture in RGB as people see it, at its own size or, if far larger than the input, at a fraction of it."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageUnreadable(f"{width} x {height} px is more than {MAX_PIXELS:,} pixels")
    # A JPEG far larger than the input is decoded at a fraction of its size.
    image.draft("RGB", (2 * input_px, 2 * input_px))
    picture = _as_rgb(image)
    turn = UPRIGHT.get(_read_orientation(image))
    if turn is None:
        return picture
    upright = picture.transpose(turn)
    if map_size is not None and _fits_unturned(map_size, stored=picture.size, upright=upright.size):
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


def _as_rgb(image: ImageFile.ImageFile) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        # convert("RGB") would clip everything over 255 to white.
        return Image.fromarray(scale_to_bytes(np.asarray(image, dtype=np.float64), is_whole=image.mode != "F")).convert(
            "RGB"
        )
    if (lower := _prepare_lower_bytes(image)) is not None:
        return _join_bytes(image, lower)
    if image.mode in ("P", "PA", "LA") or "transparency" in image.info:
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def scale_to_bytes(values: NDArray[np.float64], *, is_whole: bool) -> NDArray[np.uint8]:
    """Gray values of any range to 0 to 255, by the range that the image uses; raises ImageUnreadable.

    Whole numbers: 0 to the largest value of as many bits (8, 10, 12, 14, 16) as the image's largest value needs.
    Others: 0 to 1, 0 to 255 or -1 to 1, the first that holds all values. Else from the image's least to its largest.
    """
    if not np.isfinite(values).all():
        raise ImageUnreadable("its values are not all finite")
    least, largest = float(values.min(initial=0)), float(values.max(initial=0))
    known = [(0.0, float(top)) for top in INTEGER_TOPS] if is_whole else [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)]
    held = [(low, high) for low, high in known if low <= least and largest <= high]
    low, high = held[0] if held else (float(values.min()), largest)
    scaled: NDArray[np.uint8] = ((values - low) * (255 / max(high - low, 1e-300))).clip(0, 255).astype(np.uint8)
    return scaled


def _prepare_lower_bytes(image: ImageFile.ImageFile) -> Image.Image | None:
    """A second reading of a 16-bit color image, of its lower bytes; None for other images."""
    tiles = image.tile
    args = tiles[0].args if len(tiles) == 1 else None
    if not isinstance(args, str) or args not in LOWER_BYTES or image.fp is None:
        return None
    image.fp.seek(0)
    again = Image.open(io.BytesIO(image.fp.read()), formats=FORMATS)
    again.tile = [tiles[0]._replace(args=LOWER_BYTES[args])]
    image.fp.seek(0)
    return again


def _join_bytes(image: ImageFile.ImageFile, lower: Image.Image) -> Image.Image:
    """The 16-bit colors in 8 bits, by the range that they use; those of all 16 bits keep their upper bytes."""
    upper = np.asarray(image)[..., :3]
    if upper.max(initial=0) > INTEGER_TOPS[-2] >> 8:
        return Image.fromarray(upper)
    values = upper.astype(np.float64) * 256 + np.asarray(lower)[..., :3]
    return Image.fromarray(scale_to_bytes(values, is_whole=True))
