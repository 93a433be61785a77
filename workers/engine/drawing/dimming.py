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


def dim(crop: NDArray[np.uint8], segment: NDArray[np.bool_], *, dimming: str) -> NDArray[np.uint8]:
    """A (3, h, w) crop, dimmed outside its (h, w) segment."""
    # Bytes in planes: numpy divides and compares many of them at a time.
    dimmed = crop // DIMMED_BY if dimming == FIXED else _shares(choose_share(crop, ~segment)).take(crop)
    return np.maximum(dimmed, crop & (segment.view(np.uint8) * np.uint8(255)))


def _shares(share: float) -> NDArray[np.uint8]:
    """This share of each value of a byte."""
    return (np.arange(256, dtype=np.float32) * np.float32(share)).astype(np.uint8)


def choose_share(crop: NDArray[np.uint8], outside: NDArray[np.bool_]) -> float:
    """The share of its brightness that what lies outside keeps, so that its mean gray value becomes DIMMED_GRAY: at
    least DIMMED_TO, at most DIMMED_TO_MOST.
    """
    n = int(outside.sum())
    if n == 0:
        return DIMMED_TO
    gray = float(GRAY @ (crop.reshape(3, -1).astype(np.float32) @ outside.ravel().astype(np.float32))) / n
    return min(DIMMED_TO_MOST, max(DIMMED_TO, DIMMED_GRAY / max(gray, 1.0)))
