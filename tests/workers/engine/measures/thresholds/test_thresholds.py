"""Thresholds against numpy's order statistic, however the cells come and whatever they are like."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.engine.options import LOOPS
from tests.workers.engine.oracles import threshold_of
from workers.engine.measures.pairs import gather_pairs
from workers.engine.measures.thresholds import candidates, cell_loop
from workers.engine.measures.thresholds.candidates import CandidateCells, with_neighbors
from workers.engine.measures.thresholds.thresholds import (
    bound_by_landmarks,
    exact_thresholds,
    landmarks_of,
    n_above,
    nth_largest,
)
from workers.engine.networks.layer_maps import LayerShape


def add(cells: CandidateCells, *, first: int, maps: torch.Tensor) -> None:
    """Give a batch, its images numbered from `first`, to torch or to compiled loops."""
    images = torch.arange(first, first + len(maps), dtype=torch.int32)
    peaks = maps.amax(dim=(2, 3))
    if cells.takes:
        # Every other batch lies channels-last in memory.
        maps = maps.contiguous(memory_format=torch.channels_last) if first % 2 else maps
        cells.take(images=images, maps=maps, peaks=peaks)
        return
    cells.add(gather_pairs(images=images, maps=maps, wanted=cells.wanted(maps=maps, peaks=peaks)))


def kept(
    maps: np.ndarray, *, tail: float, batch: int, bound: np.ndarray | None = None, loops: bool = LOOPS[-1]
) -> CandidateCells:
    n_images, n_units, height, width = maps.shape
    n_keep = n_above(tail=tail, n_values=n_images * height * width) + 1
    cells = CandidateCells(
        shape=LayerShape("conv", n_units, height, width),
        n_keep=n_keep,
        device="cpu",
        bound=None if bound is None else torch.from_numpy(bound),
    )
    cells.takes = loops
    for first in range(0, n_images, batch):
        add(cells, first=first, maps=torch.from_numpy(maps[first : first + batch]))
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
@pytest.mark.parametrize(
    ("loops", "held"),
    [(loops, held) for loops in LOOPS for held in (0, 1500, candidates.HELD_CELLS) if not loops or not held],
)
def test_thresholds_equal_the_order_statistic(
    kind: str, tail: float, loops: bool, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "FIRST_PRUNING_CELLS", 500)
    monkeypatch.setattr(candidates, "HELD_CELLS", held)
    rng = np.random.default_rng(3)
    maps = KINDS[kind](rng, (60, 3, 5, 6)).astype(np.float32)
    cells = kept(maps, tail=tail, batch=7, loops=loops)
    found = exact_thresholds(
        maps=cells.freeze(), bound=cells.bound.numpy(), n_exceeding=n_above(tail=tail, n_values=60 * 30)
    )
    np.testing.assert_array_equal(found, [threshold_of(maps[:, u], tail) for u in range(3)])


@pytest.mark.parametrize("loops", LOOPS)
def test_a_threshold_of_zero_is_the_same_in_every_order_of_images(loops: bool) -> None:
    """A hard swish gives zeros with a sign and without."""
    rng = np.random.default_rng(8)
    maps = np.where(rng.random((12, 4, 5, 6)) < 0.5, np.float32(-0.0), np.float32(0))
    found = set()
    for batch in (1, 5, 12):
        for own in (maps, maps[::-1].copy()):
            cells = kept(own, tail=0.1, batch=batch, loops=loops)
            limits = exact_thresholds(maps=cells.freeze(), bound=cells.bound.numpy(), n_exceeding=36)
            found.add(limits.tobytes())
    assert found == {np.zeros(4, np.float32).tobytes()}


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(KINDS)),
    st.integers(1, 20),
    st.sampled_from([0.005, 0.03, 0.5, 0.99]),
    st.sampled_from(LOOPS),
)
def test_no_cell_that_a_mask_needs_is_ever_dropped(seed: int, kind: str, batch: int, tail: float, loops: bool) -> None:
    rng = np.random.default_rng(seed)
    maps = KINDS[kind](rng, (20, 2, 4, 3)).astype(np.float32)
    sparse = kept(maps, tail=tail, batch=batch, loops=loops).freeze()
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


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_loops_keep_the_same_cells_as_torch(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "FIRST_PRUNING_CELLS", 500)
    maps = KINDS[kind](np.random.default_rng(6), (60, 3, 5, 6)).astype(np.float32)
    by_torch, by_loops = (kept(maps, tail=0.02, batch=7, loops=loops) for loops in (False, True))
    for one, other in zip(astuple(by_torch.freeze()), astuple(by_loops.freeze()), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(by_torch.bound, by_loops.bound)


def test_compiled_loops_find_the_same_cells_as_torch_in_a_large_batch() -> None:
    """More cells than there is room for at first, and units that are no multiple of eight. Every other batch lies
    channels-last.
    """
    shape = (3, 19, 90, 70)
    maps = np.random.default_rng(8).normal(size=shape).astype(np.float32)
    bound = np.linspace(-1, 0, shape[1], dtype=np.float32)
    assert (maps > bound[:, None, None]).sum((1, 2, 3)).min() > cell_loop.ROOM
    by_torch, by_loops = (kept(maps, tail=0.9, batch=1, bound=bound, loops=loops) for loops in (False, True))
    for one, other in zip(astuple(by_torch.freeze()), astuple(by_loops.freeze()), strict=True):
        np.testing.assert_array_equal(one, other)


def test_most_cells_are_dropped_during_the_pass() -> None:
    maps = np.random.default_rng(0).normal(size=(400, 2, 8, 8)).astype(np.float32)
    n_kept = len(kept(maps, tail=0.005, batch=16).freeze().value)
    assert n_kept < 0.08 * maps.size


def test_a_bound_from_elsewhere_prunes_from_the_first_image_on() -> None:
    maps = np.random.default_rng(0).normal(size=(40, 2, 8, 8)).astype(np.float32)
    limits = np.array([threshold_of(maps[:, u], 0.01) for u in range(2)])
    cells = kept(maps[:16], tail=0.01, batch=16, bound=limits)
    assert len(cells.freeze().unit) < len(kept(maps[:16], tail=0.01, batch=16).freeze().unit)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(KINDS)),
    st.lists(st.sampled_from(["small", "large", "prune"]), min_size=1, max_size=12),
    st.sampled_from(LOOPS),
)
def test_the_bound_never_passes_the_order_statistic_of_the_whole_set(
    seed: int, kind: str, acts: list[str], loops: bool
) -> None:
    maps = KINDS[kind](np.random.default_rng(seed), (30, 2, 4, 3)).astype(np.float32)
    limits = [threshold_of(maps[:, u], 0.03) for u in range(2)]
    cells = kept(maps[:0], tail=0.03, batch=1, loops=loops)
    cells.n_keep, done = n_above(tail=0.03, n_values=30 * 12) + 1, 0
    for act in acts:
        if act == "prune" and done:
            cells.prune()
        n = {"small": 1, "large": 5}.get(act, 0)
        part = torch.from_numpy(maps[done : done + n])
        if len(part):
            add(cells, first=done, maps=part)
        done += len(part)
        assert (cells.bound.numpy() <= limits).all()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 3), st.integers(1, 200))
def test_cells_ordered_a_few_units_at_a_time_give_the_same_bound(seed: int, n: int, n_units: int, n_keep: int) -> None:
    rng = np.random.default_rng(seed)
    maps = torch.from_numpy(rng.integers(0, 9, (n, n_units, 3, 2)).astype(np.float32))
    bounds = []
    for at_once in (candidates.ORDERED_CELLS, 7):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(candidates, "ORDERED_CELLS", at_once)
            cells = CandidateCells(shape=LayerShape("conv", n_units, 3, 2), n_keep=n_keep, device="cpu")
            for one in range(n):
                add(cells, first=one, maps=maps[one : one + 1])
            cells.freeze()
        bounds.append(cells.bound.tolist())
    assert bounds[0] == bounds[1]
    own = maps.transpose(0, 1).flatten(1).sort(descending=True).values
    if n * 6 >= n_keep:
        assert bounds[0] == own[:, n_keep - 1].tolist()


@settings(max_examples=16, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(KINDS)), st.sampled_from([0.01, 0.05, 0.5]))
def test_shards_together_tell_a_bound_that_never_passes_the_threshold(seed: int, kind: str, tail: float) -> None:
    maps = KINDS[kind](np.random.default_rng(seed), (40, 2, 5, 4)).astype(np.float32)
    n_keep = n_above(tail=tail, n_values=40 * 20) + 1
    landmarks = []
    for first in range(0, 40, 5):
        cells = kept(maps[first : first + 5], tail=0.99, batch=5)
        landmarks.append(landmarks_of(maps=cells.freeze(), bound=cells.bound.numpy()))
    bound = bound_by_landmarks(landmarks=np.concatenate(landmarks, axis=1), n_keep=n_keep)
    limits = np.array([threshold_of(maps[:, u], tail) for u in range(2)])
    assert (bound <= limits).all()
    if kind == "normal" and tail < 0.5:
        # No shard alone has seen so many values over it; together they are off by their ranks' steps alone.
        assert all((maps[:, u] > bound[u]).sum() <= 1.5 * n_keep + 8 for u in range(2))


def test_the_nth_largest_of_units_that_have_so_many() -> None:
    found = nth_largest(
        unit=np.array([0, 2, 0, 2, 0], np.int32),
        value=np.array([1, 5, 3, 5, 2], np.float32),
        n=2,
        otherwise=np.array([-1, -2, -3], np.float32),
    )
    assert found.tolist() == [2, -2, 5]


def test_the_tail_is_the_decimal_that_is_written() -> None:
    assert n_above(tail=0.005, n_values=1000) == 5
    assert n_above(tail=0.29, n_values=100) == 29
    assert int(0.29 * 100) == 28
