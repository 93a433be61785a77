"""Crops dimmed pixel by pixel (compiling.py). The same operations as dimming.py, so that the bytes are equal."""

import numpy as np
from numpy.typing import NDArray

from workers.engine.compiling import compiled
from workers.engine.drawing.dimming import find_share

Bytes = NDArray[np.uint8]


def loop_over_pixels(crop: Bytes, segment: NDArray[np.bool_], *, dimming: str, dimmed: Bytes) -> None:
    """`dimmed` (3, h, w) becomes what dimming.dim makes of the (3, h, w) crop."""
    sums, inside = np.zeros(3, dtype=np.uint32), segment.view(np.uint8)
    n_inside = _sum_outside(crop, inside, sums)
    _dim(crop, inside, float(find_share(sums, int(segment.size - n_inside), dimming=dimming)), dimmed)


@compiled
def _sum_outside(crop: Bytes, inside: Bytes, sums: NDArray[np.uint32]) -> np.int64:
    """Adds to `sums` (3,); gives the number of pixels inside."""
    height, width = inside.shape
    n_inside = np.int64(0)
    for y in range(height):
        # Numbers of 32 bits: four times as many are added at a time as of 64.
        of_row = np.uint32(0)
        for x in range(width):
            of_row += np.uint32(inside[y, x])
        n_inside += np.int64(of_row)
    for band in range(3):
        for y in range(height):
            line, flags, total = crop[band, y], inside[y], np.uint32(0)
            for x in range(width):
                total += np.uint32(0) if flags[x] else np.uint32(line[x])
            sums[band] += total
    return n_inside


@compiled
def _dim(crop: Bytes, inside: Bytes, share: float, dimmed: Bytes) -> None:
    height, width = inside.shape
    for band in range(3):
        for y in range(height):
            line, flags, made = crop[band, y], inside[y], dimmed[band, y]
            for x in range(width):
                made[x] = line[x] if flags[x] else np.uint8(np.int32(np.float64(line[x]) * share))
