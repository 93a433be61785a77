"""What every test may use: the shared material where it lies."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The material that lies beside the checkout; a test that needs it is skipped where it is absent, never in CI."""
    folder = Path(os.environ.get("UNITSCOPE_SHARED") or Path(__file__).parent.parent.parent / "shared")
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{folder} is absent in CI.")
        pytest.skip(f"The shared test material is not at {folder}.")
    return folder
