"""Saved arrays in place of a module: the same numbers as from the module that gave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from tests.workers.engine import making, oracles
from tests.workers.engine.options import check_artifact, make_options
from workers.engine import complete, dissect
from workers.engine.format.artifact import Arrays, read_artifact
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.tally import Tally
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.saved_activations import SavedActivationsInvalid, open_saved

OPTIONS = make_options(n_top=3, n_low=1, tail=0.05, batch_size=4, tile_px=16, iou_modes=("unconditional", "lite"))


def test_saved_activations_give_what_their_module_gives(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(2), n_images=10)
    image_set, network = open_image_set(tmp_path / "set"), making.tiny_network(seed=1)
    maps = oracles.dense_activations(network=network, path="4", image_set=image_set, batch_size=4)
    np.save(tmp_path / "latents.npy", maps.reshape(10, 5, -1))
    saved = open_saved(tmp_path / "latents.npy", input_px=making.INPUT_PX)
    from_file = dissect.measure_shard(
        network=saved, layers=[saved.name], image_set=image_set, options=OPTIONS, shard=dissect.Shard(0, 10)
    )
    from_module = dissect.measure_shard(
        network=network,
        layers=["4"],
        image_set=image_set,
        options=OPTIONS,
        shard=dissect.Shard(0, 10),
    )

    def arrays(source: LoadedNetwork, tally: Tally) -> Arrays:
        stored: dict[str, bytes] = {}
        complete.complete(
            network=source,
            image_set=image_set,
            tally=tally,
            options=OPTIONS,
            device="cpu",
            save=stored.__setitem__,
            progress=lambda stage, n_done, n_total: None,
        )
        artifact = read_artifact(stored.__getitem__)
        check_artifact(artifact)
        return artifact.layer(0)

    found, expected = arrays(saved, from_file), arrays(network, from_module)
    for name in ("top_image", "top_location", "threshold", "low_image", "lite_intersection", "lite_area"):
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((3, 4, 7), np.float32), "no square grid"),
        (np.zeros((3, 4), np.float32), "image x unit"),
        (np.zeros((3, 4, 2, 2), np.int64), "int64"),
        (np.zeros((0, 4, 2, 2), np.float32), "image x unit"),
    ],
)
def test_arrays_of_another_shape_are_refused_in_words(tmp_path: Path, array: np.ndarray, words: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(SavedActivationsInvalid, match=words):
        open_saved(tmp_path / "a.npy")


def test_a_pickled_array_is_not_executed(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([object()], dtype=object), allow_pickle=True)
    with pytest.raises(SavedActivationsInvalid, match="cannot be read"):
        open_saved(tmp_path / "a.npy")
