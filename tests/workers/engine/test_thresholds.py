"""Thresholds against numpy's order statistic, however the cells come and whatever they are like."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.engine.oracles import threshold_of
from workers.engine import thresholds
from workers.engine.thresholds import CandidateCells, RisingBound, exact_thresholds, n_above, with_neighbors


def kept(maps: np.ndarray, *, tail: float, batch: int, bound: np.ndarray | None = None) -> CandidateCells:
    n_images, n_units, height, width = maps.shape
    n_keep = n_above(tail=tail, n_values=n_images * height * width) + 1
    cells = CandidateCells(
        n_units=n_units,
        height=height,
        width=width,
        n_keep=n_keep,
        device="cpu",
        bound=None if bound is None else torch.from_numpy(bound),
    )
    for first in range(0, n_images, batch):
        part = torch.from_numpy(maps[first : first + batch])
        images = torch.arange(first, first + len(part), dtype=torch.int32)
        cells.add(images=images, maps=part, peaks=part.amax(dim=(2, 3)))
    return cells


KINDS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "rectified": lambda rng, shape: rng.normal(size=shape).clip(0),
    "nearly silent": lambda rng, shape: (rng.random(shape) > 0.999) * rng.random(shape),
    "silent": lambda rng, shape: np.zeros(shape),
    "capped": lambda rng, shape: (8 * rng.normal(size=shape)).clip(0, 6),
    "whole numbers": lambda rng, shape: rng.integers(0, 5, shape),
    "rising": lambda rng, shape: rng.random(shape) + np.arange(shape[0])[:, None, None, None],
    "falling": lambda rng, shape: rng.random(shape) - np.arange(shape[0])[:, None, None, None],
    "far from zero": lambda rng, shape: 1e6 + rng.random(shape),
    "tiny": lambda rng, shape: rng.normal(size=shape) * 1e-38,
    "huge": lambda rng, shape: rng.normal(size=shape) * 1e37,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", [0.005, 0.2])
def test_thresholds_equal_the_order_statistic(kind: str, tail: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thresholds, "FIRST_PRUNING_CELLS", 500)
    rng = np.random.default_rng(3)
    maps = KINDS[kind](rng, (60, 3, 5, 6)).astype(np.float32)
    cells = kept(maps, tail=tail, batch=7)
    found = exact_thresholds(
        maps=cells.freeze(), bound=cells.bound.numpy(), n_exceeding=n_above(tail=tail, n_values=60 * 30), n_units=3
    )
    np.testing.assert_array_equal(found, [threshold_of(maps[:, u], tail) for u in range(3)])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(KINDS)),
    st.integers(1, 20),
    st.sampled_from([0.005, 0.03, 0.5, 0.99]),
)
def test_no_cell_that_a_mask_needs_is_ever_dropped(seed: int, kind: str, batch: int, tail: float) -> None:
    rng = np.random.default_rng(seed)
    maps = KINDS[kind](rng, (20, 2, 4, 3)).astype(np.float32)
    sparse = kept(maps, tail=tail, batch=batch).freeze()
    limits = np.array([threshold_of(maps[:, u], tail) for u in range(2)])
    have = {
        (int(image), int(unit), int(cell)): value
        for image, unit, start, end in zip(sparse.image, sparse.unit, sparse.start, sparse.start[1:], strict=False)
        for cell, value in zip(sparse.cell[start:end], sparse.value[start:end], strict=True)
    }
    needed = (
        with_neighbors(torch.from_numpy((maps > limits[None, :, None, None]).reshape(-1, 4, 3)))
        .view(maps.shape)
        .numpy()
    )
    for image, unit, y, x in np.argwhere(needed):
        assert have[image, unit, y * 3 + x] == maps[image, unit, y, x]


def test_most_cells_are_dropped_during_the_pass() -> None:
    maps = np.random.default_rng(0).normal(size=(400, 2, 8, 8)).astype(np.float32)
    n_kept = len(kept(maps, tail=0.005, batch=16).freeze().value)
    assert n_kept < 0.08 * maps.size


def test_a_bound_from_elsewhere_prunes_from_the_first_image_on() -> None:
    maps = np.random.default_rng(0).normal(size=(40, 2, 8, 8)).astype(np.float32)
    limits = np.array([threshold_of(maps[:, u], 0.01) for u in range(2)])
    cells = kept(maps[:16], tail=0.01, batch=16, bound=limits)
    assert len(cells.freeze().unit) < len(kept(maps[:16], tail=0.01, batch=16).freeze().unit)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=60),
    st.integers(1, 20),
    st.integers(1, 60),
)
def test_the_bound_never_passes_the_order_statistic_of_what_was_seen(
    values: list[float], n_keep: int, cut: int
) -> None:
    rising = RisingBound(n_keep=n_keep, bound=torch.tensor([-torch.inf]))
    numbers = torch.tensor(values)
    rising.range_over(low=numbers[:cut].min()[None], high=numbers[:cut].max()[None])
    for part in numbers.split(7):
        rising.count(unit=torch.zeros(len(part), dtype=torch.int64), value=part)
    ordered = sorted(values, reverse=True)
    limit = ordered[n_keep - 1] if len(ordered) >= n_keep else -np.inf
    assert rising.bound.item() <= limit


def test_the_tail_is_the_decimal_that_is_written() -> None:
    assert n_above(tail=0.005, n_values=1000) == 5
    assert n_above(tail=0.29, n_values=100) == 29
    assert int(0.29 * 100) == 28
