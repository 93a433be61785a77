"""Which photographs are for the test: as the data say, those of a list, or a share by the digest of their paths. So all
who fit to the same photographs with the same seed have the same split.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.engine.images.csv_tables import CsvRow
from workers.engine.images.label_table import ImageSetError
from workers.engine.images.photographs import Photographs
from workers.engine.plurals import say_count
from workers.engine.readouts.options import Options, ReadoutInvalid

SPLIT = "split"
TRAINING_NAMES = ("train", "training")
TEST_NAMES = ("test", "testing", "val", "valid", "validation", "eval", "dev")

Flags = NDArray[np.bool_]


def read_part(row: CsvRow) -> bool | None:
    """Whether a row is for the test, None if there is no column `split`. Raises LabelFileMalformed."""
    if SPLIT not in row.cells:
        return None
    said = row.cells[SPLIT].strip().lower()
    if said not in (*TRAINING_NAMES, *TEST_NAMES):
        raise row.wrong(SPLIT, "is neither train nor test")
    return said in TEST_NAMES


def find_test(paths: Sequence[str], options: Options, stated: Sequence[bool | None] = ()) -> tuple[Flags, str]:
    """(n,) true for the photographs to test on, and who says so. `stated`: what the data say of each of them, if they
    do. Raises ReadoutInvalid for a list that names others, or stands beside a share or what the data say.
    """
    parts = [part for part in stated if part is not None]
    if parts and len(parts) == len(paths):
        options.demand_unused(("test", "test_share"), "a split that the data state")
        return np.array(parts, dtype=np.bool_), "as the data say"
    if not options.test:
        return draw_test(paths, options.test_share, seed=options.seed), "drawn by photograph"
    options.demand_unused(("test_share",), "a list of photographs")
    listed = _find_listed(options.test, tuple(dict.fromkeys(paths)))
    return np.array([path in listed for path in paths], dtype=np.bool_), "as a list says"


def _find_listed(names: Sequence[str], paths: tuple[str, ...]) -> set[str]:
    """The paths of the photographs that a list names."""
    try:
        found = Photographs(Path(), paths).find(names)
    except ImageSetError as error:
        raise ReadoutInvalid(f"--test: {error}") from None
    known = set(paths)
    if others := sorted({name for name in names if found.get(name) not in known}):
        told = say_count(len(others), "photograph that is", "photographs that are")
        raise ReadoutInvalid(f"--test lists {told} not there, or unreadable: {', '.join(others[:3])}.")
    return set(found.values())


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
