"""Branches with fields of several sizes, joined along the units: Fire and Inception give maps like any convolution."""

import pytest

from workers.engine.networks.loading import load_network
from workers.engine.networks.probing import probe_layers


@pytest.mark.parametrize(
    ("architecture", "path", "n_units", "side"),
    [
        ("torchvision:squeezenet1_1", "features.3", 128, 55),
        ("torchvision:squeezenet1_1", "features.12", 512, 13),
        ("torchvision:googlenet", "inception3a", 256, 28),
        ("torchvision:inception_v3", "Mixed_6a", 768, 17),
    ],
)
def test_joined_branches_are_maps_of_units(architecture: str, path: str, n_units: int, side: int) -> None:
    network = load_network(architecture=architecture, weights=None)
    input_px = network.preprocessing.input_px
    shape = probe_layers(module=network.module, paths=[path], input_px=input_px)[path]
    assert (shape.n_units, shape.height, shape.width, shape.axes) == (n_units, side, side, "buhw")
