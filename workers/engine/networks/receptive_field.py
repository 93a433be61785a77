"""Theoretical receptive fields, from the graph: which pixels can reach each cell of a layer.

[ZKLOT15] 3.2, docs/measures.md, Theoretical receptive field. One blank image goes through the network while every
operation is watched, so that any module will do: branches are united, padding moves the field outwards, dilation widens
it. Coordinates are pixel centers; padding may put a field partly outside the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from workers.engine.networks.geometry import AxisGeometry, MapGeometry
from workers.engine.networks.hooks import LayerError, reading


class ReceptiveFieldUnknown(Exception):
    """The layer has no theoretical receptive field of one size and stride; the message says why."""


@dataclass(frozen=True)
class _Span:
    """Along one axis: the pixels that reach cell 0, from first to last, and the distance of neighboring cells."""

    first: int
    last: int
    stride: int

    def windowed(self, *, kernel: int, stride: int, padding: int, dilation: int) -> "_Span":
        return _Span(
            first=self.first - padding * self.stride,
            last=self.last + ((kernel - 1) * dilation - padding) * self.stride,
            stride=self.stride * stride,
        )

    def united(self, other: "_Span") -> "_Span":
        if self.stride != other.stride:
            raise ReceptiveFieldUnknown(f"it joins branches of strides {self.stride} and {other.stride}")
        return _Span(min(self.first, other.first), max(self.last, other.last), self.stride)


@dataclass(frozen=True)
class _Field:
    """Rows and columns of a tensor's receptive field; `reason` if it has none."""

    rows: _Span
    columns: _Span
    reason: str = ""


_WHOLE = _Span(0, 0, 1)

_POINTWISE = frozenset(
    """relu relu_ hardtanh hardtanh_ relu6 relu6_ leaky_relu leaky_relu_ elu elu_ gelu sigmoid sigmoid_ tanh tanh_ silu
    silu_ hardswish hardswish_ hardsigmoid hardsigmoid_ softplus clamp clamp_ clamp_min clamp_min_ clamp_max clamp_max_
    mul mul_ add add_ sub sub_ rsub div div_ pow pow_ sqrt rsqrt abs neg exp log threshold threshold_ prelu
    _prelu_kernel batch_norm native_batch_norm cudnn_batch_norm _native_batch_norm_legit_no_training
    _batch_norm_no_update _batch_norm_impl_index detach detach_ clone contiguous alias copy_ dropout dropout_
    feature_dropout _to_copy to native_dropout maximum minimum square""".split()  # noqa: SIM905
)
_CHANNEL_WISE = frozenset(
    "cat concat slice select split split_with_sizes chunk narrow unsqueeze index_select".split()  # noqa: SIM905
)
_RESHAPING = frozenset(
    "view reshape _unsafe_view _reshape_alias transpose permute squeeze expand".split()  # noqa: SIM905
)
_SHAPES_ONLY = frozenset(
    "zeros ones empty full zeros_like ones_like empty_like new_empty new_zeros arange sym_size".split()  # noqa: SIM905
)


def theoretical_receptive_fields(
    *, module: nn.Module, paths: Sequence[str], input_px: int
) -> dict[str, MapGeometry | str]:
    """Of each layer its receptive fields for an input_px square, or the reason in words for which it has none."""
    found: dict[str, MapGeometry | str] = {}
    watcher = _Watcher()

    def note(path: str, maps: torch.Tensor) -> None:
        field = watcher.fields.get(id(maps))
        if maps.shape[2:] == (1, 1) and field is None:
            found[path] = f"{path} gives single values: each sees the whole image."
        elif field is None:
            found[path] = f"{path} is reached by an operation that could not be followed."
        elif field.reason:
            found[path] = f"{path} has no theoretical receptive field: {field.reason}."
        else:
            found[path] = MapGeometry(rows=_geometry(field.rows), columns=_geometry(field.columns))

    try:
        with reading(module=module, paths=paths, consume=note) as run, watcher:
            blank = torch.zeros(1, 3, input_px, input_px, device=_device_of(module))
            watcher.put(blank, _Field(_WHOLE, _WHOLE))
            run(blank)
    except LayerError:
        raise
    except Exception as error:
        # Modules may do anything in forward, and what they do need not leave a graph that can be followed.
        for path in paths:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
            found.setdefault(path, f"{path}: its graph cannot be followed: {reason}.")
    return {path: found[path] for path in paths}


def _device_of(module: nn.Module) -> torch.device:
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


def _geometry(span: _Span) -> AxisGeometry:
    return AxisGeometry(size=span.last - span.first + 1, stride=span.stride, offset=(span.first + span.last) / 2)


