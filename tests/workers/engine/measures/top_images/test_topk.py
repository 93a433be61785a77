"""The maps of each unit's best images, by torch and by compiled loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.workers.engine.options import LOOPS
from workers.engine.measures.pairs import gather_pairs
from workers.engine.measures.top_images.topk import TopMaps, rank_images, seeded_order
from workers.engine.networks.layer_maps import LayerShape


@pytest.mark.parametrize("loops", LOOPS)
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_top_maps_are_those_of_the_highest_peaks(loops: bool, order: torch.memory_format) -> None:
    """Peaks are whole numbers, so that many are equal: the lower image comes first."""
    every = torch.from_numpy(np.random.default_rng(2).integers(0, 5, (23, 3, 11, 9)).astype(np.float32))
    every += torch.arange(23)[:, None, None, None] % 4
    peaks = every.amax(dim=(2, 3))
    tops = TopMaps(shape=LayerShape("conv", 3, 11, 9), n_top=6, device="cpu")
    for images in torch.arange(23).split(5):
        maps = every[images].contiguous(memory_format=order)
        wanted = tops.rank(images=images, peaks=peaks[images])
        if loops:
            tops.take(maps)
        else:
            tops.keep(gather_pairs(images=images, maps=maps, wanted=wanted))
    found, top_maps = tops.freeze()
    best = peaks.sort(dim=0, descending=True, stable=True).indices[:6].T
    np.testing.assert_array_equal(found, best)
    np.testing.assert_array_equal(top_maps, every[best, torch.arange(3)[:, None]])


def test_the_order_by_a_seed_is_the_same_on_every_machine() -> None:
    """SplitMix64's first numbers from state 0, as its author prints them, and whole numbers of Python for another."""
    assert [hex(one) for one in seeded_order(seed=0, stream=0, n=3).tolist()] == [
        "0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4", "0x6c45d188009454f",
    ]  # fmt: skip
    state = 0xD1342543DE82EF95 * (2**64 - 5) + 0xDA942042E4DD58B5 * 7
    expected = []
    for step in (1, 2):
        z = (state + step * 0x9E3779B97F4A7C15) % 2**64
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            z = (z ^ (z >> shift)) * factor % 2**64
        expected.append(z)
    assert seeded_order(seed=-5, stream=7, n=2).tolist() == expected


def test_top_and_low_images_are_ranked_as_they_are_described() -> None:
    """Of 25 images, the lowest tenth is three; peaks are whole numbers, so that many are equal."""
    peaks = np.random.default_rng(4).integers(0, 4, (25, 5)).astype(np.float32)
    peaks[:, 4] = 0  # a silent unit
    images = np.arange(100, 125, dtype=np.int32)
    top, low = rank_images(peaks=peaks, images=images, n_top=4, n_low=2, seed=3)
    for unit in range(5):
        own, keys = peaks[:, unit].tolist(), seeded_order(seed=3, stream=unit, n=25).tolist()
        best = sorted(range(25), key=lambda i, own=own: (-own[i], i))[:4]  # type: ignore[misc]
        lowest = sorted(range(25), key=lambda i, own=own, keys=keys: (own[i], keys[i]))[:3]  # type: ignore[misc]
        drawn = sorted((i for i in lowest if i not in best), key=keys.__getitem__)[:2]
        assert top[unit].tolist() == [100 + i for i in best]
        assert low[unit].tolist() == ([100 + i for i in drawn] + [-1, -1])[:2]
    few, none = rank_images(peaks=peaks[:2], images=images[:2], n_top=4, n_low=2, seed=3)
    assert (few[4].tolist(), none[4].tolist()) == ([100, 101, -1, -1], [-1, -1])
