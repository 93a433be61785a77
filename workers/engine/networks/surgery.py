"""Surgery: cut a network after a layer and give it a new head. [ZKLOT16] 3.1; docs/evidence.md, Surgery.

What is kept runs by the network's own code; the paths of its layers and tensors stay what they were. Only the modules
that the layer lies in are traced, as far as the layer.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from workers.engine.networks.checkpoints import NetworkError, first_line
from workers.engine.networks.hooks import eval_mode, find_layer
from workers.engine.networks.layer_maps import spell_shape
from workers.engine.networks.surgery_recipe import HeadKind, Recipe

# The path of the new part: its convolutions, pool and classifier lie below.
HEAD = "surgery"


class CannotCut(NetworkError):
    """The network cannot be cut after this layer; the message says why."""


@dataclass(frozen=True)
class Body:
    """A network cut after a layer: it gives that layer's maps. `shape`: units, rows and columns of one image."""

    module: fx.GraphModule
    shape: tuple[int, int, int]


def cut(module: nn.Module, *, layer: str, input_px: int) -> Body:
    """The part up to the layer, in eval mode, with the module's own tensors. Raises CannotCut, LayerNotFound."""
    find_layer(module=module, path=layer)
    with eval_mode(module):
        graph = _trace(module, layer)
        body = fx.GraphModule(module, graph)
        return Body(body.eval(), _find_shape(body, layer, input_px))


def operate(module: nn.Module, recipe: Recipe, *, input_px: int) -> nn.Module:
    """(B, 3, px, px) images to (B, classes) scores. Weights of the head are drawn by torch's generator. Raises
    CannotCut, LayerNotFound.
    """
    body = cut(module, layer=recipe.layer, input_px=recipe.px or input_px)
    whole = body.module
    if hasattr(whole, HEAD):
        raise CannotCut(f"The network has a part called {HEAD} already; rename it.")
    whole.add_submodule(HEAD, make_head(recipe, body.shape))
    end = next(node for node in whole.graph.nodes if node.op == "output")
    with whole.graph.inserting_before(end):
        end.args = (whole.graph.call_module(HEAD, (end.args[0],)),)
    whole.recompile()
    return whole


def make_head(recipe: Recipe, shape: tuple[int, int, int]) -> nn.Sequential:
    """Maps (B, K, h, w) of the shape to (B, classes) scores."""
    n_units, height, width = shape
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for place in range(1, recipe.convolutions + 1):
        parts[f"convolution{place}"] = nn.Conv2d(n_units, recipe.units, 3, padding=1)
        parts[f"relu{place}"] = nn.ReLU()
        n_units = recipe.units
    if recipe.head is not HeadKind.FC:
        parts["pool"] = (nn.AdaptiveAvgPool2d if recipe.head is HeadKind.GAP else nn.AdaptiveMaxPool2d)(1)
    parts["flatten"] = nn.Flatten()
    n_values = n_units * (height * width if recipe.head is HeadKind.FC else 1)
    parts["classifier"] = nn.Linear(n_values, recipe.classes, bias=False)
    return nn.Sequential(parts)


def count_parameters(module: nn.Module, *, input_px: int) -> int:
    """Those of the modules that an image goes through in evaluation: auxiliary classifiers of training do not count."""
    used: dict[int, int] = {}

    def note(part: nn.Module, _inputs: object) -> None:
        used.update({id(one): one.numel() for one in part.parameters(recurse=False)})

    device = next((one.device for one in module.parameters()), torch.device("cpu"))
    watched = [part.register_forward_pre_hook(note) for part in module.modules()]
    try:
        with eval_mode(module), torch.inference_mode():
            module(torch.zeros(1, 3, input_px, input_px, device=device))
    finally:
        for one in watched:
            one.remove()
    return sum(used.values())


class _Reached(Exception):
    """The layer is traced; what comes after it is not kept."""


class _Tracer(fx.Tracer):
    """Goes into the modules that the layer lies in, and into no other."""

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.layer = layer
        self.reached: Any = None

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return not self.layer.startswith(f"{module_qualified_name}.")

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = super().call_module(m, forward, args, kwargs)
        if self.path_of_module(m) == self.layer:
            self.reached = given.node
            raise _Reached
        return given


def _trace(module: nn.Module, layer: str) -> fx.Graph:
    """The graph of one forward pass as far as the layer."""
    tracer = _Tracer(layer)
    try:
        tracer.trace(module)
    except _Reached:
        pass
    except Exception as error:
        # A forward may do anything with the values that it is given; some of it can only be run, not traced.
        raise CannotCut(
            f"The network cannot be cut after {layer}: its forward() decides by what it computes ({first_line(error)}) "
            "Write a module that ends there, and give the function that makes it (--network MODULE:FUNCTION)."
        ) from None
    if tracer.reached is None:
        raise CannotCut(f"The forward pass never reaches {layer}.")
    tracer.graph.output(tracer.reached)
    return tracer.graph


def _find_shape(body: nn.Module, layer: str, input_px: int) -> tuple[int, int, int]:
    device = next((one.device for one in body.parameters()), torch.device("cpu"))
    try:
        with torch.inference_mode():
            given = body(torch.zeros(1, 3, input_px, input_px, device=device))
    except RuntimeError as error:
        raise CannotCut(f"The forward pass fails at {input_px} px before {layer}: {first_line(error)}") from None
    if not isinstance(given, torch.Tensor) or given.ndim != 4:
        words = spell_shape(given.shape[1:]) if isinstance(given, torch.Tensor) else type(given).__name__
        raise CannotCut(f"{layer} gives {words} for an image, not maps of units; cut after a convolution.")
    _, n_units, height, width = given.shape
    if height * width == 1:
        raise CannotCut(f"{layer} gives maps of one cell, which locate nothing; cut after an earlier layer.")
    return n_units, height, width
