"""How far what lies outside a crop's segment is dimmed (docs/measures.md, Crops and tiles)."""

import numpy as np
from numpy.typing import NDArray

# To the same share of its brightness in each crop, or by the crop's own brightness.
FIXED, AUTO = "fixed", "auto"
DIMMINGS = (FIXED, AUTO)
DIMMED_BY = 5
DIMMED_TO, DIMMED_TO_MOST = 1 / DIMMED_BY, 0.5
# With `auto`, the mean gray value that is kept, of 255: enough to make things out, too little to look lit.
DIMMED_GRAY = 40.0
GRAY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # of ITU-R BT.601
LEVELS = np.arange(256, dtype=np.float32)  # of a byte

Values = NDArray[np.floating]


def dim(crop: NDArray[np.uint8], segment: NDArray[np.bool_], *, dimming: str) -> NDArray[np.uint8]:
    """A (3, h, w) crop, dimmed outside its (h, w) segment."""
    # Bytes in planes: numpy compares many of them at a time.
    inside = segment.view(np.uint8) * np.uint8(255)
    outside = ~inside
    sums = (crop & outside).reshape(3, -1).sum(axis=1, dtype=np.uint32)
    levels = list_levels(sums, int(np.count_nonzero(outside)), dimming=dimming)
    # bytes.translate takes half the time of numpy.take, and no memory for floats.
    dimmed = np.frombuffer(crop.tobytes().translate(levels), np.uint8).reshape(crop.shape)
    return np.maximum(dimmed, crop & inside)


def list_levels(sums: NDArray[np.uint32], n_outside: int, *, dimming: str) -> bytes:
    """What each level of a byte becomes, if the bands of what lies outside have these `sums` (3,) there."""
    if dimming == FIXED:
        return (LEVELS // DIMMED_BY).astype(np.uint8).tobytes()
    # So that the mean gray value of what lies outside becomes DIMMED_GRAY; in float64 from the division on.
    share = keep_share(np.asarray(GRAY @ sums.astype(np.float32), dtype=np.float64) / max(1, n_outside))
    return (LEVELS * share).astype(np.uint8).tobytes()


def keep_share(gray: Values) -> Values:
    """The shares that are kept where the mean gray value outside, of 255, is this."""
    return np.clip(DIMMED_GRAY / np.maximum(gray, 1.0), DIMMED_TO, DIMMED_TO_MOST)
