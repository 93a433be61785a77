"""A dissection to study, and few resamples."""

from pathlib import Path

import numpy as np
import pytest
from pytest_django import Settings

from annotator.studies import scores
from annotator.units.models import Dissection
from tests.annotator.crowd.making import draw_photographs, make_dissection
from tests.annotator.studies.making import N_UNITS, VECTORS
from workers.engine import resampling


@pytest.fixture
def dissection(db: None, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Dissection:
    """Its vectors lie in `vectors.npy`, where `plan` reads them."""
    monkeypatch.setattr(scores, "N_RESAMPLES", 60)
    monkeypatch.setattr(resampling, "N_PERMUTATIONS", 99)
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    (tmp_path / "images").mkdir()
    made = make_dissection(tmp_path / "images", n_units=N_UNITS, n_top=2, n_low=1)
    draw_photographs(made)
    np.save(tmp_path / "vectors.npy", VECTORS)
    return made
