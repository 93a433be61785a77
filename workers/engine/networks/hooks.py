"""Read layers of a network while it runs; what is hooked is unhooked and modes are as found, whatever happens inside.

A layer is named by its dotted path; where the forward pass calls a module more than once, `path#call` (zero-based)
names the call.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import nn


class LayerError(Exception):
    """A layer cannot be dissected; the message says why."""


class LayerNotFound(LayerError):
    """No module lies at the path; the message lists those that do."""


class LayerCalledOften(LayerError):
    """The forward pass calls the module more than once, and the path does not say which call is meant."""


class LayerSilent(LayerError):
    """The forward pass never reached the layer."""


class LayerShapeUnknown(LayerError):
    """The layer gives something other than a map or a vector of units."""


class _Enough(Exception):
    """All layers have been read; the rest of the forward pass is not needed."""


@dataclass(frozen=True)
class LayerShape:
    """What a layer gives for one image: n_units maps of height x width cells."""

    path: str
    n_units: int
    height: int
    width: int


def split_call(path: str) -> tuple[str, int | None]:
    """`features.3#1` is the second call of features.3; without a number the call is not named."""
    name, mark, call = path.partition("#")
    if mark and not call.isdecimal():
        raise LayerNotFound(f"{path!r}: what follows # must be the number of a call, from 0.")
    return name, int(call) if mark else None


def find_layer(*, module: nn.Module, path: str) -> nn.Module:
    """The module at a dotted path; raises LayerNotFound, whose words list the layers there are."""
    name, _ = split_call(path)
    layers: dict[str, nn.Module] = dict(module.named_modules())
    if not name or name not in layers:
        known = [key for key in layers if key]
        raise LayerNotFound(f"There is no layer {name!r}. The network's layers are: {', '.join(known)}.")
    return layers[name]


Consumer = Callable[[str, torch.Tensor], None]


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Dropout and batch normalization behave as in use; every submodule's own mode is restored at the end."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextmanager
def reading(*, module: nn.Module, paths: Sequence[str], consume: Consumer) -> Iterator[Callable[[torch.Tensor], None]]:
    """Yield a function that runs a batch up to the last of the layers; each layer's output goes to `consume` at once.

    `consume` sees the (B, U, h, w) output before anything downstream can overwrite it in place and must not keep it.
    A vector (B, U) is given as (B, U, 1, 1). Raises LayerError; hooks and modes are restored on leaving.
    """
    reader = _Reader(paths=paths, consume=consume)
    with ExitStack() as stack:
        stack.enter_context(eval_mode(module))
        for name in dict.fromkeys(split_call(path)[0] for path in paths):
            handle = find_layer(module=module, path=name).register_forward_hook(reader.hook(name))
            stack.callback(handle.remove)

        def run(batch: torch.Tensor) -> None:
            reader.begin()
            try:
                with torch.inference_mode():
                    module(batch)
            except _Enough:
                return
            reader.demand_all()

        yield run


class _Reader:
    """Counts calls within one forward pass and hands the wanted ones on."""

    def __init__(self, *, paths: Sequence[str], consume: Consumer) -> None:
        self.wanted = {(name, call or 0): path for path in paths for name, call in (split_call(path),)}
        self.consume = consume
        self.begin()

    def begin(self) -> None:
        self.pending = set(self.wanted)
        self.calls: dict[str, int] = {}

    def hook(self, name: str) -> Callable[[nn.Module, object, object], None]:
        def read(_module: nn.Module, _inputs: object, output: object) -> None:
            key = (name, self.calls.get(name, 0))
            self.calls[name] = key[1] + 1
            if key not in self.pending:
                return
            self.pending.discard(key)
            self.consume(self.wanted[key], as_maps(path=self.wanted[key], output=output))
            if not self.pending:
                raise _Enough

        return read

    def demand_all(self) -> None:
        if self.pending:
            missed = ", ".join(sorted(self.wanted[key] for key in self.pending))
            raise LayerSilent(f"The forward pass never reaches {missed}.")


def as_maps(*, path: str, output: object) -> torch.Tensor:
    """A layer's output as (B, U, h, w); raises LayerShapeUnknown for anything but maps and vectors."""
    if isinstance(output, torch.Tensor):
        if output.ndim == 4:
            return output
        if output.ndim == 2:
            return output[:, :, None, None]
        given = "a tensor of shape " + " x ".join(map(str, output.shape))
    else:
        given = f"a {type(output).__name__}"
    raise LayerShapeUnknown(
        f"{path} gives {given}; units need (image, unit, row, column) or (image, unit). Name a layer inside "
        "it, or save its "
        "values reshaped to a grid and dissect the saved arrays."
    )


def probe_layers(
    *, module: nn.Module, paths: Sequence[str], input_px: int, device: str = "cpu"
) -> dict[str, LayerShape]:
    """Shapes of the layers for one blank image, by one whole forward pass.

    Raises LayerNotFound, LayerSilent, LayerShapeUnknown, and LayerCalledOften for a module called more than once
    without a number.
    """
    shapes: dict[str, LayerShape] = {}
    calls: dict[str, int] = {}
    names = {path: split_call(path) for path in paths}

    def watch(name: str) -> Callable[[nn.Module, object, object], None]:
        def count(_module: nn.Module, _inputs: object, output: object) -> None:
            for path, (wanted, call) in names.items():
                if wanted == name and (call or 0) == calls.get(name, 0):
                    maps = as_maps(path=path, output=output)
                    shapes[path] = LayerShape(path, maps.shape[1], maps.shape[2], maps.shape[3])
            calls[name] = calls.get(name, 0) + 1

        return count

    with ExitStack() as stack:
        stack.enter_context(eval_mode(module))
        for name in dict.fromkeys(name for name, _ in names.values()):
            handle = find_layer(module=module, path=name).register_forward_hook(watch(name))
            stack.callback(handle.remove)
        with torch.inference_mode():
            _forward_as_far_as_it_goes(module, torch.zeros(1, 3, input_px, input_px, device=device), shapes, set(paths))
    for path, (name, call) in names.items():
        if call is None and calls.get(name, 0) > 1:
            raise LayerCalledOften(
                f"The forward pass calls {name} {calls[name]} times; name the call: "
                f"{name}#0 to {name}#{calls[name] - 1}."
            )
        if path not in shapes:
            raise LayerSilent(f"The forward pass never reaches {path}.")
    return {path: shapes[path] for path in paths}


def _forward_as_far_as_it_goes(
    module: nn.Module, blank: torch.Tensor, shapes: dict[str, LayerShape], paths: set[str]
) -> None:
    try:
        module(blank)
    except LayerError:
        raise
    except RuntimeError as error:
        # A classifier may be made for another input size: no matter, when all layers lie before it.
        if shapes.keys() != paths:
            raise LayerSilent(f"The forward pass fails at {blank.shape[-1]} px before the layers: {error}") from None
