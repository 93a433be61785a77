"""The engine's tests of bad input with large numbers."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.workers.engine import test_bad_input


def thousand_images() -> str:
    with tempfile.TemporaryDirectory() as folder:
        test_bad_input.check_images(Path(folder), n=1000, seed=11)
    return "1,000 mutated images: each decoded or quarantined in words, the good one among them decoded"


def two_hundred_tables() -> str:
    with tempfile.TemporaryDirectory() as folder:
        test_bad_input.check_tables(Path(folder), n=200, seed=12)
    return "200 broken index and label files: opened, or refused in one sentence; broken label maps quarantined"


DRILLS: dict[str, Callable[[], str]] = {
    "engine-images": thousand_images,
    "engine-tables": two_hundred_tables,
}
