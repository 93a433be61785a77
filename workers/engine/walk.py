"""Walk: which units of some layers feed which, by summed kernel weight times the source's mean activation.

docs/looking.md, Walk. The operations of a forward pass are followed: a convolution sums its kernels, what works channel
by channel passes, a sum joins its parents, a concatenation sets them side by side. Anything else is not followed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from workers.engine.kept_memory import keeping_memory
from workers.engine.networks.hooks import eval_mode, find_layer
from workers.engine.networks.operation_names import ELEMENTWISE, PASSING, POOLING

N_STRONGEST = 8
CONVOLUTION = "convolution"
# Before these, the means of units are taken: behind them, a channel may be no single unit's.
SETTLING = (CONVOLUTION, "add", "sub", "cat")
# With one operand that is followed, they multiply it by something, or add to it.
LINEAR = ("mul", "div", "neg", "add", "sub", "rsub")
Edge = tuple[str, str]


@dataclass(frozen=True)
class Reach:
    """How the channels of a tensor depend on the K units of one layer: `gain` (channels, K), None if channel i is unit
    i; `mean` (K,) of what enters the first convolution or sum after the layer; how many convolutions lie between.
    """

    gain: torch.Tensor | None = None
    mean: torch.Tensor | None = None
    n_convolutions: int = 0

    def spread(self, n_channels: int, like: torch.Tensor) -> torch.Tensor:
        """`gain` as a matrix."""
        return torch.eye(n_channels, device=like.device, dtype=torch.float32) if self.gain is None else self.gain


@dataclass(frozen=True)
class State:
    """What a tensor depends on, by layer. `is_sum`: a sum lies between, so that a channel is no single unit's."""

    reaches: Mapping[str, Reach] = field(default_factory=dict)
    is_sum: bool = False


@dataclass
class Strengths:
    """`sums` of strengths (units of the target, units of the source) over `n_batches`, and the convolutions between."""

    sums: torch.Tensor
    n_convolutions: int
    n_batches: int = 1

    @property
    def mean(self) -> NDArray[np.float32]:
        return np.asarray((self.sums / self.n_batches).cpu().numpy(), dtype=np.float32)


