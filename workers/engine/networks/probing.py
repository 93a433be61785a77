"""What layers give, found by running two blank images through the network before any image is read."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import torch
from torch import nn

from workers.engine.networks.hooks import LayerCalledOften, LayerSilent, eval_mode, find_layer, split_call
from workers.engine.networks.layer_maps import LayerError, LayerShape, LayerShapeUnknown, list_tensors
from workers.engine.networks.map_axes import Asked, Given, read_axes
from workers.engine.networks.places import Place
from workers.engine.networks.tracing import trace_places
from workers.engine.plurals import say_count

# As many blank images are probed: the axis of the images is the one of this length.
PROBED = 2

Traced = dict[str, Mapping[str, tuple[tuple[int, ...], Place]] | str]


class InputNotAnImage(LayerError):
    """The network's forward takes more than one image batch."""


def probe_layers(
    *, module: nn.Module, paths: Sequence[str], input_px: int, device: str = "cpu", asked: Asked | None = None
) -> dict[str, LayerShape]:
    """Shapes of the layers, and how they are read.

    Raises LayerNotFound, LayerSilent, LayerShapeUnknown, InputNotAnImage, and LayerCalledOften for a module called
    more than once without a number.
    """
    _check_signature(module)
    given = _probe(module, paths, torch.zeros(PROBED, 3, input_px, input_px, device=device))
    trace = _Trace(module, paths, input_px)
    return {
        path: read_axes(
            given=given[path],
            network=module,
            asked=asked or Asked(),
            find_place=partial(trace, path),
        )
        for path in paths
    }


def probe_every_part(
    *, module: nn.Module, input_px: int, device: str = "cpu"
) -> dict[str, LayerShape | LayerShapeUnknown | None]:
    """By path of each module: how it would be read, why it cannot be, or None if the forward pass never calls it. A
    module that is called several times has a path per call.

    Raises InputNotAnImage, and LayerSilent if the forward pass fails before the first module has given anything.
    """
    _check_signature(module)
    blank = torch.zeros(PROBED, 3, input_px, input_px, device=device)
    names = [name for name, _ in module.named_modules() if name]
    probe = _Probe(module, names, PROBED).run_as_far_as_it_goes(blank)
    paths = [path for name in names for path in _name_calls(name, probe.calls.get(name, 0))]
    if paths != names:
        probe = _Probe(module, paths, PROBED).run_as_far_as_it_goes(blank)
    trace = _Trace(module, [path for path in paths if path in probe.given], input_px)
    return {path: _read(probe.given.get(path), module, partial(trace, path)) for path in paths}


def _name_calls(name: str, n_calls: int) -> list[str]:
    return [name] if n_calls < 2 else [f"{name}#{call}" for call in range(n_calls)]


def _read(
    given: Given | None, network: nn.Module, find_place: Callable[[str], Place | None]
) -> LayerShape | LayerShapeUnknown | None:
    if given is None:
        return None
    try:
        return read_axes(given=given, network=network, asked=Asked(), find_place=find_place)
    except LayerShapeUnknown as unknown:
        return unknown


def _probe(module: nn.Module, paths: Sequence[str], blank: torch.Tensor) -> dict[str, Given]:
    try:
        return _Probe(module, paths, len(blank)).run(blank)
    except torch.OutOfMemoryError:
        return _Probe(module, paths, 1).run(blank[:1])


def _check_signature(module: nn.Module) -> None:
    takes = list(inspect.signature(module.forward).parameters.values())
    needed = [
        one.name for one in takes
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    ]  # fmt: skip
    if all(one.kind in (one.KEYWORD_ONLY, one.VAR_KEYWORD) for one in takes):
        names = ", ".join(needed) or "none"
        raise InputNotAnImage(
            f"The network takes no image in the first place, but by name alone ({names}). Write a module whose forward "
            "takes the image and passes it on by its name, and give the function that makes it (--network "
            "MODULE:FUNCTION)."
        )
    if len(needed) > 1:
        raise InputNotAnImage(
            f"The network takes more than an image ({', '.join(needed[1:])}). Write a module whose forward takes the "
            "image alone and fills in the rest, and give the function that makes it (--network MODULE:FUNCTION)."
        )


