"""How far what lies outside a crop's segment is dimmed (docs/measures.md, Crops and tiles)."""

import numpy as np
from numpy.typing import NDArray

# To the same share of its brightness in each crop, or by the crop's own brightness.
FIXED, AUTO = "fixed", "auto"
DIMMINGS = (FIXED, AUTO)
DIMMED_TO, DIMMED_TO_MOST = 0.2, 0.5
# With `auto`, the mean gray value that is kept, of 255: enough to make things out, too little to look lit.
DIMMED_GRAY = 40.0
GRAY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # of ITU-R BT.601
LEVELS = np.arange(256, dtype=np.float64)  # of a byte

Values = NDArray[np.floating]


def dim(crop: NDArray[np.uint8], segment: NDArray[np.bool_], *, dimming: str) -> NDArray[np.uint8]:
    """A (3, h, w) crop, dimmed outside its (h, w) segment."""
    # Bytes in planes: numpy compares many of them at a time.
    inside = segment.view(np.uint8) * np.uint8(255)
    outside = ~inside
    sums = (crop & outside).reshape(3, -1).sum(axis=1, dtype=np.uint32)
    levels = LEVELS * find_share(sums, int(np.count_nonzero(outside)), dimming=dimming)
    # bytes.translate takes half the time of numpy.take, and no memory for floats.
    dimmed = crop.tobytes().translate(levels.astype(np.uint8).tobytes())
    return np.maximum(np.frombuffer(dimmed, np.uint8).reshape(crop.shape), crop & inside)


def find_share(sums: NDArray[np.uint32], n_outside: int, *, dimming: str) -> np.float64:
    """The share of its brightness that is kept of what lies outside, if its bands have these `sums` (3,)."""
    if dimming == FIXED:
        return np.float64(DIMMED_TO)
    # So that the mean gray value of what lies outside becomes DIMMED_GRAY.
    return np.float64(keep_share(np.asarray(np.float64(GRAY @ sums.astype(np.float32)) / max(1, n_outside))))


def keep_share(gray: Values) -> Values:
    """The shares that are kept where the mean gray value outside, of 255, is this."""
    return np.clip(DIMMED_GRAY / np.maximum(gray, 1.0), DIMMED_TO, DIMMED_TO_MOST)
