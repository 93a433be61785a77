"""Empirical receptive fields: the cone equals whole forward passes; a linear unit's field is its kernel's support."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from tests.workers.engine.options import make_options
from workers.engine.measures.empirical_fields import empirical
from workers.engine.measures.empirical_fields.arrays import EmpiricalFields, ingest
from workers.engine.measures.options import OptionsInvalid
from workers.engine.networks.chain import ChainBroken, find_chain
from workers.engine.networks.efficientnet_lite import EfficientNetLite0
from workers.engine.networks.geometry import AxisGeometry, MapGeometry
from workers.engine.networks.layer_maps import LayerShape
from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.probing import probe_layers


def loaded(module: nn.Module, input_px: int) -> LoadedNetwork:
    module = module.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return LoadedNetwork(
        "tests", module, Preprocessing(input_px=input_px, mean=(127.0,) * 3, std=(60.0,) * 3, scale=1.0), ""
    )


class Squeezed(nn.Module):
    """Values over the whole image enter: no cone can be cut."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.out = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        return self.out(y * y.mean(dim=(2, 3), keepdim=True))


def small_alexnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, stride=2, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(8, 12, 5, padding=2, groups=2),
        nn.BatchNorm2d(12),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(12, 10, 3, padding=2, dilation=2),
        nn.Tanh(),
    )


NETWORKS = {
    "alexnet-like": (small_alexnet, "8", 47),
    "resnet": (lambda: torchvision.models.resnet18(weights=None), "layer2", 64),
    "squeezenet": (lambda: torchvision.models.squeezenet1_1(weights=None), "features.7", 64),
    "efficientnet-lite": (EfficientNetLite0, "_blocks.3", 64),
    "whole image": (Squeezed, "out", 31),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_cone_gives_what_whole_forward_passes_give(name: str) -> None:
    make, path, input_px = NETWORKS[name]
    torch.manual_seed(3)
    network = loaded(make(), input_px)
    for part in network.module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    occluders = empirical.make_occluders(network=network, options=empirical.OcclusionOptions(size_px=11, stride_px=7))
    image = torch.randn(1, 3, input_px, input_px).to(memory_format=torch.channels_last)
    shape = probe_layers(module=network.module, paths=[path], input_px=input_px)[path]
    for peaks in ([(2, 3)], [(0, 0), (2, 3), (3, 1), (1, 3)]):
        found = empirical.peak_changes(network=network, shape=shape, image=image, peaks=peaks, occluders=occluders)
        expected = empirical.naive_changes(network=network, shape=shape, image=image, peaks=peaks, occluders=occluders)
        assert expected.max() > 0
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 * float(expected.max()))


def test_a_network_that_mixes_the_whole_image_has_no_chain() -> None:
    with pytest.raises(ChainBroken, match="No single module leads"):
        find_chain(module=Squeezed().eval(), path="out", image=torch.zeros(1, 3, 31, 31))


def test_a_linear_units_field_is_its_kernels_support() -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 9, padding=4, bias=False))
    kernel = torch.zeros(2, 3, 9, 9)
    kernel[0, :, 2:7, 2:7] = 1
    kernel[1, :, 4, 1:8] = 1
    # Channels of incommensurable weight, so that no patch changes nothing by chance.
    kernel *= torch.tensor([1.0, 2**0.5, 3.14159])[:, None, None]
    module[0].weight.data = kernel
    network = loaded(module, 32)
    pixels = np.full((32, 32, 3), 127, dtype=np.uint8)
    maps, sizes = empirical.estimate_fields(
        network=network,
        shape=LayerShape("0", 2, 32, 32),
        geometry=MapGeometry(AxisGeometry(9, 1, 0), AxisGeometry(9, 1, 0)),
        tasks=empirical.plan_peaks(
            top_image=np.array([[0, 1], [0, -1]], np.int32),
            top_location=np.array([[[10, 12], [20, 9]], [[16, 16], [-1, -1]]], np.int16),
            n_images=2,
        ),
        read_pixels=lambda index: pixels,
        options=empirical.OcclusionOptions(size_px=1, stride_px=1, level=0.0, least=1),
        progress=lambda n_done: None,
    )
    center = maps.shape[1] // 2
    for unit in (0, 1):
        support = kernel[unit].sum(0).numpy() > 0
        found = maps[unit] > 0
        np.testing.assert_array_equal(found[center - 4 : center + 5, center - 4 : center + 5], support)
        assert found.sum() == support.sum()
        assert sizes[unit] == pytest.approx(np.sqrt(support.sum()))


def test_units_that_peak_at_one_place_of_one_image_are_asked_about_together() -> None:
    tasks = empirical.plan_peaks(
        top_image=np.array([[4, 2], [4, 7]], np.int32),
        top_location=np.array([[[1, 1], [0, 0]], [[1, 1], [2, 2]]], np.int16),
        n_images=2,
    )
    assert list(tasks.items()) == [(2, {(0, 0): [0]}), (4, {(1, 1): [0, 1]}), (7, {(2, 2): [1]})]


def test_few_images_give_no_field_and_places_that_few_images_cover_are_left_out() -> None:
    covered = np.zeros((2, 5, 5))
    covered[0], covered[0, :, 4], covered[1] = 6, 4, 4
    total = covered * np.where(np.arange(5) == 4, 100.0, 1.0)
    maps, sizes = empirical.average(
        total=total, covered=covered, n_images=np.array([6, 4]), options=empirical.OcclusionOptions()
    )
    assert maps[0, :, 4].max() == 0, "four images do not speak for a place"
    assert maps[0, :, :4].tolist() == np.ones((5, 4)).tolist()
    assert sizes[0] == np.float32(3 * np.sqrt(20))
    assert np.isnan(sizes[1])


def test_units_without_a_field_are_not_estimated_in_the_database_and_left_out_of_the_mean() -> None:
    found = EmpiricalFields(
        empirical_map=np.zeros((3, 5, 5), np.float32),
        empirical_size=np.array([30, np.nan, 50], np.float32),
        empirical_picture=np.array(["a", "b", "c"]),
        empirical_images=np.array([25, 4, 20], np.int32),
    )
    assert (found.mean_px, found.n_found) == (40, 2)
    rows = list(ingest(found, {}))
    assert [row.columns["empirical_size_px"] for row in rows] == [30, None, 50]
    assert [row.columns["empirical_picture"] for row in rows] == ["a", "", "c"]
    assert [row.value for row in rows] == [{"images_occluded": n} for n in (25, 4, 20)]
    with pytest.raises(OptionsInvalid, match="needs 5 images or more"):
        make_options(occluded_images=4)
