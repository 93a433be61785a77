"""The maps of each unit's best images, by torch and by compiled loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.workers.engine.options import LOOPS
from workers.engine.measures.pairs import gather_pairs
from workers.engine.measures.top_images.topk import TopMaps
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
