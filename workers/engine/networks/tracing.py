"""Follow every operation of one forward pass, and find which pixels each element of a layer's output looks at.

docs/measures.md, Where cells lie. One blank image goes through the network; any module
will do. What an operation does to places stands in places.py; here stands which operation does what.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from math import gcd, prod
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from workers.engine.networks import places
from workers.engine.networks.hooks import eval_mode, find_layer, split_call
from workers.engine.networks.layer_maps import list_tensors
from workers.engine.networks.places import Place, Window

# What moves whole axes, and what picks or repeats elements along them.
TURNING = frozenset("permute transpose t unsqueeze roll flip".split())  # noqa: SIM905
MOVING = TURNING | frozenset(
    """squeeze expand slice select split split_with_sizes unsafe_split unbind repeat pixel_unshuffle
    channel_shuffle native_channel_shuffle index_select narrow unfold""".split()  # noqa: SIM905
)
PASSING = frozenset("clone alias detach lift_fresh contiguous _to_copy".split())  # noqa: SIM905
RESHAPING = frozenset("view _unsafe_view reshape _reshape_alias".split())  # noqa: SIM905
# Element by element, as the batch normalization of evaluation is too; most others torch marks itself.
ELEMENTWISE = frozenset(
    """native_batch_norm cudnn_batch_norm miopen_batch_norm _native_batch_norm_legit_no_training
    _native_batch_norm_legit _batch_norm_with_update native_dropout copy dropout feature_dropout hardtanh threshold
    where relu relu6 leaky_relu elu gelu silu hardswish hardsigmoid softplus mish prelu _prelu_kernel clamp clamp_min
    clamp_max rsub masked_fill fill lerp celu selu glu_jvp""".split()  # noqa: SIM905
)
POOLING = ("max_pool", "avg_pool")
REDUCING = frozenset("mean sum amax amin max min var std var_mean norm linalg_vector_norm prod logsumexp".split())  # noqa: SIM905
NORMALIZING = frozenset("native_layer_norm _fused_rms_norm native_group_norm _softmax _log_softmax cumsum".split())  # noqa: SIM905
ATTENDING = ("scaled_dot_product", "_native_multi_head_attention", "_transformer_encoder_layer_fwd", "_flash_attention")
SHAPES_ONLY = frozenset("zeros_like ones_like empty_like full_like new_empty new_zeros new_ones new_full".split())  # noqa: SIM905
ATTENTION = f"{places.WHOLE} (attention)"

Call = tuple[str, tuple[Any, ...], dict[str, Any]]


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
        is_pointwise = torch.Tag.pointwise in func.tags or name.rstrip("_") in ELEMENTWISE
        for output, place in zip(
            outputs, self._follow((name, args, kwargs), given, outputs, is_pointwise), strict=False
        ):
            self.put(output, place)
        return result

    def _follow(
        self,
        call: Call,
        given: list[tuple[Place, tuple[int, ...]]],
        outputs: list[torch.Tensor],
        is_pointwise: bool,
    ) -> list[Place]:
        """The places of the outputs; those past the end of the list have none."""
        name, args, kwargs = call
        n_axes = outputs[0].ndim
        first, shape = given[0]
        if name in ("cat", "stack"):
            parts, rest = list(args[0]), args[1:]
            join = torch.cat if name == "cat" else torch.stack
            kept = [one for one in parts if one.numel()]
            return [
                places.joined(
                    [self.place_of(one) for one in kept],
                    [one.shape for one in kept],
                    lambda spans: join(spans, *rest, **kwargs),
                )
            ]
        if name in PASSING:
            return [first]
        if name == "glu":
            return [_gated(call, first, shape)]
        if name == "pixel_shuffle":
            return [_shuffled(first, int(args[1]), outputs[0])]
        if name in MOVING or name in RESHAPING or name == "index":
            return _moved(call, first, shape, outputs)
        if name in ("convolution", "mkldnn_convolution", "cudnn_convolution"):
            return [_convolved(call, first, outputs[0])]
        if "adaptive" in name:
            return [_adapted(first, shape, outputs[0])] * len(outputs)
        if name.startswith(POOLING):
            return [_pooled(call, first, outputs[0])] * len(outputs)
        if name.endswith(("pad_nd", "pad1d", "pad2d", "pad3d")):
            return [_padded(call, first, outputs[0])]
        if "upsample" in name:
            return [_resized(call, first, shape, outputs[0])]
        if name in ("mm", "bmm", "addmm", "baddbmm", "addbmm", "mv", "addmv"):
            left, right = args[-2:] if name in ("mm", "bmm") else args[1:3]
            return [self._multiplied(left, right, outputs[0])]
        if any(one in name for one in ATTENDING):
            return [first.because(ATTENTION)] if outputs[0].shape == shape else []
        if name in NORMALIZING:
            return [_normalized(call, first, shape)]
        if name in ("topk", "sort", "argmax", "argmin", "gather", "scatter", "scatter_"):
            return self._picked(call, given, outputs)
        if name in REDUCING and (len(given) == 1) and not is_pointwise:
            return [_reduced(call, first, shape, outputs[0])] * len(outputs)
        if is_pointwise:
            place = places.united([place for place, _ in given], n_axes)
            is_batch = "batch_norm" in name and bool(len(args) > 5 and args[5] is True)
            return [place.because(f"{places.WHOLE} (normalization)") if is_batch else place]
        reason = f"the operation {name} lies before it, which keeps no grid"
        return [places.nowhere(output.ndim, first.reason or reason) for output in outputs]

    def _multiplied(self, left: torch.Tensor, right: torch.Tensor, output: torch.Tensor) -> Place:
        """A matrix product belongs to the places of its left factor's rows (in attention, the queries), or, if these
        have none, to those of its right factor's columns.
        """
        rows = places.contracted(self.place_of(left), [left.ndim - 1])
        if id(right) not in self.places:
            return rows
        columns = places.contracted(self.place_of(right), [max(0, right.ndim - 2)])
        chosen = columns if rows.is_nowhere else rows
        if id(left) in self.places:
            chosen = chosen.because(rows.reason or columns.reason or ATTENTION)
        return chosen

    def _picked(
        self, call: Call, given: list[tuple[Place, tuple[int, ...]]], outputs: list[torch.Tensor]
    ) -> list[Place]:
        """Values picked or sorted along an axis: they keep their place if it does not differ along that axis."""
        name, args, kwargs = call
        place = places.united([one for one, _ in given], outputs[0].ndim) if name.startswith("scatter") else given[0][0]
        n_axes = len(given[0][1])
        at = {"topk": 2}.get(name, 1)
        axis = _argument(args, kwargs, at, "dim")
        axis = (n_axes - 1 if axis is None else int(axis)) % n_axes
        keeps = name not in ("argmax", "argmin") or bool(_argument(args, kwargs, 2, "keepdim"))
        return [places.reduced(place, [axis], keeps=keeps)] * len(outputs)


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


def _pair(value: Any, n: int, default: int) -> list[int]:
    if value is None or (isinstance(value, (list, tuple)) and len(value) == 0):
        return [default] * n
    if isinstance(value, (list, tuple)):
        return [int(one) for one in value] if len(value) == n else [int(value[0])] * n
    return [int(value)] * n


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], at: int, name: str) -> Any:
    return args[at] if len(args) > at else kwargs.get(name)


def _moved(call: Call, place: Place, shape: tuple[int, ...], outputs: list[torch.Tensor]) -> list[Place]:
    name, args, kwargs = call
    if name in RESHAPING:
        if prod(shape) != outputs[0].numel():
            return [places.nowhere(outputs[0].ndim, "a view of its bytes lies before it")]
        return [places.reshaped(place, shape, outputs[0].shape)]
    if name == "index":
        indices = [None if one is None else one.cpu() for one in args[1]]
        return [places.moved(place, shape, lambda one: torch.ops.aten.index(one, indices))]
    rest = [one.cpu() if isinstance(one, torch.Tensor) else one for one in args[1:]]
    operation = getattr(torch.ops.aten, name)

    def part(i: int) -> Callable[[torch.Tensor], torch.Tensor]:
        def move(one: torch.Tensor) -> torch.Tensor:
            given: torch.Tensor | list[torch.Tensor] = operation(one, *rest, **kwargs)
            return given if isinstance(given, torch.Tensor) else given[i]

        return move

    if name in TURNING:
        return [places.turned(place, part(0))]
    return [places.moved(place, shape, part(i)) for i in range(len(outputs))]


def _gated(call: Call, place: Place, shape: tuple[int, ...]) -> Place:
    """One half of an axis is multiplied by the other."""
    _, args, kwargs = call
    axis = _argument(args, kwargs, 1, "dim")
    axis = (-1 if axis is None else int(axis)) % len(shape)
    n = shape[axis] // 2
    halves = [places.moved(place, shape, lambda one, at=at: one.narrow(axis, at, n)) for at in (0, n)]  # type: ignore[misc]
    return places.united(halves, len(shape))


def _convolved(call: Call, place: Place, output: torch.Tensor) -> Place:
    _, args, kwargs = call
    n = output.ndim - 2
    kernel = list(args[1].shape[2:])
    stride = _pair(_argument(args, kwargs, 3, "stride"), n, 1)
    padding = _pair(_argument(args, kwargs, 4, "padding"), n, 0)
    dilation = _pair(_argument(args, kwargs, 5, "dilation"), n, 1)
    summed = places.contracted(place, [1])
    if _argument(args, kwargs, 6, "transposed"):
        windows = [
            # The middle of what reaches an output.
            Window(i + 2, output.shape[i + 2], 1 / stride[i], middle, middle)
            for i in range(n)
            for middle in [(padding[i] - (kernel[i] - 1) * dilation[i] / 2) / stride[i]]
        ]
        return places.windowed(summed, windows).because("a transposed convolution lies before it")
    return _slid(summed, output, kernel, stride, padding, dilation)


def _slid(
    place: Place, output: torch.Tensor, kernel: list[int], stride: list[int], padding: list[int], dilation: list[int]
) -> Place:
    start = output.ndim - len(kernel)
    windows = [
        Window(start + i, output.shape[start + i], stride[i], -padding[i], (kernel[i] - 1) * dilation[i] - padding[i])
        for i in range(len(kernel))
        if (kernel[i], stride[i], padding[i]) != (1, 1, 0)
    ]
    return places.windowed(place, windows)


def _pooled(call: Call, place: Place, output: torch.Tensor) -> Place:
    name, args, kwargs = call
    n = 1 if "1d" in name else 3 if "3d" in name else 2
    kernel = _pair(_argument(args, kwargs, 1, "kernel_size"), n, 1)
    given = _argument(args, kwargs, 2, "stride")
    stride = kernel if given is None or given == [] else _pair(given, n, 1)
    padding = _pair(_argument(args, kwargs, 3, "padding"), n, 0)
    # Ceil mode adds windows at the far edge and moves none.
    dilation = _pair(_argument(args, kwargs, 4, "dilation"), n, 1) if name.startswith("max") else [1] * n
    return _slid(place, output, kernel, stride, padding, dilation)


def _adapted(place: Place, shape: tuple[int, ...], output: torch.Tensor) -> Place:
    """Adaptive pooling: one window per output if they are of one size; one value over the image has no place."""
    reason = "adaptive pooling lies before it, whose windows depend on the size of the image"
    sizes = [(shape[axis], output.shape[axis], axis) for axis in range(output.ndim - 2, output.ndim)]
    if all(after == 1 for _, after, _ in sizes) or any(before % after for before, after, _ in sizes):
        return places.nowhere(output.ndim, place.reason or reason)
    windows = [Window(axis, after, before // after, 0, before // after - 1) for before, after, axis in sizes]
    return places.windowed(place, [one for one in windows if one.step != 1]).because(reason)


def _resized(call: Call, place: Place, shape: tuple[int, ...], output: torch.Tensor) -> Place:
    """Interpolation: outputs lie evenly between the inputs, by half pixels, or from the first input to the last
    (align_corners); the nearest input is the one before, on average half an output's fraction of it away.
    """
    name, args, kwargs = call
    is_aligned = "nearest" not in name and bool(_argument(args, kwargs, 2, "align_corners"))
    windows = []
    for axis in range(2, output.ndim):
        n_in, n_out = shape[axis], output.shape[axis]
        ratio, first = n_in / n_out, (n_in / n_out - 1) / 2
        if is_aligned:
            ratio, first = (n_in - 1) / max(1, n_out - 1), 0.0
        elif "nearest" in name and "exact" not in name:
            n_steps = n_out // gcd(n_in, n_out)
            first = (1 - n_steps) / (2 * n_steps)
        windows.append(Window(axis, n_out, ratio, first, first))
    return places.windowed(place, windows).because("the map was resized before it")


def _shuffled(place: Place, n_times: int, output: torch.Tensor) -> Place:
    """Channels become n_times x n_times cells (pixel shuffle), which share the field of the cell that they divide."""
    channels, first = output.ndim - 3, (1 / n_times - 1) / 2
    spans = []
    for i, one in enumerate(place.spans):
        if one.shape[channels] > 1:
            groups = one.reshape(*one.shape[:channels], -1, n_times * n_times, *one.shape[channels + 1 :])
            one = groups.amax(channels + 1) if i % 2 else groups.amin(channels + 1)
        spans.append(one)
    windows = [Window(axis, output.shape[axis], 1 / n_times, first, first) for axis in (channels + 1, channels + 2)]
    return places.windowed(Place(tuple(spans), place.reason), windows).because("pixels were shuffled before it")


def _padded(call: Call, place: Place, output: torch.Tensor) -> Place:
    """The grid goes on outside; what mirrors or repeats the edge looks at pixels elsewhere."""
    name, args, _ = call
    pads = [int(one) for one in args[1]]
    windows = [
        Window(axis, output.shape[axis], 1, -pads[2 * i], -pads[2 * i])
        for i in range(len(pads) // 2)
        for axis in [output.ndim - 1 - i]
        if pads[2 * i] or pads[2 * i + 1]
    ]
    padded = places.windowed(place, windows)
    return padded if name.startswith("constant") else padded.because(
        "padding that mirrors or repeats the edge lies before it"
    )  # fmt: skip


def _normalized(call: Call, place: Place, shape: tuple[int, ...]) -> Place:
    """Statistics over some axes enter each element, which keeps its place."""
    name, args, _ = call
    if name in ("native_layer_norm", "_fused_rms_norm"):
        axes = list(range(len(shape) - len(args[1]), len(shape)))
    elif name == "native_group_norm":
        axes = list(range(1, len(shape)))
    else:
        axes = [int(args[1]) % len(shape)]
    mixed = places.contracted(place, axes)
    if mixed.reason == place.reason:
        return mixed
    return place.because(f"{places.WHOLE} (normalization)")


def _reduced(call: Call, place: Place, shape: tuple[int, ...], output: torch.Tensor) -> Place:
    name, args, kwargs = call
    stated = _argument(args, kwargs, 2 if name in ("norm", "linalg_vector_norm") else 1, "dim")
    axes = list(range(len(shape))) if stated in (None, []) else stated
    axes = [int(axis) % len(shape) for axis in (axes if isinstance(axes, (list, tuple)) else [axes])]
    return places.reduced(place, axes, keeps=output.ndim == len(shape))
