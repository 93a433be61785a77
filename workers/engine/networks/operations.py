"""What each of torch's operations does to places: one rule for each kind of operation, found by its name.

docs/measures.md, Where cells lie. What moving, joining and widening do to places stands in places.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd, prod
from typing import Any

import torch

from workers.engine.networks import places
from workers.engine.networks.operation_names import (
    ATTENDING,
    ELEMENTWISE,
    MOVING,
    NORMALIZING,
    PASSING,
    POOLING,
    REDUCING,
    RESHAPING,
    TURNING,
)
from workers.engine.networks.places import Place, Window

ATTENTION, NORMALIZATION = f"{places.WHOLE} (attention)", f"{places.WHOLE} (normalization)"


@dataclass(frozen=True)
class Operation:
    """One operation of a forward pass. `given`: place and shape of each input that has a place, one at least;
    `places`: the places of all tensors, by their ids.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    given: list[tuple[Place, tuple[int, ...]]]
    outputs: list[torch.Tensor]
    # True if torch says that it works element by element; it does not say so of all that do.
    is_pointwise: bool
    places: Mapping[int, Place]

    @property
    def place(self) -> Place:
        return self.given[0][0]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.given[0][1]

    @property
    def output(self) -> torch.Tensor:
        return self.outputs[0]

    def place_of(self, tensor: torch.Tensor) -> Place:
        return self.places.get(id(tensor)) or places.nowhere(tensor.ndim)

    def argument(self, at: int, name: str) -> Any:
        """By its position or its name; None if it was left out."""
        return self.args[at] if len(self.args) > at else self.kwargs.get(name)

    def sizes(self, at: int, name: str, n: int, default: int) -> list[int]:
        """An argument that may be one number for n axes."""
        value = self.argument(at, name)
        if value is None or (isinstance(value, (list, tuple)) and len(value) == 0):
            return [default] * n
        if isinstance(value, (list, tuple)):
            return [int(one) for one in value] if len(value) == n else [int(value[0])] * n
        return [int(value)] * n

    def axis(self, at: int) -> int:
        """The argument `dim`, or the last axis."""
        given = self.argument(at, "dim")
        return (-1 if given is None else int(given)) % len(self.shape)


def follow(operation: Operation) -> list[Place]:
    """The places of the outputs; those past the end of the list have none."""
    by_part = (rule for is_of, rule in BY_PART if is_of(operation.name))
    return (BY_NAME.get(operation.name) or next(by_part, _computed))(operation)


def _passed(one: Operation) -> list[Place]:
    return [one.place]


def _joined(one: Operation) -> list[Place]:
    join = torch.cat if one.name == "cat" else torch.stack
    parts = [part for part in one.args[0] if part.numel()]
    return [
        places.joined(
            [one.place_of(part) for part in parts],
            [part.shape for part in parts],
            lambda spans: join(spans, *one.args[1:], **one.kwargs),
        )
    ]


def _reshaped(one: Operation) -> list[Place]:
    if prod(one.shape) != one.output.numel():
        return [places.nowhere(one.output.ndim, "a view of its bytes lies before it")]
    return [places.reshaped(one.place, one.shape, one.output.shape)]


def _indexed(one: Operation) -> list[Place]:
    indices = [None if index is None else index.cpu() for index in one.args[1]]
    return [places.moved(one.place, one.shape, lambda span: torch.ops.aten.index(span, indices))]


def _moved(one: Operation) -> list[Place]:
    rest = [value.cpu() if isinstance(value, torch.Tensor) else value for value in one.args[1:]]
    operation = getattr(torch.ops.aten, one.name)

    def part(i: int) -> Callable[[torch.Tensor], torch.Tensor]:
        def move(span: torch.Tensor) -> torch.Tensor:
            given: torch.Tensor | list[torch.Tensor] = operation(span, *rest, **one.kwargs)
            return given if isinstance(given, torch.Tensor) else given[i]

        return move

    if one.name in TURNING:
        return [places.turned(one.place, part(0))]
    return [places.moved(one.place, one.shape, part(i)) for i in range(len(one.outputs))]


def _gated(one: Operation) -> list[Place]:
    """One half of an axis is multiplied by the other."""
    axis = one.axis(1)
    n = one.shape[axis] // 2
    halves = [places.moved(one.place, one.shape, lambda span, at=at: span.narrow(axis, at, n)) for at in (0, n)]  # type: ignore[misc]
    return [places.united(halves, len(one.shape))]