class _Trace:
    """Traces the network when a place is first asked for."""

    def __init__(self, module: nn.Module, paths: Sequence[str], input_px: int) -> None:
        self._ask = partial(trace_places, module=module, paths=paths, input_px=input_px)
        self._found: Traced | None = None

    def __call__(self, path: str, item: str) -> Place | None:
        if self._found is None:
            self._found = self._ask()
        tensors = self._found[path]
        return None if isinstance(tensors, str) or item not in tensors else tensors[item][1]


class _Probe:
    """One whole forward pass: what each layer gives, and how often each module is called."""

    def __init__(self, module: nn.Module, paths: Sequence[str], n_images: int) -> None:
        self.n_images = n_images
        self.module, self.names = module, {path: split_call(path) for path in paths}
        self.given: dict[str, Given] = {}
        self.calls: dict[str, int] = {}
        self.last: nn.Module | None = None

    def run(self, blank: torch.Tensor) -> dict[str, Given]:
        self._pass(blank, self._forward_to_the_layers)
        self._check()
        return self.given

    def run_as_far_as_it_goes(self, blank: torch.Tensor) -> "_Probe":
        self._pass(blank, self._forward_to_any)
        return self

    def _pass(self, blank: torch.Tensor, forward: Callable[[torch.Tensor], None]) -> None:
        with ExitStack() as stack:
            stack.enter_context(eval_mode(self.module))
            for part in self.module.modules():
                if any(True for _ in part.parameters(recurse=False)):
                    stack.callback(part.register_forward_hook(self._remember).remove)
            for name in dict.fromkeys(name for name, _ in self.names.values()):
                layer = find_layer(module=self.module, path=name)
                stack.callback(layer.register_forward_hook(self._watch(name)).remove)
            with torch.inference_mode():
                forward(blank)

    def _remember(self, part: nn.Module, _inputs: object, _output: object) -> None:
        self.last = part

    def _watch(self, name: str) -> Callable[[nn.Module, object, object], None]:
        def note(part: nn.Module, _inputs: object, output: object) -> None:
            tensors = {item: tuple(one.shape) for item, one in list_tensors(output).items() if one.is_floating_point()}
            for path, (wanted, call) in self.names.items():
                if wanted == name and (call or 0) == self.calls.get(name, 0):
                    self.given[path] = Given(path, part, tensors, self.last, self.n_images)
            self.calls[name] = self.calls.get(name, 0) + 1

        return note

    def _forward_to_the_layers(self, blank: torch.Tensor) -> None:
        self._forward(blank, is_enough=lambda: self.given.keys() == self.names.keys())

    def _forward_to_any(self, blank: torch.Tensor) -> None:
        self._forward(blank, is_enough=lambda: bool(self.given))

    def _forward(self, blank: torch.Tensor, *, is_enough: Callable[[], bool]) -> None:
        try:
            self.module(blank)
        except (torch.OutOfMemoryError, LayerError):
            raise
        except Exception as error:
            # A classifier may be made for another input size: no matter, when all layers lie before it. A network that
            # takes something else than a batch of images may fail in any way.
            if not is_enough():
                said = f"{type(error).__name__}: {error}"
                raise LayerSilent(f"The forward pass fails at {blank.shape[-1]} px before the layers. {said}") from None

    def _check(self) -> None:
        for path, (name, call) in self.names.items():
            if call is None and self.calls.get(name, 0) > 1:
                raise LayerCalledOften(
                    f"The forward pass calls {name} {say_count(self.calls[name], 'time')}; name the call: "
                    f"{name}#0 to {name}#{self.calls[name] - 1}."
                )
            if path not in self.given:
                raise LayerSilent(f"The forward pass never reaches {path}.")
