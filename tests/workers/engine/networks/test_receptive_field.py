"""Theoretical receptive fields: published sizes, branches and padding, and agreement with gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional

from workers.engine.networks.efficientnet_lite import EfficientNetLite0
from workers.engine.networks.geometry import MapGeometry
from workers.engine.networks.probing import probe_layers
from workers.engine.networks.receptive_field import find_placings


def caffe_alexnet() -> nn.Sequential:
    """AlexNet's convolutions and poolings as [ZKLOT15] uses them, on 227 px."""
    return nn.Sequential(
        nn.Conv2d(3, 96, 11, 4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        nn.Conv2d(384, 256, 3, padding=1, groups=2),
        nn.MaxPool2d(3, 2),
    )


def field(module: nn.Module, path: str, input_px: int) -> MapGeometry:
    shapes = probe_layers(module=module, paths=[path], input_px=input_px)
    found = find_placings(module=module, shapes=list(shapes.values()), input_px=input_px)[path]
    assert found.geometry is not None, found.reason
    return found.geometry


def test_alexnet_has_its_published_sizes() -> None:
    paths = {"2": 19, "5": 67, "6": 99, "7": 131, "8": 163, "9": 195}
    module = caffe_alexnet()
    assert {path: field(module, path, 227).rows.size for path in paths} == paths


def with_average_pools(module: nn.Module) -> nn.Module:
    """Averages pass a gradient to every pixel of their windows, maxima over the same windows to one only."""
    for name, part in module.named_children():
        if isinstance(part, nn.MaxPool2d):
            setattr(module, name, nn.AvgPool2d(part.kernel_size, part.stride, part.padding, part.ceil_mode))
        else:
            with_average_pools(part)
    return module


def reached_by_gradient(
    module: nn.Module, path: str, input_px: int, row: int, column: int
) -> tuple[int, int, int, int]:
    """First and last row and column of the input that reach one cell, by differentiating through positive weights."""
    module = with_average_pools(module).double().eval()
    for parameter in module.parameters():
        parameter.data = parameter.data.abs() / parameter.numel() + 1e-3
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.zero_()
            part.running_var.fill_(1)
    kept: list[torch.Tensor] = []
    handle = module.get_submodule(path).register_forward_hook(lambda _m, _i, output: kept.append(output))
    x = torch.rand(1, 3, input_px, input_px, dtype=torch.float64, requires_grad=True)
    module(x)
    handle.remove()
    kept[0][0, :, row, column].sum().backward()
    assert x.grad is not None
    touched = x.grad.abs().sum((0, 1)) > 0
    rows, columns = touched.any(1).nonzero()[:, 0], touched.any(0).nonzero()[:, 0]
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


class Branched(nn.Module):
    """Branches of different windows, dilation, uneven padding, average pooling in ceil mode."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.wide = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.flat = nn.Conv2d(4, 4, (1, 5), padding=(0, 2))
        self.pool = nn.AvgPool2d(3, 2, ceil_mode=True)
        self.out = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = nn.functional.pad(self.stem(x), (0, 1, 1, 0))
        y = torch.cat([self.wide(y), self.flat(y)], dim=1)
        return self.out(self.pool(y + 1) * 2)


@pytest.mark.parametrize(
    ("module", "path", "input_px"),
    [
        (Branched(), "out", 48),
        (torchvision.models.resnet18(weights=None), "layer1", 96),
        (torchvision.models.squeezenet1_1(weights=None), "features.4", 96),
        (EfficientNetLite0(), "_blocks.2", 96),
    ],
    ids=["branches", "resnet", "squeezenet", "efficientnet-lite"],
)
def test_the_field_is_what_gradients_reach(module: nn.Module, path: str, input_px: int) -> None:
    found = field(module, path, input_px)
    row = column = 8
    reached = reached_by_gradient(module, path, input_px, row, column)
    for axis, first, last, cell in ((found.rows, *reached[:2], row), (found.columns, *reached[2:], column)):
        center = axis.offset + cell * axis.stride
        assert (first, last) == (center - (axis.size - 1) / 2, center + (axis.size - 1) / 2)


@pytest.mark.parametrize(
    ("name", "path", "size", "stride"),
    [
        ("vgg11_bn", "features.27", 134, 16),
        ("resnet50", "layer4", 427, 32),
        ("googlenet", "inception4e", 235, 16),
        ("densenet121", "features.denseblock1", 59, 4),
        ("shufflenet_v2_x0_5", "stage2", 63, 8),
        ("mobilenet_v2", "features.17", 491, 32),
    ],
)
def test_fields_of_torchvision_networks(name: str, path: str, size: int, stride: int) -> None:
    extra = {"init_weights": False} if name == "googlenet" else {}
    axis = field(torchvision.models.get_model(name, weights=None, **extra), path, 224).rows
    assert (axis.size, axis.stride) == (size, stride)


@pytest.mark.parametrize(
    ("name", "path", "word", "stride"),
    [
        ("alexnet", "avgpool", "adaptive", 32),
        ("efficientnet_b0", "features.2", "global pooling", 4),
        ("vit_b_32", "encoder.layers.encoder_layer_0", "attention", 32),
    ],
)
def test_where_the_size_is_unknown_the_reason_is_said_and_cells_have_their_place(
    name: str, path: str, word: str, stride: int
) -> None:
    module = torchvision.models.get_model(name, weights=None)
    shapes = probe_layers(module=module, paths=[path], input_px=224)
    found = find_placings(module=module, shapes=list(shapes.values()), input_px=224)[path]
    assert word in found.reason
    assert found.geometry is not None
    assert found.geometry.rows.size is None
    assert found.geometry.rows.stride == stride


def test_following_the_graph_leaves_the_weights_alone() -> None:
    module = Branched().train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    field(module, "out", 48)
    assert module.training
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


class Enlarged(nn.Module):
    """A convolution of stride 8 whose map is made larger or smaller."""

    def __init__(self, enlarge: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.conv, self.out, self.enlarge = nn.Conv2d(3, 8, 8, stride=8), nn.Identity(), enlarge

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.out(self.enlarge(self.conv(x))))


def centers_of_a_ramp(enlarge: Callable[[torch.Tensor], torch.Tensor]) -> list[float]:
    """Where each output lies, in pixels, by enlarging a ramp whose cells hold the pixels at their centers."""
    ramp = (torch.arange(8.0) * 8 + 3.5).expand(1, 4, 8, 8)
    return [float(one) for one in enlarge(ramp)[0, 0, 0]]


@pytest.mark.parametrize(
    ("enlarge", "is_inner"),
    [
        (lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True), False),
        (lambda x: functional.interpolate(x, size=5, mode="bilinear", align_corners=True), False),
        (lambda x: functional.interpolate(x, scale_factor=3, mode="bilinear"), True),
        (lambda x: functional.interpolate(x, size=4, mode="nearest"), False),
    ],
)
def test_cells_of_a_resized_map_lie_where_a_ramp_says(
    enlarge: Callable[[torch.Tensor], torch.Tensor], is_inner: bool
) -> None:
    found = field(Enlarged(enlarge).eval(), "out", 64)
    expected = centers_of_a_ramp(enlarge)
    inner = slice(2, -2) if is_inner else slice(None)
    centers = [found.columns.center(cell) for cell in range(len(expected))]
    assert centers[inner] == pytest.approx(expected[inner], abs=0.01)
    assert found.rows == found.columns


def test_shuffled_pixels_divide_the_cells_that_they_come_from() -> None:
    found = field(Enlarged(lambda x: functional.pixel_shuffle(x, 2)).eval(), "out", 64)
    assert (found.rows.stride, found.rows.offset, found.rows.size) == (4, 1.5, None)
    assert found.rows == found.columns


def shuffle_by_hand(x: torch.Tensor) -> torch.Tensor:
    b, c, h, w = x.shape
    return x.reshape(b, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(b, c // 4, 2 * h, 2 * w)


def shuffle_channels_last(x: torch.Tensor) -> torch.Tensor:
    """As the patch expansion of Swin U-Nets does it."""
    b, c, h, w = x.shape
    x = x.permute(0, 2, 3, 1).view(b, h, w, 2, 2, c // 4)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(b, 2 * h, 2 * w, c // 4).permute(0, 3, 1, 2)


@pytest.mark.parametrize("then", [nn.Identity(), nn.Conv2d(2, 4, 3, padding=1), nn.MaxPool2d(2)])
@pytest.mark.parametrize(
    ("by_hand", "named"),
    [
        (shuffle_by_hand, lambda x: functional.pixel_shuffle(x, 2)),
        (shuffle_channels_last, lambda x: functional.pixel_shuffle(x, 2)),
        (
            lambda x: x[:, :2].repeat_interleave(3, dim=2).repeat_interleave(3, dim=3),
            lambda x: functional.interpolate(x[:, :2], scale_factor=3, mode="nearest"),
        ),
        (
            lambda x: x[:, :2, :, None, :, None].expand(-1, -1, -1, 2, -1, 2).reshape(len(x), 2, 16, 16),
            lambda x: functional.interpolate(x[:, :2], scale_factor=2, mode="nearest"),
        ),
        (
            lambda x: x[:, :2, torch.arange(16) // 2][..., torch.arange(16) // 2],
            lambda x: functional.interpolate(x[:, :2], scale_factor=2, mode="nearest"),
        ),
    ],
    ids=["shuffle", "shuffle channels last", "repeat_interleave", "expand", "index"],
)
def test_cells_repeated_or_shuffled_by_hand_lie_where_the_named_operation_puts_them(
    by_hand: Callable[[torch.Tensor], torch.Tensor],
    named: Callable[[torch.Tensor], torch.Tensor],
    then: nn.Module,
) -> None:
    found, expected = (field(Enlarged(lambda x: then(one(x))).eval(), "out", 64) for one in (by_hand, named))  # noqa: B023
    assert (found.rows.stride, found.rows.offset) == pytest.approx((expected.rows.stride, expected.rows.offset))
    assert found.rows == found.columns
    assert found.rows.size is expected.rows.size is None


def test_maps_that_are_flattened_and_folded_again_keep_their_cells() -> None:
    def attend(x: torch.Tensor) -> torch.Tensor:
        """Rows repeat along an axis that they share with two heads, and are taken apart again."""
        b, c, h, w = x.shape
        heads = x.reshape(b, 2, c // 2, h, w).permute(0, 3, 1, 4, 2).reshape(b * h * 2, w, c // 2)
        heads = torch.relu(heads).reshape(b, h, 2, w, c // 2)
        return heads.permute(0, 2, 4, 1, 3).reshape(b, c, h, w)

    found = field(Enlarged(attend).eval(), "out", 64)
    assert (found.rows.stride, found.rows.offset, found.rows.size) == (8, 3.5, 8)
    assert found.rows == found.columns


def test_cells_on_no_even_grid_are_said_to_be() -> None:
    module = Enlarged(lambda x: x[:, :, torch.arange(12) * 2 // 3]).eval()
    shapes = probe_layers(module=module, paths=["out"], input_px=64)
    found = find_placings(module=module, shapes=list(shapes.values()), input_px=64)["out"]
    assert found.geometry is None
    assert found.reason == "out has cells that lie on no even grid."
