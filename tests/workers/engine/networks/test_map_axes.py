"""Which axis holds the units, which tokens belong to no place, and where cells lie, for the networks people use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import nn

from tests.workers.engine.cases import nets
from tests.workers.engine.networks import token_networks
from workers.engine.networks.hooks import reading
from workers.engine.networks.layer_maps import LayerShape, LayerShapeUnknown
from workers.engine.networks.map_axes import Asked
from workers.engine.networks.probing import InputNotAnImage, probe_layers
from workers.engine.networks.receptive_field import find_placings

PX = 64
VIT = "encoder.layers.encoder_layer_3"


def read(module: nn.Module, path: str, *, px: int = PX, **asked: str) -> LayerShape:
    return probe_layers(module=module, paths=[path], input_px=px, asked=Asked(**asked))[path]


def torchvision_model(name: str, **given: int) -> nn.Module:
    return torchvision.models.get_model(name, weights=None, **given).eval()


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("swin_t", {}, {"features.1": (96, 4, 1.5), "features.5": (384, 16, 7.5), "features.5.0.mlp": (384, 16, 7.5)}),
        ("convnext_tiny", {}, {"features.1": (96, 4, 1.5), "features.5.0.block.3": (1536, 16, 7.5)}),
        ("vit_b_16", {"image_size": PX}, {"encoder": (768, 16, 7.5), f"{VIT}.mlp.0": (3072, 16, 7.5)}),
        ("efficientnet_b0", {}, {"features.4": (80, 16, 0.0)}),
        ("mobilenet_v3_small", {}, {"features.8": (48, 16, 0.0)}),
        ("regnet_y_400mf", {}, {"trunk_output.block3": (208, 16, 0.0)}),
    ],
)  # fmt: skip
def test_units_and_cells_of_networks_that_people_use(
    name: str, given: dict[str, int], expected: dict[str, tuple[int, float, float]]
) -> None:
    module = torchvision_model(name, **given)
    shapes = probe_layers(module=module, paths=list(expected), input_px=PX)
    placings = find_placings(module=module, shapes=list(shapes.values()), input_px=PX)
    for path, (n_units, stride, offset) in expected.items():
        assert (shapes[path].n_units, shapes[path].height, shapes[path].width) == (n_units, PX // stride, PX // stride)
        geometry = placings[path].geometry
        assert geometry is not None
        assert (geometry.rows.stride, geometry.rows.offset) == (stride, offset)
        assert geometry.columns == geometry.rows


def test_squeeze_excitation_moves_no_cell() -> None:
    plain, squeezed = torchvision_model("resnet18"), token_networks.squeezed_resnet18().eval()
    paths = ["layer1", "layer3", "layer4"]
    found = []
    for module in (plain, squeezed):
        shapes = probe_layers(module=module, paths=paths, input_px=PX)
        placings = find_placings(module=module, shapes=list(shapes.values()), input_px=PX)
        found.append(
            [(one.geometry.rows.stride, one.geometry.rows.offset) for one in placings.values() if one.geometry]
        )
        assert all((one.reason == "") == (module is plain) for one in placings.values())
    assert found[0] == found[1]
    assert len(found[0]) == 3


class Between(nn.Module):
    """What a function makes of the maps of a convolution."""

    def __init__(self, turn: Callable[[torch.Tensor], object], *, width: int = 8, stride: int = 8) -> None:
        super().__init__()
        self.conv, self.out, self.turn = nn.Conv2d(3, width, 5, stride=stride, padding=2), nn.Identity(), turn

    def forward(self, x: torch.Tensor) -> object:
        return self.out(self.turn(self.conv(x)))


@pytest.mark.parametrize(
    ("turn", "axes"),
    [
        (lambda x: x, "buhw"),
        (lambda x: x.permute(0, 2, 3, 1), "bhwu"),
        (lambda x: x.flatten(2), "but"),
        (lambda x: x.flatten(2).mT, "btu"),
        (lambda x: x.flatten(2).permute(2, 0, 1), "tbu"),
        (lambda x: x.mean((2, 3)), "bu"),
        (lambda x: {"features": x.permute(0, 2, 3, 1), "scale": torch.ones(1)}, "bhwu"),
    ],
    ids=["maps", "channels last", "cells last", "tokens", "tokens first", "vectors", "dictionary"],
)
def test_any_order_of_axes_gives_the_same_units_even_if_all_axes_are_equally_long(
    turn: Callable[[torch.Tensor], object], axes: str
) -> None:
    # 8 units of 8 x 8: only the places in the image tell the axes apart.
    module = Between(turn).eval()
    shape = read(module, "out")
    assert (shape.axes, shape.n_units) == (axes, 8)
    if axes != "bu":
        (placing,) = find_placings(module=module, shapes=[shape], input_px=PX).values()
        assert placing.geometry is not None
        assert (placing.geometry.rows.stride, placing.geometry.rows.offset) == (8, 0)


def gated(x: torch.Tensor) -> torch.Tensor:
    value, gate = x.permute(0, 2, 3, 1).chunk(2, dim=-1)
    return value * gate.sigmoid()


class AlongAxis(nn.Module):
    """A linear layer over the columns (axis 3) or rows (axis 2) of a convolution's maps."""

    def __init__(self, axis: int, *, adds: bool) -> None:
        super().__init__()
        self.conv, self.linear, self.out = nn.Conv2d(3, 16, 8, stride=8), nn.Linear(8, 8), nn.Identity()
        self.axis, self.adds = axis, adds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.conv(x)
        mixed = self.linear(maps.transpose(self.axis, 3)).transpose(self.axis, 3)
        return torch.as_tensor(self.out(mixed + maps if self.adds else mixed))


