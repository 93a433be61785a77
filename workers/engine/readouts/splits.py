"""Which photographs are for the test, if the data do not say: those of a list, or a share by the digest of their paths,
so that all who fit to the same photographs with the same seed have the same split.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.engine.plurals import say_count
from workers.engine.readouts.options import Options, ReadoutInvalid

Flags = NDArray[np.bool_]


def find_test(paths: Sequence[str], options: Options) -> Flags:
    """(n,) true for the photographs to test on. Raises ReadoutInvalid for a list that names others, or stands beside a
    share.
    """
    if not options.test:
        return draw_test(paths, options.test_share, seed=options.seed)
    options.demand_unused(("test_share",), "a list of photographs")
    listed = set(options.test)
    if others := sorted(listed - set(paths)):
        told = say_count(len(others), "photograph that is", "photographs that are")
        raise ReadoutInvalid(f"--test lists {told} not there, or unreadable: {', '.join(others[:3])}.")
    return np.array([path in listed for path in paths], dtype=np.bool_)


def say_split(options: Options) -> str:
    return "as a list says" if options.test else "drawn by photograph"


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
