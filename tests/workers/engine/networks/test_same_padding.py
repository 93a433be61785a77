"""Networks that pad as TensorFlow does."""

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from workers.engine.networks.loading import load_network
from workers.engine.networks.same_padding import pad_same


def test_a_convolution_with_a_stride_pads_the_bottom_and_the_right() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Conv2d(4, 4, 3, padding=1, groups=4))
    image, (first, second) = torch.rand(1, 3, 8, 8), module
    expected = second(F.conv2d(F.pad(image, (0, 1, 0, 1)), first.weight, first.bias, stride=2))
    pad_same(module)
    torch.testing.assert_close(module(image), expected)
    assert module(torch.rand(1, 3, 7, 7)).shape == (1, 4, 4, 4)


def test_mobilenet_v2_keeps_its_names_and_takes_a_number_of_classes() -> None:
    network = load_network(architecture="unitscope:mobilenet_v2_same?num_classes=7", weights=None)
    names = torchvision.models.mobilenet_v2(num_classes=7).state_dict()
    assert {name: one.shape for name, one in network.module.state_dict().items()} == {
        name: one.shape for name, one in names.items()
    }
    assert (network.preprocessing.mean, network.preprocessing.scale) == ((128.0,) * 3, 1.0)