@pytest.mark.parametrize(
    ("module", "axes", "n_units"),
    [
        (Between(lambda x: nn.functional.glu(x.permute(0, 2, 3, 1), -1)), "bhwu", 4),
        (Between(gated), "bhwu", 4),
        (Between(lambda x: torch.cat([x.permute(0, 2, 3, 1)] * 2, -1)), "bhwu", 16),
        *((AlongAxis(axis, adds=adds), "buhw", 16) for axis in (2, 3) for adds in (False, True)),
    ],
)
def test_a_width_that_is_no_number_of_units_misleads_nobody(module: nn.Module, axes: str, n_units: int) -> None:
    shape = read(module.eval(), "out")
    assert (shape.axes, shape.n_units, shape.height, shape.width) == (axes, n_units, 8, 8)


def in_windows(x: torch.Tensor) -> torch.Tensor:
    """(B, U, 8, 8) as (B, U, windows, cells of a window)."""
    return x.unflatten(2, (4, 2)).unflatten(4, (4, 2)).transpose(3, 4).flatten(4).flatten(2, 3)


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (in_windows, "no maps of units"),
        (lambda x: x.transpose(2, 3), "rows and columns exchanged"),
        (lambda x: x.flip(3), "do not follow the columns of the image in order"),
        (lambda x: torch.cat([x, x.flip(2)], 1), "do not follow the rows"),
        (lambda x: x.roll((2, 2), (2, 3)), "do not follow the rows"),
        (lambda x: x.flatten(2).mT.flip(1), "do not follow the rows"),
        (lambda x: x.transpose(2, 3).flatten(2).mT, "do not follow the rows"),
        (lambda x: in_windows(x).flatten(2).mT, "do not follow the rows"),
        (lambda x: x.mean(2).mT, "8 tokens per image that are columns of the image"),
        (lambda x: x.mean(3), "8 tokens per image that are rows of the image"),
        (lambda x: x.repeat(1, 1, 1, 2).mean(2), "16 tokens per image that are columns of the image"),
    ],
)
def test_cells_known_to_be_out_of_order_are_refused(turn: Callable[[torch.Tensor], torch.Tensor], words: str) -> None:
    with pytest.raises(LayerShapeUnknown, match=words):
        read(Between(turn, width=6).eval(), "out")


