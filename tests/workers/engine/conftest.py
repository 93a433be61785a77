"""Tiny seeded networks and image sets with label maps, whose every value a slow oracle can recompute."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from numpy.random import default_rng

from tests.workers.engine.making import make_broden
from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set


@pytest.fixture(autouse=True)
def one_thread_and_the_same_numbers() -> None:
    """Whatever ran before: pytest-randomly seeds Python and NumPy, and not torch."""
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def broden(tmp_path: Path) -> ImageSet:
    make_broden(tmp_path / "set", rng=default_rng(7), n_images=12)
    return open_image_set(tmp_path / "set")
