"""What is laid over a photograph, as PNGs with transparency: class maps, maps of units, labels of pixels."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from workers.engine.drawing.explanation import AGAINST, FOR

OVERLAY_PX = 256
LABEL = (20, 120, 120)
Values = NDArray[np.floating]


def grow_map(values: Values, *, width: int, height: int) -> NDArray[np.float32]:
    """(h, w) to (height, width), bilinear between the centers of cells."""
    picture = Picture.fromarray(np.asarray(values, dtype=np.float32))
    return np.asarray(picture.resize((width, height), Picture.Resampling.BILINEAR))


def draw_map(values: Values) -> bytes:
    """The stronger a value, the less transparent its color: one color for what is above zero, one for what is below."""
    grown = grow_map(values, width=OVERLAY_PX, height=OVERLAY_PX)
    share = np.abs(grown) / max(float(np.abs(grown).max()), 1e-12)
    return _encode(np.where(grown[..., None] > 0, np.array(FOR), np.array(AGAINST)), share)


def draw_mask(mask: NDArray[np.bool_]) -> bytes:
    return _encode(np.broadcast_to(np.array(LABEL), (*mask.shape, 3)), mask.astype(np.float32))


def _encode(color: NDArray[np.integer], share: NDArray[np.floating]) -> bytes:
    pixels = np.concatenate([color, np.round(share * 255)[..., None]], axis=2).astype(np.uint8)
    encoded = io.BytesIO()
    Picture.fromarray(pixels, "RGBA").save(encoded, "PNG")
    return encoded.getvalue()
