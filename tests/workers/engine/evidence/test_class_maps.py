"""Class maps by gradients: what they are at a mean head, whatever the order of axes, and which maps they are of."""

from typing import Any

import pytest
import torch
from torch import nn

from tests.workers.engine.evidence.heads import pooled, stem, wrap
from workers.engine.evidence.class_maps import map_by_gradients, run_with_maps, share_by_gradients
from workers.engine.evidence.finding import find_head
from workers.engine.networks.layer_maps import LayerShape


def test_gradients_of_a_mean_head_give_the_class_map_again() -> None:
    """Grad-CAM = ReLU(CAM) / n, HiResCAM = CAM / n, LayerCAM = the sum of what speaks for the class / n; n cells."""
    network = pooled(nn.Linear(6, 9))
    head = find_head(network)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    classes = torch.tensor([[0, 4], [8, 2]])
    maps = run_with_maps(module=network.module, shape=head.shape, images=images).maps
    n_cells = maps.shape[2] * maps.shape[3]
    cam = head.map_classes(maps, classes)
    positive = torch.einsum("bnk,bkhw->bnhw", head.weight[classes].clamp_min(0), maps)
    expected = {"grad-cam": cam.clamp_min(0), "hires-cam": cam, "layer-cam": positive}
    given = map_by_gradients(
        module=network.module, shape=head.shape, images=images, classes=classes, methods=list(expected)
    )
    for method, found in expected.items():
        assert torch.allclose(given[method], found / n_cells, atol=1e-6), method


def test_maps_are_those_before_a_later_layer_overwrites_them() -> None:
    network = wrap(nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    shape = LayerShape(path="0", n_units=6, height=28, width=28)
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    maps = run_with_maps(module=network.module, shape=shape, images=images).maps
    with torch.inference_mode():
        assert torch.equal(maps, network.module[0](images))  # type: ignore[index]
    assert float(maps.min()) < 0
    classes = torch.tensor([[0]])
    (given,) = map_by_gradients(
        module=network.module, shape=shape, images=images, classes=classes, methods=["hires-cam"]
    ).values()
    assert torch.allclose(given[0, 0], maps[0, 0].clamp_min(0) / 28**2, atol=1e-6)


class Permuted(nn.Module):
    """Maps (image, row, column, unit), as Swin gives them; `tokens`: (image, cell, unit) after one token of none."""

    def __init__(self, *, tokens: bool = False) -> None:
        super().__init__()
        self.first, self.between, self.last, self.tokens = stem()[0], nn.Identity(), nn.Linear(6, 9), tokens

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        cells = self.first(x).permute(0, 2, 3, 1)
        if not self.tokens:
            return torch.as_tensor(self.last(self.between(cells).square().mean((1, 2))))
        cells = cells.flatten(1, 2)
        cells = self.between(torch.cat([cells[:, :1], cells], dim=1))
        return torch.as_tensor(self.last(cells[:, 1:].square().mean(1)))


@pytest.mark.parametrize(("tokens", "given"), [(False, {"axes": "bhwu"}), (True, {"axes": "btu", "n_first": 1})])
def test_gradients_are_those_of_the_maps_whatever_the_order_of_axes(tokens: bool, given: dict[str, Any]) -> None:
    network = wrap(Permuted(tokens=tokens))
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    plain = LayerShape(path="first", n_units=6, height=10, width=10)
    shape = LayerShape(path="between", n_units=6, height=10, width=10, **given)
    classes = torch.tensor([[0, 4], [8, 2]])
    found, expected = (
        map_by_gradients(module=network.module, shape=one, images=images, classes=classes, methods=["hires-cam"])
        for one in (shape, plain)
    )
    assert float(expected["hires-cam"].abs().amax()) > 0
    shares, own = (share_by_gradients(module=network.module, shape=one, images=images) for one in (shape, plain))
    if not tokens:  # the token of none is a copy of a cell, whose gradient goes elsewhere
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(shares, own)
    assert found["hires-cam"].shape == (2, 2, 10, 10)
    assert float(found["hires-cam"].abs().amax()) > 0
    assert shares[1].shape == (2, 6)
