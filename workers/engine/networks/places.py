"""Which pixels each element of a tensor looks at, and how operations move, join and widen them.

[ZKLOT15] 3.2, docs/measures.md, Where cells lie. Coordinates are pixel centers. An
operation that lets values of the whole image in (squeeze-excitation, attention) leaves an element the place that it
has without them: only the size of its field becomes unknown, and the reason is kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

Spans = tuple[torch.Tensor, ...]
NOWHERE = torch.inf
# Pixels by which steps of an even grid may differ: resized maps have steps that float32 does not hold.
ROUNDING = 1e-3
WHOLE = "values over the whole image enter it"


@dataclass(frozen=True)
class Place:
    """`spans`: first and last row, first and last column of the pixels that reach each element of a tensor.

    Each has the tensor's number of axes, with length 1 along an axis on which it does not depend. An element without a
    place (a class token, an average over the image) has first = inf and last = -inf. `reason` says why more pixels than
    these may reach the elements; "" if none do.
    """

    spans: Spans
    reason: str = ""

    @property
    def is_nowhere(self) -> bool:
        return all(bool(torch.isinf(one).all()) for one in self.spans)

    def because(self, reason: str) -> "Place":
        """The same place, of unknown size; the first reason stays."""
        return replace(self, reason=self.reason or reason)

    def axes(self) -> tuple[list[int], list[int]]:
        """The axes along which the rows differ, and those along which the columns do.

        Fields of several sizes may be joined along an axis (Fire, Inception): their centers are those of one grid.
        """
        rows, columns = (compacted((self.spans[first] + self.spans[first + 1]) / 2) for first in (0, 2))
        return [axis for axis in range(rows.ndim) if rows.shape[axis] > 1], [
            axis for axis in range(columns.ndim) if columns.shape[axis] > 1
        ]


def nowhere(n_axes: int, reason: str = "") -> Place:
    """The place of what comes from no pixel, or from all."""
    spans = tuple(torch.full([1] * n_axes, sign * NOWHERE) for sign in (1, -1, 1, -1))
    return Place(spans, reason)


def whole_pixels(height: int, width: int) -> Place:
    """The place of a (1, C, height, width) image: each pixel is its own."""
    rows = torch.arange(height, dtype=torch.float32).view(1, 1, -1, 1)
    columns = torch.arange(width, dtype=torch.float32).view(1, 1, 1, -1)
    return Place((rows, rows, columns, columns))


def compacted(span: torch.Tensor) -> torch.Tensor:
    """The same values, with length 1 along axes on which they do not depend."""
    for axis in range(span.ndim):
        if span.shape[axis] > 1:
            first = span.narrow(axis, 0, 1)
            if span.stride(axis) == 0 or bool((span == first).all()):
                span = first
    return span


def moved(place: Place, shape: Sequence[int], move: Callable[[torch.Tensor], torch.Tensor]) -> Place:
    """The place after elements were only moved, taken out or repeated: the spans are moved alike."""
    return Place(tuple(compacted(move(one.expand(shape))) for one in place.spans), place.reason)


def turned(place: Place, turn: Callable[[torch.Tensor], torch.Tensor]) -> Place:
    """The place after axes were exchanged, added or turned, which needs no values along axes without any."""
    return Place(tuple(turn(one) for one in place.spans), place.reason)


def reshaped(place: Place, old: Sequence[int], new: Sequence[int]) -> Place:
    """The place after a tensor of the old shape was given the new one, in row-major order."""
    groups = _group_axes(old, new)
    spans = []
    for one in place.spans:
        sizes: list[int] = []
        wide = list(one.shape)
        for before, after in groups:
            varies = any(one.shape[axis] > 1 for axis in before)
            sizes += [new[axis] if varies else 1 for axis in after]
            for axis in before if varies else ():
                wide[axis] = old[axis]
        spans.append(compacted(one.expand(wide).reshape(sizes)))
    return Place(tuple(spans), place.reason)


def _group_axes(old: Sequence[int], new: Sequence[int]) -> list[tuple[range, range]]:
    """The runs of axes of both shapes that hold the same elements."""
    groups, i, j = [], 0, 0
    while i < len(old) or j < len(new):
        start, n_old, n_new = (i, j), 1, 1
        while True:
            if n_old <= n_new and i < len(old):
                n_old, i = n_old * old[i], i + 1
            elif j < len(new):
                n_new, j = n_new * new[j], j + 1
            else:
                break
            if n_old == n_new and (i > start[0] or i == len(old)) and (j > start[1] or j == len(new)):
                break
        groups.append((range(start[0], i), range(start[1], j)))
    return groups


def joined(
    places: Sequence[Place], shapes: Sequence[Sequence[int]], join: Callable[[list[torch.Tensor]], torch.Tensor]
) -> Place:
    """The place after tensors were put together along an axis."""
    spans = tuple(
        compacted(join([place.spans[i].expand(shape) for place, shape in zip(places, shapes, strict=True)]))
        for i in range(4)
    )
    return Place(spans, _first_reason(places))


def united(places: Sequence[Place], n_axes: int) -> Place:
    """The place of values computed element by element: all pixels that reach one of the operands."""
    spans = list(_aligned(places[0].spans, n_axes))
    for place in places[1:]:
        for i, (one, other) in enumerate(zip(spans, _aligned(place.spans, n_axes), strict=True)):
            spans[i] = torch.maximum(one, other) if i % 2 else torch.minimum(one, other)
    return Place(tuple(compacted(one) for one in spans), _first_reason(places))


def _aligned(spans: Spans, n_axes: int) -> Spans:
    return tuple(one.reshape([1] * (n_axes - one.ndim) + list(one.shape)) for one in spans)


def _first_reason(places: Sequence[Place]) -> str:
    return next((place.reason for place in places if place.reason), "")


def contracted(place: Place, axes: Sequence[int]) -> Place:
    """The place after a weighted sum over some axes: all pixels that reach a summand, or none if these are all pixels
    of a row, a column or the image: a sum over the whole image belongs to no part of it.
    """
    spans, reason = list(place.spans), place.reason
    for pair in (slice(0, 2), slice(2, 4)):
        first, last = spans[pair]
        if all(one.shape[axis] == 1 for one in (first, last) for axis in axes):
            continue
        low, high = first.amin(dim=list(axes), keepdim=True), last.amax(dim=list(axes), keepdim=True)
        is_whole = (low == first.min()) & (high == last.max())
        if bool(is_whole.any()):
            reason = reason or WHOLE
        spans[pair] = [torch.where(is_whole, NOWHERE, low), torch.where(is_whole, -NOWHERE, high)]
    return Place(tuple(compacted(one) for one in spans), reason)


def reduced(place: Place, axes: Sequence[int], *, keeps: bool) -> Place:
    """The place after an average, a maximum or a sum over some axes; none if it differs along them."""
    spans, reason = list(place.spans), place.reason
    for pair in (slice(0, 2), slice(2, 4)):
        if any(one.shape[axis] > 1 for one in spans[pair] for axis in axes):
            reason = reason or f"{WHOLE} (global pooling)"
            n_axes = spans[pair][0].ndim
            spans[pair] = nowhere(n_axes).spans[:2]
    if not keeps:
        kept = [axis for axis in range(spans[0].ndim) if axis not in axes]
        spans = [one.amin(dim=list(axes)) if len(kept) < one.ndim else one for one in spans]
    return Place(tuple(spans), reason)


def divided(place: Place, axes: Sequence[int]) -> Place:
    """The place after cells that were repeated along these axes (pixel shuffles and enlarging by hand) are taken to
    divide the cell that they come from, as those of the named operations do.

    Only along axes of rows or of columns alone: flattened maps repeat rows, too. Ask when no operation can undo it.
    """
    spans, n_divided = list(place.spans), 0
    for axis in axes:
        varies = [any(one.shape[axis] > 1 for one in spans[i : i + 2]) for i in (0, 2)]
        if varies.count(True) == 1:
            at = 2 * varies.index(True)
            found = _divide(spans[at], spans[at + 1], axis)
            if found is not None:
                spans[at : at + 2], n_divided = found, n_divided + 1
    return Place(tuple(spans), place.reason or ("cells were repeated before it" if n_divided else ""))


def _divide(first: torch.Tensor, last: torch.Tensor, axis: int) -> list[torch.Tensor] | None:
    """Both ends of the spans, moved apart; None unless each of two or more even steps is repeated equally often."""
    n = max(first.shape[axis], last.shape[axis])
    both = [one.expand([n if i == axis else size for i, size in enumerate(one.shape)]) for one in (first, last)]
    if not all(bool(torch.isfinite(one).all()) for one in both):
        return None
    changes = (both[0].diff(dim=axis) != 0) | (both[1].diff(dim=axis) != 0)
    n_runs = 1 + int(changes.movedim(axis, 0).flatten(1).any(dim=1).sum())
    if n_runs < 2 or n_runs == n or n % n_runs:
        return None
    n_times = n // n_runs
    runs = [one.reshape(*one.shape[:axis], n_runs, n_times, *one.shape[axis + 1 :]) for one in both]
    starts = [one.narrow(axis + 1, 0, 1) for one in runs]
    steps = [one.diff(dim=axis) for one in starts]
    step = steps[0].narrow(axis, 0, 1)
    is_even = all(bool(((one - step).abs() <= ROUNDING).all()) for one in steps)
    if not is_even or any(bool((one != start).any()) for one, start in zip(runs, starts, strict=True)):
        return None
    place = [1] * runs[0].ndim
    place[axis + 1] = -1
    shift = ((torch.arange(n_times) + 0.5) / n_times - 0.5).view(place) * step
    return [(one + shift).flatten(axis, axis + 1) for one in runs]


@dataclass(frozen=True)
class Window:
    """Along one axis, output o is computed from inputs first + o x step to last + o x step; there are n outputs."""

    axis: int
    n: int
    step: float
    first: float
    last: float


def windowed(place: Place, windows: Sequence[Window]) -> Place:
    """The place after a window moved over the axes, outside them as if the grid went on; none without an even grid."""
    place = divided(place, [window.axis for window in windows])
    spans = list(place.spans)
    for window in windows:
        for i in (0, 2):
            spans[i : i + 2] = _slide(spans[i], spans[i + 1], window)
    is_lost = any(bool(torch.isinf(new).all()) and not bool(torch.isinf(old).all())
                  for new, old in zip(spans, place.spans, strict=True))  # fmt: skip
    reason = "a window moves over what is no even grid" if is_lost else ""
    return Place(tuple(compacted(one) for one in spans), place.reason or reason)


def _slide(first: torch.Tensor, last: torch.Tensor, window: Window) -> list[torch.Tensor]:
    axis = window.axis
    if first.shape[axis] == 1 and last.shape[axis] == 1:
        return [first, last]
    n = max(first.shape[axis], last.shape[axis])
    both = [one.expand([n if i == axis else size for i, size in enumerate(one.shape)]) for one in (first, last)]
    steps = [one.diff(dim=axis) for one in both]
    step = steps[0].mean(dim=axis, keepdim=True)
    is_even = bool(torch.isfinite(both[0]).all()) and all(bool(((one - step).abs() <= ROUNDING).all()) for one in steps)
    if not is_even:
        return [torch.full_like(first.narrow(axis, 0, 1), NOWHERE), torch.full_like(last.narrow(axis, 0, 1), -NOWHERE)]
    place = [1] * first.ndim
    place[axis] = -1
    outputs = torch.arange(window.n, dtype=torch.float32).view(place) * window.step
    ends = [(outputs + window.first) * step, (outputs + window.last) * step]
    return [
        both[0].narrow(axis, 0, 1) + torch.minimum(*ends),
        both[1].narrow(axis, 0, 1) + torch.maximum(*ends),
    ]