class _Follower(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows which channels depend on which units, by tensor."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.states: Any = WeakIdKeyDictionary()

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = str(func.overloadpacket.__name__).rstrip("_")
        flat = [one for x in args for one in (x if isinstance(x, (list, tuple)) else [x])]
        # An operation in place overwrites what it is given: means are taken before.
        given = [(x, self._settle(x, name)) for x in flat if isinstance(x, torch.Tensor) and x in self.states]
        result = func(*args, **(kwargs or {}))
        output = result[0] if isinstance(result, (list, tuple)) and result else result
        if given and isinstance(output, torch.Tensor):
            is_pointwise = torch.Tag.pointwise in func.tags
            alpha = float((kwargs or {}).get("alpha", 1))
            self.states[output] = self._follow(name, args, given, output, is_pointwise, alpha)
        return result

    def _settle(self, tensor: torch.Tensor, name: str) -> State:
        """Before a convolution, a sum or a concatenation, the mean of each unit, as it enters there."""
        state: State = self.states[tensor]
        if state.is_sum or tensor.ndim != 4 or name not in SETTLING:
            return state
        means = tensor.float().mean(dim=(0, 2, 3))
        found = {
            path: replace(reach, mean=means if reach.gain is None else reach.gain.T @ means)
            if reach.n_convolutions == 0
            else reach
            for path, reach in state.reaches.items()
        }
        return replace(state, reaches=found)

    @staticmethod
    def _follow(
        name: str,
        args: tuple[Any, ...],
        given: list[tuple[torch.Tensor, State]],
        output: torch.Tensor,
        is_pointwise: bool,
        alpha: float,
    ) -> State:
        tensor, state = given[0]
        if name == CONVOLUTION:
            is_followed = tensor is args[0] and not args[6]
            return _convolve(state, args[1], int(args[8])) if is_followed else State()
        if "batch_norm" in name:
            return _scale(state, args)
        if name == "cat":
            dim = args[1] if len(args) > 1 else 0
            return _join(list(args[0]), given) if output.ndim == 4 and dim in (1, -3) else State()
        if name in ("add", "sub") and len(given) > 1:
            return _add([one for _, one in given], tensor, sign=-alpha if name == "sub" else alpha)
        if name in ("mul", "div") and len(given) > 1:
            # A gate: the larger one passes.
            return max(given, key=lambda one: one[0].numel())[1]
        if name in LINEAR:
            factor = _find_factor(name, args, tensor, alpha)
            is_same = tensor.shape == output.shape
            return _times(state, factor) if factor is not None and is_same else State()
        passes = is_pointwise or name in ELEMENTWISE or name in PASSING or name.startswith(POOLING)
        is_same = tensor.ndim == output.ndim == 4 and tensor.shape[1] == output.shape[1]
        passes = passes or "adaptive" in name or name.endswith("pad_nd") or name == "mean"
        return state if passes and is_same else State()


def _join(parts: list[torch.Tensor], given: list[tuple[torch.Tensor, State]]) -> State:
    """Channels one after the other; those of tensors that are not followed depend on nothing."""
    states = {id(tensor): state for tensor, state in given}
    n_all, found, first, is_sum = sum(part.shape[1] for part in parts), dict[str, Reach](), 0, False
    for part in parts:
        n, state = part.shape[1], states.get(id(part), State())
        is_sum = is_sum or state.is_sum or any(path in found for path in state.reaches)
        for path, reach in state.reaches.items():
            gain = reach.spread(n, part)
            wide = gain.new_zeros(n_all, gain.shape[1])
            wide[first : first + n] = gain
            found[path] = _merge(found.get(path), replace(reach, gain=wide), 1)
        first += n
    return State(found, is_sum)


def _convolve(state: State, weight: torch.Tensor, groups: int) -> State:
    """Each output channel by the sums of its kernels over the input channels of its group."""
    summed = weight.detach().float().flatten(2).sum(dim=2)
    n_out, n_each = summed.shape
    kernel = summed.new_zeros(n_out, n_each * groups)
    for group in range(groups):
        rows = slice(group * (n_out // groups), (group + 1) * (n_out // groups))
        kernel[rows, group * n_each : (group + 1) * n_each] = summed[rows]
    return State(
        {
            path: replace(
                reach,
                gain=kernel if reach.gain is None else kernel @ reach.gain,
                n_convolutions=reach.n_convolutions + 1,
            )
            for path, reach in state.reaches.items()
        },
        is_sum=True,
    )


def _scale(state: State, args: tuple[Any, ...]) -> State:
    """A batch normalization: of channels that are units themselves, the mean after it is what enters."""
    weight, variance, eps = args[1], args[4], float(args[-1])
    if variance is None:
        return State()
    return _times(state, (variance.float() + eps).rsqrt() * (1 if weight is None else weight.detach().float()))


def _find_factor(name: str, args: tuple[Any, ...], tensor: torch.Tensor, alpha: float) -> torch.Tensor | None:
    """() or (channels,): by what the operation multiplies the tensor; None if that differs from place to place."""
    is_first, other = args[0] is tensor, args[1 if args[0] is tensor else 0] if len(args) > 1 else -1
    if name in ("neg", "rsub"):
        return torch.tensor(-float(args[2]) if len(args) > 2 else -alpha, device=tensor.device)
    if name in ("add", "sub"):
        return torch.tensor(1.0 if is_first else -alpha if name == "sub" else alpha, device=tensor.device)
    factor = torch.as_tensor(other, device=tensor.device).detach().float()
    is_channelwise = factor.shape[-3:] == (tensor.shape[1], 1, 1)
    if name == "mul" and is_channelwise and factor.ndim == 4 and len(factor) > 1:
        return torch.ones((), device=tensor.device)  # a gate, of each image another
    if factor.numel() != 1 and factor.numel() != is_channelwise * tensor.shape[1]:
        return None
    factor = factor.flatten() if factor.numel() > 1 else factor.reshape(())
    if name == "mul":
        return factor
    return factor.reciprocal() if is_first and len(args) == 2 else None


def _times(state: State, factor: torch.Tensor) -> State:
    """Channels times a factor, () or (channels,). Of channels that are units themselves, the mean after it enters."""
    if not state.is_sum:
        return state
    return replace(
        state,
        reaches={
            path: replace(reach, gain=_gain_of(reach) * factor[..., None]) for path, reach in state.reaches.items()
        },
    )


def _gain_of(reach: Reach) -> torch.Tensor:
    """Behind a sum there is one."""
    assert reach.gain is not None
    return reach.gain


def _add(states: Sequence[State], like: torch.Tensor, *, sign: float) -> State:
    """Both parents of a sum."""
    found: dict[str, Reach] = {}
    for place, state in enumerate(states):
        for path, reach in state.reaches.items():
            full = replace(reach, gain=reach.spread(like.shape[1], like))
            found[path] = _merge(found.get(path), full, sign if place else 1)
    return State(found, is_sum=True)


def _merge(first: Reach | None, second: Reach, sign: float) -> Reach:
    gain = second.gain
    assert gain is not None
    if first is None or first.gain is None:
        return replace(second, gain=sign * gain)
    mean = first.mean if first.mean is not None else second.mean
    return Reach(first.gain + sign * gain, mean, max(first.n_convolutions, second.n_convolutions))


@keeping_memory()
def walk(*, module: nn.Module, paths: Sequence[str], batches: Iterator[torch.Tensor]) -> dict[Edge, Strengths]:
    """By source and target, how strongly each unit of the source feeds each unit of the target. Raises LayerError.

    Layers are convolutional: of others nothing is followed. A source whose units reach the target through other layers
    of `paths` alone is no source of it.
    """
    found: dict[Edge, Strengths] = {}
    for batch in batches:
        _follow_batch(module, paths, batch, found)
    return found


def _follow_batch(module: nn.Module, paths: Sequence[str], batch: torch.Tensor, found: dict[Edge, Strengths]) -> None:
    follower = _Follower()

    def hook(path: str) -> Callable[[nn.Module, object, object], None]:
        def note(_module: nn.Module, _inputs: object, output: object) -> None:
            if not isinstance(output, torch.Tensor) or output.ndim != 4:
                return
            state: State = follower.states.get(output, State())
            kept = _record(state, path, found)
            follower.states[output] = State({**kept, path: Reach()})

        return note

    with ExitStack() as stack:
        stack.enter_context(eval_mode(module))
        for path in paths:
            stack.callback(find_layer(module=module, path=path).register_forward_hook(hook(path)).remove)
        stack.enter_context(torch.no_grad())
        stack.enter_context(follower)
        module(batch)


def _record(state: State, path: str, found: dict[Edge, Strengths]) -> dict[str, Reach]:
    """Adds the edges that end here. What remains are layers whose units are channels here: they go on, too."""
    kept = {}
    for source, reach in state.reaches.items():
        if source == path:
            continue
        if not state.is_sum:
            kept[source] = reach
        elif reach.gain is not None and reach.mean is not None:
            strength = reach.gain * reach.mean
            known = found.get((source, path))
            if known is None:
                found[source, path] = Strengths(strength, reach.n_convolutions)
            else:
                known.sums, known.n_batches = known.sums + strength, known.n_batches + 1
    return kept


@dataclass(frozen=True)
class Strongest:
    """Of each unit of a layer (K, N_STRONGEST): a neighbor's layer by its number, the unit there, and the strength; the
    unit is -1 if there are fewer.
    """

    layer: NDArray[np.int32]
    unit: NDArray[np.int32]
    strength: NDArray[np.float32]


def choose_strongest(*, numbers: Sequence[int], matrices: Sequence[NDArray[np.float32]], n_units: int) -> Strongest:
    """Of neighbors in several layers, by number, with strengths (K, units there), the strongest either way; ties to the
    earlier layer and unit.
    """
    layer, unit = np.full((2, n_units, N_STRONGEST), -1, dtype=np.int32)
    strength = np.zeros((n_units, N_STRONGEST), dtype=np.float32)
    if matrices:
        joined = np.concatenate(matrices, axis=1)
        whose = np.concatenate([np.full(one.shape[1], number) for number, one in zip(numbers, matrices, strict=True)])
        index = np.concatenate([np.arange(one.shape[1]) for one in matrices])
        order = np.argsort(-np.abs(joined), axis=1, kind="stable")[:, :N_STRONGEST]
        n = order.shape[1]
        layer[:, :n], unit[:, :n] = whose[order], index[order]
        strength[:, :n] = np.take_along_axis(joined, order, axis=1)
    return Strongest(layer, unit, strength)
