"""The way from the image to a layer as a chain of steps, each of which can be recomputed on a window of its input.

[ZKLOT15] 3.2. A step is a convolution or a maximum pooling (recomputed on exactly the cells that are needed), a
pointwise operation, or a whole block with branches inside (recomputed on a window that lies inside the map and
is wide enough for what is needed of it).
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from workers.engine.networks.hooks import eval_mode, find_layer
from workers.engine.networks.receptive_field import ReceptiveFieldUnknown, window_of

CONVOLUTION, MAXIMUM, POINTWISE, BLOCK = "convolution", "maximum", "pointwise", "block"
POINTWISE_TYPES = (
    nn.ReLU,
    nn.ReLU6,
    nn.Hardtanh,
    nn.LeakyReLU,
    nn.SiLU,
    nn.GELU,
    nn.Hardswish,
    nn.Sigmoid,
    nn.Tanh,
    nn.ELU,
)
PASSING_TYPES = (nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Identity)


class ChainBroken(Exception):
    """The way to the layer is no chain of modules whose windows could be recomputed; the message says where."""


@dataclass(frozen=True)
class Window:
    """Along one axis, output cell o is reached by input cells o x stride - padding to o x stride - padding + size
    - 1.
    """

    size: int
    stride: int
    padding: int

    def reached(self, first: torch.Tensor, last: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """First and last output that inputs first to last reach."""
        low = -torch.div(-(first + self.padding - self.size + 1), self.stride, rounding_mode="floor")
        return low, torch.div(last + self.padding, self.stride, rounding_mode="floor")

    def needed(self, first: int, last: int) -> tuple[int, int]:
        """First and last input that outputs first to last need; they may lie outside the map."""
        return first * self.stride - self.padding, last * self.stride - self.padding + self.size - 1


@dataclass(frozen=True)
class Step:
    """One step: its module, kind, windows (rows, columns), and multiplications per output cell."""

    path: str
    module: nn.Module
    kind: str
    windows: tuple[Window, Window]
    cost: int

    def run(self, x: torch.Tensor) -> torch.Tensor:
        """The step on a (B, C, h, w) input of its own, without padding where the step is a convolution or a maximum."""
        if self.kind == CONVOLUTION:
            assert isinstance(self.module, nn.Conv2d)
            conv = self.module
            return functional.conv2d(x, conv.weight, conv.bias, conv.stride, 0, conv.dilation, conv.groups)
        if self.kind == MAXIMUM:
            assert isinstance(self.module, nn.MaxPool2d)
            return functional.max_pool2d(x, self.module.kernel_size, self.module.stride, 0, self.module.dilation)
        result: torch.Tensor = self.module(x)
        return result


@dataclass(frozen=True)
class _Call:
    path: str
    module: nn.Module
    given: torch.Tensor
    gave: torch.Tensor


def find_chain(*, module: nn.Module, path: str, image: torch.Tensor) -> list[Step]:
    """Steps from the (1, 3, px, px) image to the layer; raises ChainBroken."""
    layer = find_layer(module=module, path=path)
    while isinstance(layer, nn.Sequential) and len(layer):
        # What a sequence gives is what its last member gives.
        name, layer = list(layer.named_children())[-1]
        path = f"{path}.{name}"
    calls = _record(module, image)
    steps: list[Step] = []
    current, place = image, 0
    while not steps or steps[-1].path != path:
        found = _next_call(calls, current, place, path)
        if found is None:
            origin = steps[-1].path if steps else "the image"
            raise ChainBroken(f"No single module leads from {origin} toward {path}.")
        place, call = found
        steps.append(_step(call))
        current = call.gave
    return steps


def _record(module: nn.Module, image: torch.Tensor) -> list[_Call]:
    """Calls that take and give one map, outermost first where they begin together; tensors are told apart by
    identity.
    """
    calls: list[_Call | None] = []
    open_calls: list[int] = []
    names = {id(part): name for name, part in module.named_modules()}

    def enter(part: nn.Module, inputs: tuple[object, ...]) -> None:
        open_calls.append(len(calls))
        calls.append(None)

    def leave(part: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        slot = open_calls.pop()
        if len(inputs) == 1 and isinstance(inputs[0], torch.Tensor) and isinstance(output, torch.Tensor):
            calls[slot] = _Call(names[id(part)], part, inputs[0], output)

    handles = []
    with eval_mode(module), torch.inference_mode():
        try:
            for part in module.modules():
                handles.append(part.register_forward_pre_hook(enter))
                handles.append(part.register_forward_hook(leave))
            module(image)
        finally:
            for handle in handles:
                handle.remove()
    return [call for call in calls if call is not None]


def _next_call(calls: list[_Call], current: torch.Tensor, place: int, path: str) -> tuple[int, _Call] | None:
    for i in range(place, len(calls)):
        call = calls[i]
        # What contains the layer is entered, and so are sequences, whose members are steps of their own.
        enters = call.path == "" or path.startswith(call.path + ".") or isinstance(call.module, nn.Sequential)
        if not enters and call.given is current:
            # A module's own parts were recorded after it; what it contains is passed over.
            inside = i + 1
            while inside < len(calls) and calls[inside].path.startswith(call.path + "."):
                inside += 1
            return inside, call
    return None


def _step(call: _Call) -> Step:
    part = call.module
    if type(part) is nn.Conv2d and part.padding_mode == "zeros" and not isinstance(part.padding, str):
        windows = _windows(part.kernel_size, part.stride, part.padding, part.dilation)
        return Step(call.path, part, CONVOLUTION, windows, part.weight.numel())
    if type(part) is nn.MaxPool2d and not part.return_indices:
        sizes = [_pair(value) for value in (part.kernel_size, part.stride, part.padding, part.dilation)]
        return Step(call.path, part, MAXIMUM, _windows(*sizes), 0)
    if type(part) in (*POINTWISE_TYPES, *PASSING_TYPES):
        return Step(call.path, part, POINTWISE, (Window(1, 1, 0), Window(1, 1, 0)), 0)
    try:
        spans = window_of(module=part, given=call.given)
    except ReceptiveFieldUnknown as unknown:
        raise ChainBroken(f"{call.path} cannot be recomputed on a part of its input: {unknown}") from None
    windows = (Window(*spans[0]), Window(*spans[1]))
    return Step(call.path, part, BLOCK, windows, sum(p.numel() for p in part.parameters() if p.ndim == 4))


def _pair(value: object) -> tuple[int, int]:
    first, last = value if isinstance(value, tuple) else (value, value)
    return int(first), int(last)


def _windows(
    kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Window, Window]:
    rows, columns = (Window((kernel[i] - 1) * dilation[i] + 1, stride[i], padding[i]) for i in (0, 1))
    return rows, columns
