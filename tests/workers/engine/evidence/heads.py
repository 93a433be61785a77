"""Small networks with a head, and the parts that they are made of."""

import torch
from torch import nn

from workers.engine.networks.loading import LoadedNetwork
from workers.engine.networks.preprocessing import Preprocessing


def wrap(module: nn.Module) -> LoadedNetwork:
    torch.manual_seed(3)
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            nn.init.normal_(part.weight)
            nn.init.normal_(part.bias)
    return LoadedNetwork("own:net", module.eval(), Preprocessing(input_px=32), weights_sha256="")


def stem(n_units: int = 6) -> list[nn.Module]:
    return [nn.Conv2d(3, n_units, 5, stride=3), nn.ReLU(inplace=True)]


def pooled(*parts: nn.Module, pool: nn.Module | None = None) -> LoadedNetwork:
    return wrap(nn.Sequential(*stem(), pool or nn.AdaptiveAvgPool2d(1), nn.Flatten(), *parts))