def _convolved(one: Operation) -> list[Place]:
    n = one.output.ndim - 2
    kernel = list(one.args[1].shape[2:])
    stride = one.sizes(3, "stride", n, 1)
    padding = one.sizes(4, "padding", n, 0)
    dilation = one.sizes(5, "dilation", n, 1)
    summed = places.contracted(one.place, [1])
    if not one.argument(6, "transposed"):
        return [_slid(summed, one.output, kernel, stride, padding, dilation)]
    windows = [
        # The middle of what reaches an output.
        Window(i + 2, one.output.shape[i + 2], 1 / stride[i], middle, middle)
        for i in range(n)
        for middle in [(padding[i] - (kernel[i] - 1) * dilation[i] / 2) / stride[i]]
    ]
    return [places.windowed(summed, windows).because("a transposed convolution lies before it")]


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


def _pooled(one: Operation) -> list[Place]:
    n = 1 if "1d" in one.name else 3 if "3d" in one.name else 2
    kernel = one.sizes(1, "kernel_size", n, 1)
    stride = one.sizes(2, "stride", n, 1) if one.argument(2, "stride") not in (None, []) else kernel
    padding = one.sizes(3, "padding", n, 0)
    # Ceil mode adds windows at the far edge and moves none.
    dilation = one.sizes(4, "dilation", n, 1) if one.name.startswith("max") else [1] * n
    return [_slid(one.place, one.output, kernel, stride, padding, dilation)] * len(one.outputs)


