"""Intersections, areas and truths against brute force over every image, unit, label and pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from tests.workers.engine import making, oracles
from tests.workers.engine.options import make_options
from workers.engine import dissect
from workers.engine.images.image_set import ImageSet
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.iou.arrays import MODES, IoU
from workers.engine.measures.iou.iou import best_by_category, iou_of
from workers.engine.measures.measure import MeasuredLayer
from workers.engine.measures.options import DissectionOptions
from workers.engine.measures.thresholds.arrays import Thresholds

OPTIONS = make_options(n_top=4, n_low=2, tail=0.05, iou_modes=MODES, batch_size=4)


def dissected(
    image_set: ImageSet, *, seed: int, layer: str = "4", options: DissectionOptions = OPTIONS
) -> tuple[MeasuredLayer, np.ndarray]:
    network = making.tiny_network(seed=seed)
    tally = dissect.measure_shard(
        network=network,
        layers=[layer],
        image_set=image_set,
        options=options,
        shard=dissect.Shard(0, len(image_set.paths)),
    )
    (result,) = making.finish(network=network, image_set=image_set, tally=tally, options=options)
    activations = oracles.dense_activations(
        network=network, path=layer, image_set=image_set, batch_size=options.run.batch_size
    )
    return result, activations


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_equals_the_brute_force_count(broden: ImageSet, seed: int, mode: str) -> None:
    result, activations = dissected(broden, seed=seed)
    axis = result.placed(making.INPUT_PX).rows
    expected = oracles.count(
        mode=mode,
        activations=activations,
        thresholds=result.result(Thresholds).threshold,
        image_set=broden,
        px=making.LABEL_PX,
        input_px=making.INPUT_PX,
        stride=axis.stride,
        offset=axis.offset,
    )
    assert expected.intersection.sum() > 0
    np.testing.assert_array_equal(result.result(IoU).modes[mode].intersection, expected.intersection)
    np.testing.assert_array_equal(result.result(IoU).modes[mode].area, expected.area)
    np.testing.assert_array_equal(result.result(IoU).modes[mode].truth, expected.truth)
    union = expected.area + expected.truth - expected.intersection
    best = result.result(IoU).modes[mode].best_iou.max(axis=1)
    np.testing.assert_allclose(best, (expected.intersection / np.maximum(union, 1)).max(axis=1), rtol=0, atol=1e-12)


def test_the_modes_differ_on_this_set(broden: ImageSet) -> None:
    result, _ = dissected(broden, seed=0)
    areas = [result.result(IoU).modes[mode].area.tolist() for mode in MODES]
    assert areas[0] != areas[1]
    assert areas[0] != areas[2]


def test_maps_larger_than_the_label_map_are_sampled_at_its_pixels(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(3), n_images=4, label_px=10)
    image_set = open_image_set(tmp_path / "set")
    result, activations = dissected(image_set, seed=2, layer="1")
    axis = result.placed(making.INPUT_PX).rows
    assert activations.shape[2] > 10
    expected = oracles.count(
        mode="paper",
        activations=activations,
        thresholds=result.result(Thresholds).threshold,
        image_set=image_set,
        px=10,
        input_px=making.INPUT_PX,
        stride=axis.stride,
        offset=axis.offset,
    )
    np.testing.assert_array_equal(result.result(IoU).modes["paper"].intersection, expected.intersection)
    np.testing.assert_array_equal(result.result(IoU).modes["paper"].area, expected.area)


def test_lite_counts_area_only_over_labels_of_the_category_and_does_not_clear_a_whole_image_zero(
    tmp_path: Path,
) -> None:
    """Three images whose one unit masks the whole upper half; each shows one of NetDissect-Lite's deviations or
    none.
    """
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    making.write_tables(root)
    upper, lower = np.zeros((8, 8), int), np.zeros((8, 8), int)
    upper[:4], lower[4:] = 4, 4
    rows = []
    for name, numbers, texture in (("a", upper, ""), ("b", lower, ""), ("c", upper, "0")):
        making.write_label_map(root / "images" / f"{name}_object.png", numbers)
        rows.append({"image": f"{name}.png", "sh": 8, "sw": 8, "object": f"{name}_object.png", "texture": texture})
    making.write_index(root, rows)
    from workers.engine.images.packed_labels import pack_labels
    from workers.engine.measures.iou.iou import MaskTask, count_modes
    from workers.engine.measures.thresholds.thresholds import SparseMaps
    from workers.engine.networks.geometry import MapGeometry, evenly_spread

    image_set = open_image_set(root)
    assert image_set.labels is not None
    even = evenly_spread(n_cells=2, input_px=16)
    maps = SparseMaps(
        image=np.arange(3, dtype=np.int32),
        unit=np.zeros(3, np.int32),
        start=np.array([0, 4, 8, 12]),
        cell=np.tile(np.arange(4, dtype=np.int32), 3),
        value=np.tile(np.array([1, 1, 0, 0], np.float32), 3),
    )
    (counts,) = count_modes(
        modes=("paper", "lite"),
        tasks=[MaskTask((2, 2), MapGeometry(even, even), 16, maps, np.array([0.5], np.float32))],
        labels=pack_labels(images=[0, 1, 2], runs=[image_set.read_labels(i) for i in range(3)]),
        index=image_set.labels,
    )
    names = [label.name for label in image_set.labels.labels]
    car, banded = names.index("car"), names.index("banded")
    assert counts["paper"].counts.area[0, car] == 3 * 32
    # Image b's car lies outside the mask.
    assert counts["lite"].counts.area[0, car] == 2 * 32
    # No image holds a texture, but c carries 0 for the whole image, which lite takes for a label of the last category.
    assert counts["paper"].counts.area[0, banded] == 0
    assert counts["lite"].counts.area[0, banded] == 32
    assert counts["lite"].counts.truth[car] == counts["paper"].counts.truth[car] == 3 * 32


def test_best_labels_go_to_the_lower_number_and_minus_one_where_nothing_meets() -> None:
    iou = iou_of(intersection=np.array([[2, 2, 0]]), area=np.array([[4, 4, 4]]), truth=np.array([4, 4, 0]))
    label, best = best_by_category(iou=iou, numbers=np.array([5, 7, 9]), categories=np.array([0, 0, 1]), n_categories=3)
    assert label.tolist() == [[5, -1, -1]]
    np.testing.assert_allclose(best, [[1 / 3, 0, 0]], atol=1e-12)
