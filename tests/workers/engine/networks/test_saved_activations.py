"""Saved arrays in place of a module: the same numbers as from the module that gave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from tests.workers.engine import making, oracles
from tests.workers.engine.options import check_artifact, make_options
from workers.engine import complete, dissect
from workers.engine.format.artifact import Arrays, read_artifact
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.tally import Tally
from workers.engine.networks.layer_maps import LayerShapeUnknown
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.map_axes import Asked
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
        (np.zeros(3, np.float32), "image x unit"),
        (np.zeros((3, 4, 2, 2), np.int64), "int64"),
        (np.zeros((0, 4, 2, 2), np.float32), "image x unit"),
    ],
)
def test_arrays_of_another_shape_are_refused_in_words(tmp_path: Path, array: np.ndarray, words: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(SavedActivationsInvalid, match=words):
        open_saved(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("sizes", "asked", "shape"),
    [
        ((3, 4, 2, 2), {}, (4, 2, 2)),
        ((3, 7, 7, 4), {}, (4, 7, 7)),
        ((3, 64), {}, (64, 1, 1)),
        ((3, 5, 49), {}, (5, 7, 7)),
        ((3, 197, 20), {}, (20, 14, 14)),
        ((3, 196, 20), {}, (20, 14, 14)),
        ((3, 201, 20), {"tokens": "5"}, (20, 14, 14)),
        ((3, 49, 256), {"axes": "btu"}, (256, 7, 7)),
        ((3, 4, 6, 5), {"axes": "buhw"}, (4, 6, 5)),
    ],
)
def test_the_units_of_a_saved_array_are_found_or_named(
    tmp_path: Path, sizes: tuple[int, ...], asked: dict[str, str], shape: tuple[int, int, int]
) -> None:
    values = np.arange(np.prod(sizes), dtype=np.float32).reshape(sizes)
    np.save(tmp_path / "a.npy", values)
    saved = open_saved(tmp_path / "a.npy")
    found = saved.find_shape(Asked(**asked))
    assert (found.n_units, found.height, found.width) == shape
    maps = saved.read([2, 0], found, device=torch.device("cpu"))
    assert maps.shape == (2, *shape)
    if "u" in found.axes[1:2]:
        np.testing.assert_array_equal(maps[0].reshape(-1), values[2].reshape(-1))
    else:
        np.testing.assert_array_equal(maps[0, 1].reshape(-1), values[2, ..., 1].reshape(-1)[found.n_first :])


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((3, 3, 7), "7 units at 3 tokens or 3 units at 7 tokens.*Cells must make a square grid"),
        ((3, 49, 256), "256 units at 49 tokens or 49 units at 256 tokens.*--axes btu or --axes but"),
        ((3, 197, 1024), "1,024 units at 197 tokens or 197 units at 1,024 tokens"),
        ((3, 7, 7, 7), "--axes buhw or --axes bhwu"),
        ((3, 4, 6, 5), "4 units of 6 x 5 or 5 units of 4 x 6"),
    ],
)
def test_an_array_that_can_be_read_in_two_ways_is_refused_with_both(
    tmp_path: Path, sizes: tuple[int, ...], words: str
) -> None:
    np.save(tmp_path / "a.npy", np.zeros(sizes, np.float32))
    with pytest.raises(LayerShapeUnknown, match=words):
        open_saved(tmp_path / "a.npy").find_shape(Asked())


def test_a_value_that_is_not_finite_is_refused_by_unit_and_image(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(2), n_images=10)
    values = np.zeros((10, 5, 7, 7), np.float16)
    values[6, 3, 2, 1] = -np.inf
    np.save(tmp_path / "a.npy", values)
    saved = open_saved(tmp_path / "a.npy", input_px=making.INPUT_PX)
    with pytest.raises(dissect.UnitNotFinite, match=r"Unit 3 of a gives minus infinity on 006\.png"):
        dissect.measure_shard(
            network=saved,
            layers=["a"],
            image_set=open_image_set(tmp_path / "set"),
            options=OPTIONS,
            shard=dissect.Shard(0, 10),
        )


@pytest.mark.parametrize("content", [b"\0\0\x80?" * 64, b"1,2,3\n", b""])
def test_what_is_no_array_is_refused_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    """Such as the raw memory of an array, which states neither type nor shape."""
    (tmp_path / "a.dat").write_bytes(content)
    with pytest.raises(SavedActivationsInvalid, match=r"a.dat is no array of numpy: write it with numpy.save"):
        open_saved(tmp_path / "a.dat")


def test_a_pickled_array_is_not_executed(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([object()], dtype=object), allow_pickle=True)
    with pytest.raises(SavedActivationsInvalid, match=r"cannot be read as an array: .*objects"):
        open_saved(tmp_path / "a.npy")
