"""Activation vectors: the maximum and the mean of every map, in half precision, however the set is cut."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from tests.workers.engine import making, oracles
from tests.workers.engine.options import make_options
from workers.engine import complete, dissect
from workers.engine.format.spilling import IN_MEMORY, Spill
from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.activation_vectors import measure
from workers.engine.measures.activation_vectors.arrays import NAMES, vector_name
from workers.engine.measures.measure import list_measures
from workers.engine.measures.tally import load_tally, merge_tallies, save_tally
from workers.unitscope import public as unitscope

OPTIONS = make_options(n_top=3, n_low=1, tail=0.05, batch_size=5, activation_vectors=True)
NETWORK = making.tiny_network(seed=1)


def save_vectors(image_set: ImageSet, cuts: list[int], folder: Path, *, spill: Spill = IN_MEMORY) -> dict[str, bytes]:
    """Of layers 1 and 4, measured in shards that begin at the cuts and are joined backwards."""
    tallies = []
    for first, end in zip(cuts, [*cuts[1:], 12], strict=True):
        tally = dissect.measure_shard(
            network=NETWORK, layers=["1", "4"], image_set=image_set, options=OPTIONS, shard=dissect.Shard(first, end)
        )
        save_tally(tally, folder / f"{first}-{end}.npz")
        tallies.append(load_tally(folder / f"{first}-{end}.npz"))
    saved: dict[str, bytes] = {}
    completion = complete.prepare(
        network=NETWORK, image_set=image_set, tally=merge_tallies(tallies[::-1], spill=spill), options=OPTIONS,
        save=lambda name, data: saved.update({name: bytes(data)}), progress=lambda stage, n_done, n_total: None,
    )  # fmt: skip
    (mine,) = [one for one in list_measures() if isinstance(one, measure.ActivationVectorsMeasure)]
    complete.complete_measure(mine, completion)
    return saved


def test_they_are_the_maxima_and_means_of_all_maps_however_the_set_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(2), n_images=12)
    image_set = open_image_set(tmp_path / "set")
    whole = save_vectors(image_set, [0], tmp_path)
    monkeypatch.setattr(measure, "ROWS_AT_ONCE", 5)
    (tmp_path / "spill").mkdir()
    assert save_vectors(image_set, [0, 5, 10], tmp_path, spill=Spill(tmp_path / "spill")) == whole
    assert set(whole) == {vector_name(layer, name) for layer in (0, 1) for name in NAMES}
    maps = oracles.dense_activations(network=NETWORK, path="4", image_set=image_set, batch_size=5)
    images, maxima, means = (np.load(io.BytesIO(whole[vector_name(1, name)])) for name in NAMES)
    assert images.tolist() == list(range(12))
    np.testing.assert_array_equal(maxima, maps.max(axis=(2, 3)).astype(np.float16))
    np.testing.assert_allclose(means, maps.mean(axis=(2, 3)), rtol=2e-3, atol=1e-6)


def test_a_notebook_has_them_as_arrays_if_they_were_asked_for(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(3), n_images=8)
    chosen = {"layers": ["4"], "images": tmp_path / "set", "progress": False, "batch_size": 4, "n_top": 3, "n_low": 1}
    plain = unitscope.dissect("tests.workers.engine.making:tiny_module", **chosen, tail=0.2)
    with pytest.raises(KeyError, match="activation_vectors=True"):
        _ = plain["4"].vectors
    kept = unitscope.dissect("tests.workers.engine.making:tiny_module", **chosen, tail=0.2, activation_vectors=True)
    opened = unitscope.open_dissection(kept.save(tmp_path / "run.unitscope"))
    found = opened["4"].vectors
    assert (sorted(found), found["maxima"].shape, found["means"].dtype) == (
        ["images", "maxima", "means"],
        (8, 5),
        np.float16,
    )
    top = plain["4"].arrays["top_peak"][:, 0].astype(np.float16)
    np.testing.assert_array_equal(found["maxima"].max(axis=0), top)
