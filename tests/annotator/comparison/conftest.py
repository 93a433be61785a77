"""The published answers and labels, where they lie."""

from pathlib import Path

import pytest


@pytest.fixture
def published(shared: Path) -> Path:
    return shared / "data" / "published" / "places205-alexnet"
