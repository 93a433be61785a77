"""Read-outs of a small network, kept as a fit leaves them."""

from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from annotator.readouts.models import Readout
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.trying.conftest import Run, network, run
from workers.engine.networks.loading import load_network
from workers.engine.readouts.readout import Readout as Kept
from workers.store import open_store

__all__ = ["network", "run"]

ARCHITECTURE, N_UNITS = "tests.workers.engine.making:headed_module", 6
ACCURACY = {"value": 0.3, "low": 0.25, "high": 0.35}
VQA_REPORT = {
    "task": "vqa", "layer": "1", "n_units": N_UNITS, "n_training": 40, "n_test": 12, "n_unreadable": 0,
    "split": "drawn by photograph", "accuracy": ACCURACY, "accuracy_words": {**ACCURACY, "value": 0.21},
    "accuracy_image": {**ACCURACY, "value": 0.07}, "accuracy_majority": {**ACCURACY, "value": 0.05},
    "majority": "two", "features": [],
}  # fmt: skip


def keep(name: str, task: str, *, report: dict[str, Any], facts: dict[str, Any], **arrays: Any) -> Readout:
    """A fitted read-out with those weights."""
    readout = Readout.objects.create(
        name=name, task=task, architecture=ARCHITECTURE, layer="1", state="fitted", report=report, created_at=NOW,
        fitted_at=NOW,
    )  # fmt: skip
    known = load_network(architecture=ARCHITECTURE, weights=None).describe()
    kept = Kept(task, known, "1", N_UNITS, facts, {key: np.asarray(one, np.float32) for key, one in arrays.items()})
    kept.write(open_store(readout.folder).write)
    return readout


@pytest.fixture
def asks(run: Run) -> Readout:
    """It answers questions: "what" speaks for table, "many" for two."""
    rng = default_rng(5)
    return keep(
        "asks", "vqa",
        report=VQA_REPORT,
        facts={"names": ["table", "two", "white"], "vocabulary": ["many", "what"]},
        weight=rng.normal(size=(3, N_UNITS)), bias=np.zeros(3),
        words=[[9, 0], [0, 9], [1, 1]], embedding=[[0, 1], [1, 0]],
    )  # fmt: skip