def test_naming_the_axes_does_not_put_cells_in_order() -> None:
    with pytest.raises(LayerShapeUnknown, match="do not follow the rows"):
        read(Between(lambda x: x.transpose(2, 3)).eval(), "out", axes="buhw")


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (lambda x: torch.fft.fft2(x).abs(), "8 units of 8 x 8 or 8 units of 8 x 8.*--axes buhw or --axes bhwu"),
        (lambda x: (x.flatten(2).mT @ x.flatten(2)).softmax(2)[:, None], "no maps of units"),
        (lambda x: x.flatten(2).mT.reshape(-1, 8), "no axis holds one entry per image"),
        (lambda x: (x, x[:, :2]), r"0 2 x 8 x 8 x 8, 1 2 x 2 x 8 x 8.*Name one, such as out:0"),
        (lambda x: x[:, :, None], "2 x 8 x 1 x 8 x 8"),
        (lambda x: "maps", "no tensor"),
    ],
    ids=["no places", "attention weights", "tokens as images", "several", "five axes", "text"],
)
def test_what_is_ambiguous_is_refused_with_what_is_there(turn: Callable[[torch.Tensor], object], words: str) -> None:
    with pytest.raises(LayerShapeUnknown, match=words):
        read(Between(turn).eval(), "out")


def test_what_the_user_names_settles_it() -> None:
    module = Between(lambda x: torch.fft.fft2(x).abs()).eval()
    assert read(module, "out", axes="bhwu").axes == "bhwu"
    cells = Between(lambda x: torch.fft.fft(x.flatten(2)).abs()[:, :, :53], width=6).eval()
    found = read(cells, "out", axes="but", tokens="4")
    assert (found.n_units, found.height, found.n_first) == (6, 7, 4)
    with pytest.raises(LayerShapeUnknown, match=r"53 tokens per image.*--tokens 4"):
        read(cells, "out", axes="but")
    with pytest.raises(LayerShapeUnknown, match="--axes tbu does not fit"):
        read(cells, "out", axes="tbu")


@pytest.mark.parametrize(
    ("give", "keys"),
    [
        (lambda x: {"low": x, "high": x[:, :2, ::2, ::2]}, ("low", "high")),
        (lambda x: [x, (x[:, :2, ::2, ::2],)], ("0", "1.0")),
    ],
    ids=["by name", "nested"],
)
def test_each_of_several_maps_is_a_layer_of_its_own(
    give: Callable[[torch.Tensor], object], keys: tuple[str, str]
) -> None:
    module = Between(give).eval()
    large, small = (f"out:{key}" for key in keys)
    shapes = probe_layers(module=module, paths=[large, small], input_px=PX)
    assert [(shapes[path].n_units, shapes[path].height) for path in (large, small)] == [(8, 8), (2, 4)]
    placings = find_placings(module=module, shapes=list(shapes.values()), input_px=PX)
    strides = [one.geometry.rows.stride for one in placings.values() if one.geometry]
    assert strides[1] == 2 * strides[0], "each map lies where its own cells lie"
    seen: dict[str, torch.Tensor] = {}
    take = lambda path, maps: seen.update({path: maps.clone()})  # noqa: E731
    with reading(module=module, shapes=list(shapes.values()), consume=take) as run:
        run(torch.randn(2, 3, PX, PX))
    assert torch.equal(seen[small], seen[large][:, :2, ::2, ::2]), "both come from one pass"
    with pytest.raises(
        LayerShapeUnknown, match=rf"none of units is called x: give out: and one of {keys[0]}, {keys[1]}"
    ):
        read(module, "out:x")


def test_a_key_where_there_is_one_map_is_refused() -> None:
    with pytest.raises(LayerShapeUnknown, match="out gives one tensor: name it without :0"):
        read(Between(lambda x: x).eval(), "out:0")


def test_the_cases_that_failed_are_read_or_refused() -> None:
    found = read(nets.nhwc().eval(), "norm", px=224)
    assert (found.n_units, found.height, found.width) == (8, 28, 28)
    with pytest.raises(LayerShapeUnknown, match=r"0 2 x 10 x 4, 1\.0 .*Name one, such as part:0"):
        read(nets.tupleout().eval(), "part")
    with pytest.raises(InputNotAnImage, match=r"more than an image \(mask\)"):
        read(nets.extra().eval(), "conv")


class ByName(nn.Module):
    def forward(self, *, pixel_values: torch.Tensor) -> torch.Tensor:
        return pixel_values


def test_a_network_that_takes_its_image_by_name_alone_is_refused() -> None:
    with pytest.raises(InputNotAnImage, match=r"by name alone \(pixel_values\)"):
        probe_layers(module=ByName(), paths=["x"], input_px=32)
