"""Crops dimmed pixel by pixel (compiling.py). The same operations as dimming.py, so that the bytes are equal."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.compiling import compiled
from workers.engine.drawing.dimming import list_levels

Bytes = NDArray[np.uint8]


def loop_over_pixels(crop: Bytes, segment: NDArray[np.bool_], *, dimming: str, dimmed: Bytes) -> None:
    """`dimmed` (3, h, w) becomes what dimming.dim makes of the (h, w, 3) crop."""
    sums, n_outside = _sum_outside(crop, segment)
    _dim(crop, segment, np.frombuffer(list_levels(sums, n_outside, dimming=dimming), np.uint8), dimmed)


@compiled
def _sum_outside(crop: Bytes, segment: NDArray[np.bool_]) -> tuple[NDArray[np.uint32], int]:
    height, width, _ = crop.shape
    red, green, blue, n_outside = np.uint32(0), np.uint32(0), np.uint32(0), 0
    for y in range(height):
        for x in range(width):
            outside = np.uint32(not segment[y, x])
            red += outside * crop[y, x, 0]
            green += outside * crop[y, x, 1]
            blue += outside * crop[y, x, 2]
            n_outside += int(outside)
    return np.array([red, green, blue], np.uint32), n_outside


@compiled
def _dim(crop: Bytes, segment: NDArray[np.bool_], levels: Bytes, dimmed: Bytes) -> None:
    height, width, _ = crop.shape
    for y in range(height):
        for x in range(width):
            inside = segment[y, x]
            for band in range(3):
                value = crop[y, x, band]
                dimmed[band, y, x] = value if inside else levels[value]