class _Watcher(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows the receptive field through every operation, by tensor."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.fields: dict[int, _Field] = {}
        # Holding the tensors keeps their ids from being given to others.
        self._held: list[torch.Tensor] = []

    def put(self, tensor: torch.Tensor, field: _Field) -> None:
        self.fields[id(tensor)] = field
        self._held.append(tensor)

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = [x for x in _flat([*args, *(kwargs or {}).values()]) if id(x) in self.fields]
        if not tensors:
            return result
        outputs = list(_flat([result]))
        try:
            field = self._follow(str(func.overloadpacket.__name__), args, kwargs or {}, tensors, outputs)
        except ReceptiveFieldUnknown as unknown:
            field = _Field(_WHOLE, _WHOLE, reason=str(unknown))
        for output in outputs:
            self.put(output, field)
        return result

    def _follow(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tensors: list[torch.Tensor],
        outputs: list[torch.Tensor],
    ) -> _Field:
        fields = [self.fields[id(tensor)] for tensor in tensors]
        for field in fields:
            if field.reason:
                raise ReceptiveFieldUnknown(field.reason)
        field = fields[0]
        if name in ("convolution", "conv2d", "mkldnn_convolution"):
            return _convolved(field, args, kwargs)
        if name in ("max_pool2d", "max_pool2d_with_indices", "avg_pool2d"):
            return _pooled(name, field, args, kwargs)
        if name in ("constant_pad_nd", "reflection_pad2d", "replication_pad2d", "pad"):
            return _padded(name, field, args)
        if "adaptive" in name:
            raise ReceptiveFieldUnknown(
                "adaptive pooling lies before it, whose windows depend on the size of the image"
            )
        same_grid = all(output.shape[-2:] == tensors[0].shape[-2:] for output in outputs)
        if name in _POINTWISE or ((name in _CHANNEL_WISE or name in _RESHAPING) and same_grid):
            for other in fields[1:]:
                field = _Field(field.rows.united(other.rows), field.columns.united(other.columns))
            return field
        if name in ("mean", "sum", "amax", "max"):
            raise ReceptiveFieldUnknown("values over the whole image enter it (global pooling)")
        if name in _SHAPES_ONLY:
            return field
        raise ReceptiveFieldUnknown(f"the operation {name} lies before it, which keeps no grid")


def _flat(values: Sequence[Any]) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += _flat(value)
    return found


def _pair(value: Any, default: int = 0) -> tuple[int, int]:
    if value is None or (isinstance(value, (list, tuple)) and len(value) == 0):
        return default, default
    if isinstance(value, (list, tuple)):
        return (int(value[0]), int(value[-1]))
    return int(value), int(value)


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(name)


def _convolved(field: _Field, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Field:
    kernel = args[1].shape[-2:]
    stride = _pair(_argument(args, kwargs, 3, "stride"), 1)
    padding = _pair(_argument(args, kwargs, 4, "padding"), 0)
    dilation = _pair(_argument(args, kwargs, 5, "dilation"), 1)
    if len(args) > 6 and args[6] is True:
        raise ReceptiveFieldUnknown("a transposed convolution lies before it")
    return _windowed(field, tuple(kernel), stride, padding, dilation)


def _pooled(name: str, field: _Field, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Field:
    kernel = _pair(args[1])
    given = _argument(args, kwargs, 2, "stride")
    stride = kernel if given is None or given == [] else _pair(given)
    padding = _pair(_argument(args, kwargs, 3, "padding"), 0)
    # Ceil mode adds windows at the far edge and moves none.
    dilation = _pair(_argument(args, kwargs, 4, "dilation"), 1) if name != "avg_pool2d" else (1, 1)
    return _windowed(field, kernel, stride, padding, dilation)


def _windowed(
    field: _Field, kernel: tuple[int, ...], stride: tuple[int, int], padding: tuple[int, int], dilation: tuple[int, int]
) -> _Field:
    rows, columns = (
        span.windowed(kernel=int(kernel[i]), stride=stride[i], padding=padding[i], dilation=dilation[i])
        for i, span in enumerate((field.rows, field.columns))
    )
    return _Field(rows, columns)


def _padded(name: str, field: _Field, args: tuple[Any, ...]) -> _Field:
    pads = [*args[1], 0, 0, 0, 0]
    if name not in ("constant_pad_nd", "pad"):
        raise ReceptiveFieldUnknown("padding that mirrors or repeats the edge lies before it")
    left, top = pads[0], pads[2]
    rows, columns = (
        _Span(span.first - before * span.stride, span.last - before * span.stride, span.stride)
        for span, before in ((field.rows, top), (field.columns, left))
    )
    return _Field(rows, columns)


def window_of(*, module: nn.Module, given: torch.Tensor) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Size, stride and padding, along rows and columns, of a module taken as one window over the map it is given.

    Raises ReceptiveFieldUnknown.
    """
    watcher = _Watcher()
    with torch.inference_mode(), watcher:
        copy = given.clone()
        watcher.put(copy, _Field(_WHOLE, _WHOLE))
        result = module(copy)
    field = watcher.fields.get(id(result)) if isinstance(result, torch.Tensor) else None
    if field is None or field.reason:
        raise ReceptiveFieldUnknown(field.reason if field else "its operations could not be followed")
    rows, columns = ((span.last - span.first + 1, span.stride, -span.first) for span in (field.rows, field.columns))
    return rows, columns
