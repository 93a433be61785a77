"""Read layers of a network while it runs; what is hooked is unhooked and modes are as found, whatever happens inside.

A layer is named by its dotted path; where the forward pass calls a module more than once, `path#call` (zero-based)
names the call; where it gives several tensors, `path:key` names the tensor (layer_maps.py).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches

import torch
from torch import nn

from workers.engine.networks.layer_maps import LayerError, LayerShape, as_maps, split_key

# So many layers are named that may have been meant.
N_MEANT = 3


class LayerNotFound(LayerError):
    """No module lies at the path; the message lists those that do."""


class LayerCalledOften(LayerError):
    """The forward pass calls the module more than once, and the path does not say which call is meant."""


class LayerSilent(LayerError):
    """The forward pass never reached the layer."""


class _Enough(Exception):
    """All layers have been read; the rest of the forward pass is not needed."""


def split_call(path: str) -> tuple[str, int | None]:
    """`features.3#1` is the second call of features.3; without a number the call is not named. A tensor's key is left
    out.
    """
    name, mark, call = split_key(path)[0].partition("#")
    if mark and not call.isdecimal():
        raise LayerNotFound(f"{path!r}: what follows # must be the number of a call, from 0.")
    return name, int(call) if mark else None


def find_layer(*, module: nn.Module, path: str) -> nn.Module:
    """The module at a dotted path; raises LayerNotFound, whose words list the layers there are."""
    name, _ = split_call(path)
    layers: dict[str, nn.Module] = dict(module.named_modules())
    if not name or name not in layers:
        known = [key for key in layers if key]
        close = _find_close(name, known)
        meant = f" Did you mean {' or '.join(close)}?" if close else ""
        raise LayerNotFound(f"There is no layer {name!r}.{meant} The network's layers are: {', '.join(known)}.")
    return layers[name]


def _find_close(name: str, known: Sequence[str]) -> list[str]:
    """Layers of the same name below another module or without one, in other letters, or spelled alike."""
    wanted = name.replace("/", ".").replace("[", ".").replace("]", "").strip(".").lower()
    same = [one for one in known if wanted and f".{one.lower()}".endswith(f".{wanted}")]
    shorter = [one for one in known if f".{wanted}".endswith(f".{one.lower()}")]
    return (same or shorter[-1:] or get_close_matches(name, known))[:N_MEANT]


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
def reading(
    *, module: nn.Module, shapes: Sequence[LayerShape], consume: Consumer
) -> Iterator[Callable[[torch.Tensor], None]]:
    """Yield a function that runs a batch up to the last of the layers; each layer's maps go to `consume` at once.

    `consume` sees the (B, U, h, w) maps before anything downstream can overwrite them in place and must not keep them.
    Raises LayerError; hooks and modes are restored on leaving.
    """
    reader = _Reader(shapes=shapes, consume=consume)
    with ExitStack() as stack:
        stack.enter_context(eval_mode(module))
        for name in dict.fromkeys(split_call(shape.path)[0] for shape in shapes):
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
    """Counts calls within one forward pass and hands the wanted ones on: of one call perhaps several tensors."""

    def __init__(self, *, shapes: Sequence[LayerShape], consume: Consumer) -> None:
        self.wanted: dict[tuple[str, int], list[LayerShape]] = {}
        for shape in shapes:
            name, call = split_call(shape.path)
            self.wanted.setdefault((name, call or 0), []).append(shape)
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
            for shape in self.wanted[key]:
                self.consume(shape.path, as_maps(shape=shape, output=output))
            if not self.pending:
                raise _Enough

        return read

    def demand_all(self) -> None:
        if self.pending:
            missed = ", ".join(sorted(shape.path for key in self.pending for shape in self.wanted[key]))
            raise LayerSilent(f"The forward pass never reaches {missed}.")
