"""Formulas of labels against brute force over every pixel, and the search against all formulas."""

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng

from tests.workers.engine import making, oracles
from tests.workers.engine.options import make_options
from workers.engine import complete, dissect
from workers.engine.images.readers.table import open_image_set
from workers.engine.measures.compositions import search
from workers.engine.measures.compositions.arrays import JOINTS, Compositions, spell
from workers.engine.measures.compositions.search import find_formula
from workers.engine.measures.measure import list_measures
from workers.engine.measures.thresholds.arrays import Thresholds

OPTIONS = make_options(n_top=3, n_low=1, tail=0.05, batch_size=4, compositions=True)


def join(first: np.ndarray, joint: str, second: np.ndarray) -> np.ndarray:
    return {"AND": first & second, "OR": first | second, "AND NOT": first & ~second}[joint]


def test_a_formulas_iou_is_that_of_its_pixels(tmp_path: Path) -> None:
    making.make_broden(tmp_path / "set", rng=default_rng(2), n_images=8)
    image_set = open_image_set(tmp_path / "set")
    network = making.tiny_network(seed=1)
    tally = dissect.measure_shard(
        network=network, layers=["4"], image_set=image_set, options=OPTIONS, shard=dissect.Shard(0, 8)
    )
    completion = complete.prepare(
        network=network, image_set=image_set, tally=tally, options=OPTIONS,
        save=lambda name, data: None, progress=lambda stage, n_done, n_total: None,
    )  # fmt: skip
    for measure in list_measures():
        if measure.stage in ("label", "compositions"):
            complete.complete_measure(measure, completion)
    (layer,) = completion.layers
    found, axis = layer.result(Compositions), layer.placed(making.INPUT_PX).rows
    maps = oracles.dense_activations(network=network, path="4", image_set=image_set, batch_size=4)
    px = making.LABEL_PX
    for unit, labels in enumerate(found.composed_labels.tolist()):
        inside = union = 0
        for image in range(8):
            mask = oracles.mask_of(
                maps[image, unit], layer.result(Thresholds).threshold[unit], px,
                stride=axis.stride, offset=axis.offset, input_px=making.INPUT_PX,
            )  # fmt: skip
            carried = oracles.labels_of(image_set, image)
            holds = [carried.carrying(number, px) for number in labels if number]
            formula = holds[0]
            for joint, other in zip(found.composed_joints[unit], holds[1:], strict=False):
                formula = join(formula, JOINTS[joint - 1], other)
            inside, union = inside + (mask & formula).sum(), union + (mask | formula).sum()
        assert found.composed_iou[unit] == inside / union
    assert (found.composed_joints > 0).any()


def test_the_search_finds_the_best_of_all_formulas_if_its_beam_holds_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = default_rng(4)
    holds = generator.random((40, 4)) < 0.4
    overall = generator.integers(1, 90, size=40).astype(float)
    inside = np.floor(overall * generator.random(40))
    monkeypatch.setattr(search, "BEAM", 1000)
    best = find_formula(inside, overall, holds, area=2000.0)
    assert best is not None
    every = [holds[:, c] for c in range(4)]
    for n in (2, 3):
        for columns, joints in product(permutations(range(4), n), product(JOINTS, repeat=n - 1)):
            formula = holds[:, columns[0]]
            for joint, column in zip(joints, columns[1:], strict=True):
                formula = join(formula, joint, holds[:, column])
            every.append(formula)
    wanted = max(inside @ one / (2000 + overall @ one - inside @ one) for one in every)
    assert abs(best.iou - wanted) < 1e-12
    assert find_formula(np.zeros(40), overall, holds, area=9.0) is None
    assert spell(["a", "b", "c"], ["OR", "AND NOT"]) == "(a OR b) AND NOT c"
