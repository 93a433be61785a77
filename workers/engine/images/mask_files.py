"""Label maps as picture files: palette or gray values, or colors."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from workers.engine.images.label_maps import MAX_MAP_BYTES, LabelMapUnreadable, in_words

FORMATS = ("PNG", "TIFF", "BMP", "GIF")
MAX_MASK_PIXELS = 80_000_000
TRANSPARENT = ("LA", "PA")
# Modes whose pixels are one number, and those that are colors.
VALUES, COLORS = ("P", "L", "1", "I;16", "I;16B", "I;16L", "I;16N", "I", *TRANSPARENT), ("RGB", "RGBA")


def read_mask(
    file: Path, *, full: tuple[int, int] | None = None, colors: bool | None = None, painted: bool = False
) -> NDArray[Any]:
    """(h, w) values or (h, w, 3) colors of a label map, as small as the file keeps them: widen what you compute with.
    Raises LabelMapUnreadable.

    `full` is the height and width that it must have, `colors` which of the two it must hold; either if None.
    `painted`: of a palette its colors count, and not their places in it. Transparency does not count.
    """
    try:
        if file.stat().st_size > MAX_MAP_BYTES:
            raise LabelMapUnreadable(f"label map {file.name} is larger than {MAX_MAP_BYTES >> 20} MiB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(file.read_bytes()), formats=FORMATS) as image:
                _demand_form(image, file.name, full, colors)
                if image.mode in TRANSPARENT:
                    pixels = np.asarray(image.getchannel(0))
                else:
                    pixels = np.asarray(image.convert("RGB") if painted and image.mode == "P" else image)
    except FileNotFoundError:
        raise LabelMapUnreadable(f"label map {file.name} is missing") from None
    except UnidentifiedImageError:
        raise LabelMapUnreadable(f"label map {file.name} is not a picture of a known format") from None
    except LabelMapUnreadable:
        raise
    except Exception as error:
        # Damaged files make the decoder fail in a dozen ways.
        raise LabelMapUnreadable(f"label map {file.name} cannot be read: {in_words(error)}") from None
    return np.asarray(pixels[..., :3] if pixels.ndim == 3 else pixels)


def _demand_form(image: Image.Image, name: str, full: tuple[int, int] | None, colors: bool | None) -> None:
    width, height = image.size
    if width * height > MAX_MASK_PIXELS:
        raise LabelMapUnreadable(f"label map {name} of {width} x {height} px has more than {MAX_MASK_PIXELS:,} pixels")
    if full is not None and (height, width) != full:
        raise LabelMapUnreadable(f"label map {name} is {width} x {height} px, not {full[1]} x {full[0]}")
    known = {None: VALUES + COLORS, True: COLORS, False: VALUES}[colors]
    if image.mode not in known:
        wanted = {None: "palette, gray or RGB", True: "RGB", False: "palette or gray"}[colors]
        raise LabelMapUnreadable(f"label map {name} has mode {image.mode}, not {wanted}")


def read_mask_size(file: Path) -> tuple[int, int] | None:
    """Height and width by the file's header; None if it cannot be read, which is said when its pixels are."""
    header = read_mask_header(file)
    return header and header[1:]


def read_mask_header(file: Path) -> tuple[str, int, int] | None:
    """Pillow's mode, height and width; None if they cannot be read, which is said when the pixels are."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=FORMATS) as image:
                return image.mode, image.height, image.width
    except Exception:
        return None
