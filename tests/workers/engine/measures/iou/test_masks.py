"""Masks over label maps against a plain loop, for maps and label maps of any shape and wherever cells lie."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator, default_rng

from tests.workers.engine import oracles
from tests.workers.engine.options import LOOPS
from workers.engine import compiling
from workers.engine.format.spilling import IN_MEMORY
from workers.engine.images.label_maps import LabelRuns
from workers.engine.images.label_table import Label, LabelTable
from workers.engine.images.packed_labels import pack_labels
from workers.engine.measures.iou import label_groups, masks
from workers.engine.measures.iou.iou import Beside, count_modes
from workers.engine.measures.iou.masks import MaskTask, resolve_masks
from workers.engine.measures.thresholds.thresholds import SparseMaps
from workers.engine.networks.geometry import AxisGeometry, MapGeometry, plan_upsampling, upsample

INPUT_PX, N_UNITS = 24, 3
# Numbers with gaps, two categories.
INDEX = LabelTable(
    labels=tuple(Label(number, f"label {number}", c, (c,)) for number, c in ((2, "a"), (3, "b"), (7, "a"), (9, "b"))),
    categories=("a", "b"),
)
Slots = list[tuple[bool, np.ndarray]]


def draw_slots(rng: Generator, height: int, width: int) -> Slots:
    """Up to four slots of one image: (given for the whole image, (height, width) numbers)."""
    slots: Slots = []
    for _ in range(rng.integers(0, 5)):
        is_whole = bool(rng.random() < 0.3)
        shape = (1, 1) if is_whole else (height, width)
        slots.append((is_whole, np.broadcast_to(rng.choice([0, 2, 3, 7, 9], shape), (height, width))))
    return slots


def runs_of(slots: Slots, height: int, width: int) -> LabelRuns:
    starts = [np.concatenate(([0], np.flatnonzero(np.diff(one.ravel())) + 1)) for _, one in slots]
    return LabelRuns(
        height=height,
        width=width,
        slot_category=np.zeros(len(slots), np.int16),
        slot_whole=np.array([whole for whole, _ in slots], dtype=np.bool_),
        slot_start=np.cumsum([0, *map(len, starts)]),
        run_start=np.concatenate([np.zeros(0), *starts]).astype(np.int32),
        run_label=np.concatenate(
            [np.zeros(0), *(one.ravel()[s] for (_, one), s in zip(slots, starts, strict=True))]
        ).astype(np.uint16),
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    map_shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    stride=st.sampled_from([1.0, 3.0, 4.0, 7.5, 30.0]),
    offset=st.sampled_from([-9.0, 0.0, 3.5, 11.0, 40.0]),
    once=st.booleans(),
    scratch=st.sampled_from([1, 60, 10_000]),
    unfolded=st.sampled_from([1, 20, 10_000]),
    loops=st.sampled_from(LOOPS),
)
def test_counts_equal_a_loop_over_pairs_and_pixels(
    seed: int,
    map_shape: tuple[int, int],
    stride: float,
    offset: float,
    once: bool,
    scratch: int,
    unfolded: int,
    loops: bool,
) -> None:
    rng = default_rng(seed)
    axis = AxisGeometry(size=5, stride=stride, offset=offset)
    sizes = [(int(h), int(w)) for h, w in rng.choice([1, 4, 7], (4, 2))]
    slots = [draw_slots(rng, *size) for size in sizes]
    dense = rng.integers(0, 4, (4, N_UNITS, *map_shape)).astype(np.float32) * (rng.random((4, N_UNITS, 1, 1)) < 0.8)
    limits = np.array([0.5, 1.0, 2.0], np.float32)
    image, unit = (dense > limits[:, None, None]).any(axis=(2, 3)).nonzero()
    n_cells = map_shape[0] * map_shape[1]
    sparse = SparseMaps(
        image=image.astype(np.int32),
        unit=unit.astype(np.int32),
        start=np.arange(len(image) + 1) * n_cells,
        cell=np.tile(np.arange(n_cells, dtype=np.int32), len(image)),
        value=dense[image, unit].ravel(),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "CAN_COMPILE", loops)
        patch.setattr(masks, "CHUNK_CELLS", scratch)
        patch.setattr(masks, "CHUNK_COUNTS", scratch)
        patch.setattr(masks, "SUMMED_AT_ONCE", scratch)
        patch.setattr(label_groups, "COUNTED_AT_ONCE", scratch)
        patch.setattr(label_groups, "UNFOLDED_PIXELS", unfolded)
        task = MaskTask(map_shape, MapGeometry(axis, axis), INPUT_PX, sparse, limits)
        silent = MaskTask(map_shape, MapGeometry(axis, axis), INPUT_PX, sparse, limits + 9)
        labels = pack_labels(
            images=[0, 1, 2, 3], runs=[runs_of(s, *size) for s, size in zip(slots, sizes, strict=True)]
        )
        order = [1, 0, 3, 2]
        layers = resolve_masks(
            tasks=[task, silent],
            labelings=[labels, labels.dealt_out(np.array(order))],
            index=INDEX,
            once=once,
            keep=IN_MEMORY,
        )
        columns = np.arange(N_UNITS)[:, None] + [1, 2]
        in_bins = masks.sum_in_bins(
            task, layers[0][0].of_pairs, masks.Wanted(columns, np.array([1, 0, 0, 1])), labels.images
        )
    for silently in layers[1]:
        assert not silently.intersection.any()
        assert not silently.pair_area.any()
    for found, dealt in zip(layers[0], (range(4), order), strict=True):
        expected = np.zeros((4, N_UNITS, 4), dtype=int)
        for pair, (i, u) in enumerate(zip(image, unit, strict=True)):
            mask = mask_of(dense[i, u], limits[u], sizes[dealt[i]], axis)
            assert found.pair_area[pair] == mask.sum()
            for c, label in enumerate(INDEX.labels):
                carried = [one == label.number for _, one in slots[dealt[i]]]
                expected[i, u, c] += (
                    (np.any(carried, axis=0) & mask).sum() if once else sum((one & mask).sum() for one in carried)
                )
        np.testing.assert_array_equal(found.intersection, expected.sum(axis=0))
        if found.of_pairs is not None:
            for place, images in enumerate(([1, 2], [0, 3])):
                wanted = np.take_along_axis(expected[images].sum(axis=0), columns - 1, axis=1)
                np.testing.assert_array_equal(in_bins[:, :, place], wanted)


@pytest.mark.parametrize("loops", LOOPS)
def test_a_mask_is_evaluated_once_for_its_counts_their_intervals_and_counts_by_chance(
    loops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = []
    monkeypatch.setattr(compiling, "CAN_COMPILE", loops)
    name = "loop_over_masks" if loops else "find_blocks"
    evaluate = getattr(masks, name)

    def counting(*given: Any, **named: Any) -> Any:
        evaluated.append(len(given[1]))
        return evaluate(*given, **named)

    monkeypatch.setattr(masks, name, counting)
    rng = default_rng(4)
    axis = AxisGeometry(size=5, stride=4.0, offset=2.0)
    maps = SparseMaps(
        image=np.arange(6, dtype=np.int32), unit=np.zeros(6, np.int32), start=np.arange(7) * 9,
        cell=np.tile(np.arange(9, dtype=np.int32), 6), value=rng.random(54).astype(np.float32),
    )  # fmt: skip
    labels = pack_labels(images=list(range(6)), runs=[runs_of(draw_slots(rng, 7, 7), 7, 7) for _ in range(6)])
    (counted,) = count_modes(
        modes=("paper", "unconditional"),
        tasks=[MaskTask((3, 3), MapGeometry(axis, axis), INPUT_PX, maps, np.array([0.2], np.float32))],
        labels=labels,
        index=INDEX,
        beside=Beside(bin_of_image=np.arange(6), order=np.array([1, 2, 3, 4, 5, 0])),
    )
    assert sum(evaluated) == 6
    for one in counted.values():
        assert one.draws is not None
        assert one.counts.shuffled_iou is not None


def mask_of(cells: np.ndarray, limit: np.float32, size: tuple[int, int], axis: AxisGeometry) -> np.ndarray:
    def at(pixel: int, n: int) -> float:
        return ((pixel + 0.5) * INPUT_PX / n - 0.5 - axis.offset) / axis.stride

    height, width = size
    values = [[oracles.value_at(cells, at(y, height), at(x, width)) for x in range(width)] for y in range(height)]
    return np.array(values) > limit


def weigh(position: Fraction, n_cells: int) -> list[tuple[int, Fraction]]:
    """The cells that a position lies between, edges clamped, and their shares."""
    inside = min(max(position, Fraction(0)), Fraction(n_cells - 1))
    lower = min(int(inside), max(0, n_cells - 2))
    weight = inside - lower
    return [(cell, share) for cell, share in ((lower, 1 - weight), (lower + 1, weight)) if share]


def exact_mask(cells: np.ndarray, limit: np.float32, px: int, axis: AxisGeometry) -> np.ndarray:
    """Strictly over the limit in exact arithmetic."""
    mask = np.zeros((px, px), dtype=bool)
    at = [(Fraction(p) - Fraction(axis.offset)) / Fraction(axis.stride) for p in range(px)]
    for y, x in np.ndindex(px, px):
        value = sum(
            down * across * Fraction(float(cells[row, column]))
            for row, down in weigh(at[y], cells.shape[0])
            for column, across in weigh(at[x], cells.shape[1])
        )
        mask[y, x] = value > Fraction(float(limit))
    return mask


@pytest.mark.parametrize("loops", LOOPS)
@pytest.mark.parametrize("map_shape", [(4, 4), (1, 5), (5, 1), (1, 1)])
def test_no_pixel_is_over_the_threshold_by_rounding(
    map_shape: tuple[int, int], loops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells as GELU and linear layers give them: far below 0 and little above; the threshold is one of them."""
    monkeypatch.setattr(compiling, "CAN_COMPILE", loops)
    rng, n_maps, px = default_rng(8), 30, 17
    axis = AxisGeometry(size=4, stride=4.0, offset=2.0)
    dense = rng.normal(-30, 40, (n_maps, 1, *map_shape)).astype(np.float32)
    dense[::2] = np.minimum(dense[::2], 0.3)
    limits = np.sort(dense.reshape(n_maps, -1), axis=1)[:, -3:].min(axis=1)
    n_cells = map_shape[0] * map_shape[1]
    runs = [LabelRuns(
        height=px, width=px, slot_category=np.zeros(0, np.int16), slot_whole=np.zeros(0, np.bool_),
        slot_start=np.zeros(1, np.int64), run_start=np.zeros(0, np.int32), run_label=np.zeros(0, np.uint16),
    )]  # fmt: skip
    for cells, limit in zip(dense[:, 0], limits, strict=True):
        sparse = SparseMaps(
            image=np.zeros(1, np.int32), unit=np.zeros(1, np.int32), start=np.array([0, n_cells]),
            cell=np.arange(n_cells, dtype=np.int32), value=cells.ravel(),
        )  # fmt: skip
        task = MaskTask(map_shape, MapGeometry(axis, axis), px, sparse, np.array([limit]))
        ((found,),) = resolve_masks(tasks=[task], labelings=[pack_labels(images=[0], runs=runs)], index=INDEX)
        expected = exact_mask(cells, limit, px, axis)
        assert found.pair_area[0] == expected.sum()
        plans = plan_upsampling(
            geometry=MapGeometry(axis, axis), map_shape=map_shape, out_shape=(px, px), input_px=px
        )  # fmt: skip
        dense_mask = upsample(maps=cells, rows=plans[0], columns=plans[1]) > limit
        np.testing.assert_array_equal(dense_mask, expected)
