"""Weights are drawn by the network's own code; where that sets its own, their values are dealt out again."""

from pathlib import Path

import torch
import torchvision
from torch import nn

from tests.workers.engine.making import tiny_module
from workers.engine.networks.identity import FROM_CODE, RANDOM
from workers.engine.networks.loading import load_network
from workers.engine.networks.random_weights import DEALT_OUT, draw_weights

HERE = "tests.workers.engine.networks.test_random_weights"


class Trained(nn.Module):
    """A network whose code sets weights of its own, as one that reads a file does; the last layer is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3)
        generator = torch.Generator().manual_seed(99)
        with torch.no_grad():
            self.first.weight.copy_(torch.randn(self.first.weight.shape, generator=generator))
            self.first.bias.copy_(torch.randn(8, generator=generator))
            self.norm.running_mean.copy_(torch.randn(8, generator=generator))
        self.register_buffer("filters", torch.arange(5.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.norm(self.first(x)))  # type: ignore[no-any-return]


def trained() -> nn.Module:
    return Trained()


def drawn() -> nn.Module:
    return tiny_module()


def test_a_network_is_built_again_after_the_seed_is_set() -> None:
    network = load_network(architecture=f"{HERE}:drawn", weights=None, seed=0)
    chance, again, other = (draw_weights(network, seed=seed) for seed in (1, 1, 2))
    torch.manual_seed(1)
    expected = drawn().state_dict()
    assert chance.weights_from == RANDOM
    for name, tensor in chance.module.state_dict().items():
        assert torch.equal(tensor, expected[name])
        assert torch.equal(tensor, again.module.state_dict()[name])
        assert not torch.equal(tensor, other.module.state_dict()[name])
        assert not torch.equal(tensor, network.module.state_dict()[name])


def test_weights_that_the_code_sets_keep_their_values_and_lose_their_places() -> None:
    network = load_network(architecture=f"{HERE}:trained", weights=None)
    assert (network.weights_from, network.is_random) == (FROM_CODE, False), "one drawn layer makes it no random network"
    before = {name: tensor.clone() for name, tensor in network.module.state_dict().items()}
    chance = draw_weights(network, seed=1)
    assert chance.weights_from == DEALT_OUT
    after = chance.module.state_dict()
    for name in ("first.weight", "first.bias", "norm.running_mean"):
        assert not torch.equal(after[name], before[name])
        assert torch.equal(after[name].flatten().sort().values, before[name].flatten().sort().values)
    assert not torch.equal(after["last.weight"].flatten().sort().values, before["last.weight"].flatten().sort().values)
    for name in ("norm.weight", "norm.running_var", "filters"):
        assert torch.equal(after[name], before[name]), "what never varies, and fixed filters, stay"
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.module.state_dict().items())


def test_the_number_of_classes_stays_that_of_the_checkpoint(tmp_path: Path) -> None:
    torch.save(torchvision.models.squeezenet1_1(num_classes=12).state_dict(), tmp_path / "twelve.pth")
    network = load_network(architecture="torchvision:squeezenet1_1", weights=tmp_path / "twelve.pth")
    chance = draw_weights(network, seed=1)
    shapes = [[tuple(one.shape) for one in each.module.state_dict().values()] for each in (network, chance)]
    assert shapes[0] == shapes[1]
    assert (chance.architecture, chance.weights_from) == (network.architecture, RANDOM)