def _adapted(one: Operation) -> list[Place]:
    """Adaptive pooling: one window per output if they are of one size; one value over the image has no place."""
    reason = "adaptive pooling lies before it, whose windows depend on the size of the image"
    n_axes = one.output.ndim
    sizes = [(one.shape[axis], one.output.shape[axis], axis) for axis in range(n_axes - 2, n_axes)]
    if all(after == 1 for _, after, _ in sizes) or any(before % after for before, after, _ in sizes):
        return [places.nowhere(n_axes, one.place.reason or reason)] * len(one.outputs)
    windows = [Window(axis, after, before // after, 0, before // after - 1) for before, after, axis in sizes]
    place = places.windowed(one.place, [window for window in windows if window.step != 1]).because(reason)
    return [place] * len(one.outputs)


def _resized(one: Operation) -> list[Place]:
    """Interpolation: outputs lie evenly between the inputs, by half pixels, or from the first input to the last
    (align_corners); the nearest input is the one before, on average half an output's fraction of it away.
    """
    is_aligned = "nearest" not in one.name and bool(one.argument(2, "align_corners"))
    windows = []
    for axis in range(2, one.output.ndim):
        n_in, n_out = one.shape[axis], one.output.shape[axis]
        ratio, first = n_in / n_out, (n_in / n_out - 1) / 2
        if is_aligned:
            ratio, first = (n_in - 1) / max(1, n_out - 1), 0.0
        elif "nearest" in one.name and "exact" not in one.name:
            n_steps = n_out // gcd(n_in, n_out)
            first = (1 - n_steps) / (2 * n_steps)
        windows.append(Window(axis, n_out, ratio, first, first))
    return [places.windowed(one.place, windows).because("the map was resized before it")]


def _shuffled(one: Operation) -> list[Place]:
    """Channels become n x n cells (pixel shuffle), which share the field of the cell that they divide."""
    n, channels = int(one.args[1]), one.output.ndim - 3
    first = (1 / n - 1) / 2
    spans = []
    for i, span in enumerate(one.place.spans):
        if span.shape[channels] > 1:
            groups = span.reshape(*span.shape[:channels], -1, n * n, *span.shape[channels + 1 :])
            span = groups.amax(channels + 1) if i % 2 else groups.amin(channels + 1)
        spans.append(span)
    windows = [Window(axis, one.output.shape[axis], 1 / n, first, first) for axis in (channels + 1, channels + 2)]
    return [places.windowed(Place(tuple(spans), one.place.reason), windows).because("pixels were shuffled before it")]


def _padded(one: Operation) -> list[Place]:
    """The grid goes on outside; what mirrors or repeats the edge looks at pixels elsewhere."""
    pads = [int(value) for value in one.args[1]]
    windows = [
        Window(axis, one.output.shape[axis], 1, -pads[2 * i], -pads[2 * i])
        for i in range(len(pads) // 2)
        for axis in [one.output.ndim - 1 - i]
        if pads[2 * i] or pads[2 * i + 1]
    ]
    padded = places.windowed(one.place, windows)
    is_constant = one.name.startswith("constant")
    return [padded if is_constant else padded.because("padding that mirrors or repeats the edge lies before it")]


def _multiplied(one: Operation) -> list[Place]:
    """A matrix product belongs to the places of its left factor's rows (in attention, the queries), or, if these have
    none, to those of its right factor's columns.
    """
    left, right = one.args[-2:] if one.name in ("mm", "bmm") else one.args[1:3]
    rows = places.contracted(one.place_of(left), [left.ndim - 1])
    if id(right) not in one.places:
        return [rows]
    columns = places.contracted(one.place_of(right), [max(0, right.ndim - 2)])
    chosen = columns if rows.is_nowhere else rows
    return [chosen.because(rows.reason or columns.reason or ATTENTION) if id(left) in one.places else chosen]


def _attended(one: Operation) -> list[Place]:
    return [one.place.because(ATTENTION)] if one.output.shape == one.shape else []


def _normalized(one: Operation) -> list[Place]:
    """Statistics over some axes enter each element, which keeps its place."""
    n_axes = len(one.shape)
    if one.name in ("native_layer_norm", "_fused_rms_norm"):
        axes = list(range(n_axes - len(one.args[1]), n_axes))
    elif one.name == "native_group_norm":
        axes = list(range(1, n_axes))
    else:
        axes = [int(one.args[1]) % n_axes]
    mixed = places.contracted(one.place, axes)
    return [mixed if mixed.reason == one.place.reason else one.place.because(NORMALIZATION)]


def _picked(one: Operation) -> list[Place]:
    """Values picked or sorted along an axis: they keep their place if it does not differ along that axis."""
    place = one.place
    if one.name.startswith("scatter"):
        place = places.united([each for each, _ in one.given], one.output.ndim)
    keeps = one.name not in ("argmax", "argmin") or bool(one.argument(2, "keepdim"))
    axis = one.axis(2 if one.name == "topk" else 1)
    return [places.reduced(place, [axis], keeps=keeps)] * len(one.outputs)


def _reduced(one: Operation) -> list[Place]:
    if len(one.given) > 1 or one.is_pointwise:  # the larger of two tensors, element by element
        return _computed(one)
    n_axes = len(one.shape)
    stated = one.argument(2 if one.name in ("norm", "linalg_vector_norm") else 1, "dim")
    axes = list(range(n_axes)) if stated in (None, []) else stated
    axes = [int(axis) % n_axes for axis in (axes if isinstance(axes, (list, tuple)) else [axes])]
    return [places.reduced(one.place, axes, keeps=one.output.ndim == n_axes)] * len(one.outputs)


def _computed(one: Operation) -> list[Place]:
    """Element by element; what is not known to be so keeps no grid."""
    if not one.is_pointwise and one.name.rstrip("_") not in ELEMENTWISE:
        reason = one.place.reason or f"the operation {one.name} lies before it, which keeps no grid"
        return [places.nowhere(output.ndim, reason) for output in one.outputs]
    place = places.united([each for each, _ in one.given], one.output.ndim)
    # With the statistics of this batch, rather than those of training.
    is_mixed = "batch_norm" in one.name and len(one.args) > 5 and one.args[5] is True
    return [place.because(NORMALIZATION) if is_mixed else place]


Rule = Callable[[Operation], list[Place]]
BY_NAME: dict[str, Rule] = {
    name: rule
    for rule, names in {
        _passed: PASSING,
        _joined: ("cat", "stack"),
        _reshaped: RESHAPING,
        _indexed: ("index",),
        _moved: MOVING,
        _gated: ("glu",),
        _shuffled: ("pixel_shuffle",),
        _convolved: ("convolution", "mkldnn_convolution", "cudnn_convolution"),
        _multiplied: ("mm", "bmm", "addmm", "baddbmm", "addbmm", "mv", "addmv"),
        _normalized: NORMALIZING,
        _picked: ("topk", "sort", "argmax", "argmin", "gather", "scatter", "scatter_"),
        _reduced: REDUCING,
    }.items()
    for name in names
}
# Operations of many variants; the first that fits counts.
BY_PART: list[tuple[Callable[[str], bool], Rule]] = [
    (lambda name: "adaptive" in name, _adapted),
    (lambda name: name.startswith(POOLING), _pooled),
    (lambda name: name.endswith(("pad_nd", "pad1d", "pad2d", "pad3d")), _padded),
    (lambda name: "upsample" in name, _resized),
    (lambda name: any(part in name for part in ATTENDING), _attended),
]
