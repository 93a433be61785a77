"""Batch statistics, dropout and noise in evaluation are found and named; rounding and ties are let pass."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock, ResNet

from workers.engine.networks.company import LayerDependsOnBatch, Tolerance, check_company
from workers.engine.networks.probing import probe_layers

PX = 32


class Noisy(nn.Module):
    def __init__(self, share: float) -> None:
        super().__init__()
        self.conv, self.share = nn.Conv2d(3, 6, 5, stride=2), share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.conv(x)
        return maps + self.share * torch.randn_like(maps)


class AlwaysDropping(nn.Dropout):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, 0.02, training=True)


class ByPosition(nn.Module):
    """Of one unit, the first image of a batch gets other values."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 5, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.conv(x)
        maps[0, 4] += 1
        return maps


class TopLatents(nn.Module):
    """A sparse autoencoder's choice: nearly equal values compete."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 64, 8, stride=8)
        self.latents = nn.Linear(64, 512)
        self.out = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = self.latents(self.patch(x).flatten(2).mT)
        top = values.topk(8, dim=2)
        return torch.as_tensor(self.out(torch.zeros_like(values).scatter_(2, top.indices, top.values.relu())))


def check(module: nn.Module, path: str, *, n: int = 4) -> None:
    torch.manual_seed(0)
    module = module.eval()
    shapes = probe_layers(module=module, paths=[path], input_px=PX)
    images = torch.randn(n, 3, PX, PX)
    tolerance = Tolerance.of(device="cpu", autocast=False)
    check_company(module=module, shapes=list(shapes.values()), images=images, tolerance=tolerance)


def sequence(last: nn.Module) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), last)


@pytest.mark.parametrize(
    ("module", "path", "words"),
    [
        (sequence(nn.BatchNorm2d(6, track_running_stats=False)), "2", r"^2 gives .* 2 \(BatchNorm2d\) computes over"),
        (sequence(AlwaysDropping()), "2", r"^2 gives .* 2 \(AlwaysDropping\) draws random numbers"),
        (Noisy(1e-3), "", "random"),
        (nn.Sequential(nn.Dropout(0.5), AlwaysDropping()), "1", r"1 \(AlwaysDropping\) draws random numbers"),
        (ByPosition(), "", "other images run beside it"),
    ],
    ids=["batch statistics", "dropout", "noise", "silent dropout", "position"],
)
@pytest.mark.parametrize("n", [1, 2, 4])
def test_what_depends_on_company_or_chance_is_refused_by_name(module: nn.Module, path: str, words: str, n: int) -> None:
    module, path = (module, path) if path else (nn.Sequential(module), "0")
    with pytest.raises(LayerDependsOnBatch, match=words):
        check(module, path, n=n)


@pytest.mark.parametrize(
    ("module", "path"),
    [
        (sequence(nn.BatchNorm2d(6)), "2"),
        (sequence(nn.InstanceNorm2d(6)), "2"),
        (sequence(nn.Dropout(0.5)), "2"),
        (torchvision.models.resnet18(weights=None), "layer4"),
        (TopLatents(), "out"),
    ],
    ids=["batch norm", "instance norm", "dropout", "resnet", "top latents"],
)
@pytest.mark.parametrize("n", [1, 4])
def test_rounding_is_no_dependence(module: nn.Module, path: str, n: int) -> None:
    check(module, path, n=n)


def test_half_precision_is_held_to_its_own_rounding() -> None:
    module = ResNet(BasicBlock, [1, 1, 1, 1]).eval()
    shapes = list(probe_layers(module=module, paths=["layer4"], input_px=PX).values())
    with torch.autocast("cpu"):
        check_company(
            module=module,
            shapes=shapes,
            images=torch.randn(4, 3, PX, PX),
            tolerance=Tolerance.of(device="cpu", autocast=True),
        )
