"""Reading layers: outputs before they are overwritten, words for what cannot be read, and everything as found
afterwards.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from workers.engine.networks import hooks
from workers.engine.networks.layer_maps import LayerShape, LayerShapeUnknown
from workers.engine.networks.probing import probe_layers


class Twice(nn.Module):
    """Calls one module twice and never calls another."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 1)
        self.relu = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(4, 4, 1)
        self.idle = nn.Conv2d(4, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.second(self.relu(self.first(x))))


def shapes_of(paths: list[str], n_units: int = 4) -> list[LayerShape]:
    return [LayerShape(path, n_units, 4, 4) for path in paths]


def hooked(module: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in module.modules())


def test_a_layer_is_read_before_the_next_one_overwrites_it_in_place() -> None:
    module, x = Twice(), torch.randn(2, 3, 4, 4)
    seen: dict[str, torch.Tensor] = {}
    with hooks.reading(
        module=module, shapes=shapes_of(["first"]), consume=lambda path, maps: seen.update({path: maps.clone()})
    ) as run:
        run(x)
    torch.testing.assert_close(seen["first"], nn.functional.conv2d(x, module.first.weight, module.first.bias))
    assert (seen["first"] < 0).any()


def test_named_calls_of_one_module_are_told_apart() -> None:
    module, x = Twice(), torch.randn(1, 3, 4, 4)
    seen: dict[str, torch.Tensor] = {}
    with hooks.reading(
        module=module,
        shapes=shapes_of(["relu#0", "relu#1"]),
        consume=lambda path, maps: seen.update({path: maps.clone()}),
    ) as run:
        run(x)
    torch.testing.assert_close(seen["relu#0"], module.first(x).relu())
    torch.testing.assert_close(seen["relu#1"], module(x))


def test_a_module_called_more_than_once_needs_its_call_named() -> None:
    with pytest.raises(hooks.LayerCalledOften, match="relu#0 to relu#1"):
        probe_layers(module=Twice(), paths=["relu"], input_px=4)
    assert probe_layers(module=Twice(), paths=["relu#1"], input_px=4)["relu#1"].n_units == 4


def test_a_missing_layer_lists_those_there_are() -> None:
    with pytest.raises(hooks.LayerNotFound, match="first, relu, second, idle"):
        probe_layers(module=Twice(), paths=["third"], input_px=4)


def test_a_layer_that_is_never_reached_is_named() -> None:
    with pytest.raises(hooks.LayerSilent, match="idle"):
        probe_layers(module=Twice(), paths=["idle"], input_px=4)


def test_an_output_of_another_size_than_the_probes_is_refused() -> None:
    with (
        pytest.raises(LayerShapeUnknown, match="4 x 5 x 5 for some images, not 4 units of 4 x 4"),
        hooks.reading(module=Twice(), shapes=shapes_of(["first"]), consume=lambda path, maps: None) as run,
    ):
        run(torch.zeros(1, 3, 5, 5))


def test_the_pass_stops_after_the_last_layer_asked_for() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(5, 4, 1))
    with hooks.reading(module=module, shapes=shapes_of(["0"]), consume=lambda path, maps: None) as run:
        run(torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize("where", ["consumer", "forward", "caller", "nowhere"])
def test_hooks_and_modes_are_as_found_whatever_happens(where: str) -> None:
    module = Twice()
    module.train()
    module.second.eval()
    modes = [part.training for part in module.modules()]

    def consume(path: str, maps: torch.Tensor) -> None:
        assert not module.training
        if where == "consumer":
            raise RuntimeError("consumer")

    def attempt() -> None:
        with hooks.reading(module=module, shapes=shapes_of(["first", "second"]), consume=consume) as run:
            run(torch.zeros(1, 7 if where == "forward" else 3, 4, 4))
            if where == "caller":
                raise RuntimeError("caller")

    if where == "nowhere":
        attempt()
    else:
        with pytest.raises(RuntimeError):
            attempt()
    assert hooked(module) == 0
    assert [part.training for part in module.modules()] == modes


def test_probing_leaves_no_hook_when_the_forward_pass_fails() -> None:
    module = nn.Sequential(nn.Conv2d(5, 4, 1), nn.ReLU())
    with pytest.raises(hooks.LayerSilent, match="fails at 4 px"):
        probe_layers(module=module, paths=["1"], input_px=4)
    assert hooked(module) == 0
