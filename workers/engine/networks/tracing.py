"""Follow every operation of one forward pass, and find which pixels each element of a layer's output looks at.

docs/measures.md, Where cells lie. One blank image goes through the network; any module will do. What each operation
does to places stands in operations.py.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from workers.engine.networks import places
from workers.engine.networks.hooks import eval_mode, find_layer, split_call
from workers.engine.networks.layer_maps import list_tensors
from workers.engine.networks.operation_names import SHAPES_ONLY
from workers.engine.networks.operations import Operation, follow
from workers.engine.networks.places import Place


class Watcher(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows places through every operation, by tensor."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.places: dict[int, Place] = {}
        # Holding the tensors keeps their ids from being given to others.
        self._held: list[torch.Tensor] = []

    def put(self, tensor: torch.Tensor, place: Place) -> None:
        self.places[id(tensor)] = place
        self._held.append(tensor)

    def place_of(self, tensor: torch.Tensor) -> Place:
        return self.places.get(id(tensor)) or places.nowhere(tensor.ndim)

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name, kwargs = str(func.overloadpacket.__name__), kwargs or {}
        known = [x for x in _flat([*args, *kwargs.values()]) if id(x) in self.places]
        # Before the operation: it may write into what it is given.
        given = [(self.places[id(x)], tuple(x.shape)) for x in known]
        result = func(*args, **kwargs)
        outputs = _flat([result])
        if not known or name in SHAPES_ONLY or not outputs:
            return result
        is_pointwise = torch.Tag.pointwise in func.tags
        operation = Operation(name, args, kwargs, given, outputs, is_pointwise, self.places)
        for output, place in zip(outputs, follow(operation), strict=False):
            self.put(output, place)
        return result


def trace_places(
    *, module: nn.Module, paths: Sequence[str], input_px: int
) -> dict[str, Mapping[str, tuple[tuple[int, ...], Place]] | str]:
    """Of each layer the shape and place of every tensor that it gives, by the tensor's name (see list_tensors); or, in
    words, why its operations cannot be followed.
    """
    found: dict[str, Mapping[str, tuple[tuple[int, ...], Place]] | str] = {}
    watcher, calls = Watcher(), dict.fromkeys((split_call(path)[0] for path in paths), 0)

    def hook(name: str) -> Callable[[nn.Module, object, object], None]:
        def note(_module: nn.Module, _inputs: object, output: object) -> None:
            for path in paths:
                wanted, call = split_call(path)
                if wanted == name and (call or 0) == calls[name]:
                    found[path] = {
                        key: (tuple(one.shape), watcher.place_of(one)) for key, one in list_tensors(output).items()
                    }
            calls[name] += 1

        return note

    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    with ExitStack() as stack:
        stack.enter_context(eval_mode(module))
        for name in calls:
            handle = find_layer(module=module, path=name).register_forward_hook(hook(name))
            stack.callback(handle.remove)
        blank = torch.zeros(1, 3, input_px, input_px, device=device)
        try:
            # Without inference mode, torch takes composed operations apart before they are seen here.
            with torch.no_grad(), watcher:
                watcher.put(blank, places.whole_pixels(input_px, input_px))
                module(blank)
        except Exception as error:
            # Modules may do anything in forward, and what they do need not leave a graph that can be followed.
            reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
            for path in paths:
                found.setdefault(path, f"its graph cannot be followed: {reason}")
    return {path: found.get(path, "the forward pass never reaches it") for path in paths}


def _flat(values: Sequence[Any]) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += _flat(value)
    return found
