"""Rotated bases: real rotations, powers that add up, and a dissection in the turned basis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from tests.workers.engine import making, oracles
from tests.workers.engine.options import make_options
from workers.engine import dissect
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.options import OptionsInvalid
from workers.engine.measures.rotation.measure import fractional_power, random_rotation
from workers.engine.measures.thresholds.arrays import Thresholds


@pytest.mark.parametrize("n_units", [2, 7, 64])
def test_a_drawn_rotation_is_one_and_its_powers_add_up(n_units: int) -> None:
    rotation = random_rotation(n_units=n_units, seed=4)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(n_units), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    third = fractional_power(rotation=rotation, power=1 / 3)
    np.testing.assert_allclose(third @ third.T, np.eye(n_units), atol=1e-9)
    np.testing.assert_allclose(third @ third @ third, rotation, atol=1e-9)
    np.testing.assert_allclose(fractional_power(rotation=rotation, power=0), np.eye(n_units), atol=1e-9)


def test_a_dissection_in_the_turned_basis_measures_turned_units(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(2), n_images=10)
    image_set, network = open_image_set(tmp_path / "set"), making.tiny_network(seed=1)
    plain = oracles.dense_activations(network=network, path="4", image_set=image_set, batch_size=5)
    options = make_options(n_top=3, n_low=1, tail=0.05, batch_size=5)
    counts = []
    for power in (0.0, 0.5, 1.0):
        turned_options = make_options(**{**options.to_json(), "rotation": power, "rotation_seed": 9})
        tally = dissect.measure_shard(
            network=network,
            layers=["4"],
            image_set=image_set,
            options=turned_options,
            shard=dissect.Shard(0, 10),
        )
        (result,) = making.finish(network=network, image_set=image_set, tally=tally, options=turned_options)
        turn = fractional_power(rotation=random_rotation(n_units=5, seed=9), power=power)
        expected = np.einsum("uv,nvhw->nuhw", turn, plain)
        np.testing.assert_allclose(
            result.result(Thresholds).threshold,
            [oracles.threshold_of(expected[:, u], 0.05) for u in range(5)],
            atol=1e-4,
        )
        counts.append(result.result(Thresholds).threshold.tolist())
    assert counts[0] != counts[1] != counts[2]


def test_rotation_and_occlusion_exclude_each_other() -> None:
    with pytest.raises(OptionsInvalid, match="own basis"):
        make_options(rotation=0.5, occluded_images=5)
