"""Which photographs are for the test, if the data do not say: by the digest of their paths, so that all who fit to the
same photographs with the same seed have the same split.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


def draw_test(paths: Sequence[str], share: float, *, seed: int) -> Flags:
    """(n,) true for that share of the different paths: those of lowest SHA-256, of seed and path unless the seed is 0.
    A path that stands twice is on one side only.
    """
    salt = f"{seed}:" if seed else ""
    different = sorted(
        set(paths), key=lambda one: hashlib.sha256(f"{salt}{one}".encode("utf-8", "surrogateescape")).digest()
    )
    chosen = set(different[: max(1, round(share * len(different)))])
    return np.array([path in chosen for path in paths], dtype=np.bool_)
