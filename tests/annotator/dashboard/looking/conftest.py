"""A labeled image set on disk, a network of six units, and a dissection of it; tasks run in the process of the test."""

from pathlib import Path

import numpy as np
import pytest

from annotator.units.models import Dissection, Image, ImageSet, Layer, Network
from tests.annotator.crowd.making import make_dissection
from tests.annotator.dashboard.trying.conftest import Run, run
from tests.workers.engine.making import make_broden
from workers.engine.networks.loading import load_network

__all__ = ["Run", "run"]
ARCHITECTURE = "tests.workers.engine.making:headed_module"
N_IMAGES = 9


@pytest.fixture
def dissection(run: Run, tmp_path: Path) -> Dissection:
    """Units of layer 1; the top images of unit 0 are the photographs 0 to 4, by falling peak."""
    dissection = make_dissection(tmp_path, n_units=6, n_top=5, n_low=1, name="small")
    make_broden(tmp_path / "set", rng=np.random.default_rng(1), n_images=N_IMAGES)
    loaded = load_network(architecture=ARCHITECTURE, weights=None)
    Network.objects.update(
        architecture=ARCHITECTURE, weights_sha256=loaded.weights_sha256, source_sha256=loaded.source_sha256
    )
    Layer.objects.update(path="1")
    Dissection.objects.update(layer_paths=["1"])
    ImageSet.objects.update(address=str(tmp_path / "set"), has_labels=True, n_images=N_IMAGES)
    Image.objects.filter(index__gte=N_IMAGES).delete()
    for one in Image.objects.all():
        Image.objects.filter(pk=one.pk).update(path=f"{one.index:03}.png")
    dissection.refresh_from_db()
    dissection.dissected_units.update(
        threshold=0.2, peak_low=0.0, peak_high=4.0, peak_histogram=[4, 3, 1, 1], empirical_size_px=6.0
    )
    return dissection
