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
    # Bytes in planes: numpy divides and compares many of them at a time.
    inside = segment.view(np.uint8) * np.uint8(255)
    dimmed = crop // DIMMED_BY if dimming == FIXED else _dim_to_gray(crop, ~inside)
    return np.maximum(dimmed, crop & inside)


def _dim_to_gray(crop: NDArray[np.uint8], outside: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The whole crop, dimmed so that the mean gray value of what lies outside (255 there) becomes DIMMED_GRAY."""
    sums = (crop & outside).reshape(3, -1).sum(axis=1, dtype=np.uint32)
    share = keep_share(GRAY @ sums.astype(np.float32) / max(1, np.count_nonzero(outside)))
    # bytes.translate takes half the time of numpy.take, and no memory for floats.
    table = (LEVELS * share).astype(np.uint8).tobytes()
    return np.frombuffer(crop.tobytes().translate(table), np.uint8).reshape(crop.shape)


def keep_share(gray: Values) -> Values:
    """The shares that are kept where the mean gray value outside, of 255, is this."""
    return np.clip(DIMMED_GRAY / np.maximum(gray, 1.0), DIMMED_TO, DIMMED_TO_MOST)
