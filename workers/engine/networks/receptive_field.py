"""Theoretical receptive fields and where a layer's cells lie, from the places that tracing.py finds.

[ZKLOT15] 3.2, docs/measures.md, Where cells lie. Branches are united, padding moves
the field outwards, dilation widens it. Coordinates are pixel centers; padding may put a field partly outside the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from workers.engine.networks import places
from workers.engine.networks.geometry import AxisGeometry, MapGeometry
from workers.engine.networks.layer_maps import LayerShape, order_axes
from workers.engine.networks.places import Place
from workers.engine.networks.tracing import Watcher, trace_places


class ReceptiveFieldUnknown(Exception):
    """The module has no window of one size and stride; the message says why."""


@dataclass(frozen=True)
class Placing:
    """Where a layer's cells lie; None if unknown. `reason` says why that or the size of the fields is unknown."""

    geometry: MapGeometry | None
    reason: str = ""


def find_placings(*, module: nn.Module, shapes: Sequence[LayerShape], input_px: int) -> dict[str, Placing]:
    """Of each layer, by its path, where its cells lie on an input_px square."""
    traced = trace_places(module=module, paths=[shape.path for shape in shapes], input_px=input_px)
    found: dict[str, Placing] = {}
    for shape in shapes:
        tensors = traced[shape.path]
        if isinstance(tensors, str):
            found[shape.path] = Placing(None, f"{shape.path}: {tensors}.")
        else:
            sizes, place = tensors[shape.item]
            found[shape.path] = _place(shape, sizes, place, input_px)
    return found


def _place(shape: LayerShape, sizes: tuple[int, ...], place: Place, input_px: int) -> Placing:
    ordered = tuple(places.compacted(order_axes(one.expand(sizes), shape)[0]) for one in place.spans)
    place = places.divided(Place(ordered, place.reason), (1, 2))
    reason = f"{shape.path} has no theoretical receptive field: {place.reason}." if place.reason else ""
    full = shape.n_units, shape.height, shape.width
    axes = _find_axes([one.expand(full) for one in place.spans], input_px)
    if axes is None:
        if shape.height == shape.width == 1:
            return Placing(None, f"{shape.path} gives single values: each sees the whole image.")
        return Placing(None, reason or f"{shape.path} has cells that lie on no even grid.")
    rows, columns = (_unknown(axis) if reason else axis for axis in axes)
    return Placing(MapGeometry(rows=rows, columns=columns), reason)


def _unknown(axis: AxisGeometry) -> AxisGeometry:
    return AxisGeometry(size=None, stride=axis.stride, offset=axis.offset)


def _find_axes(spans: list[torch.Tensor], input_px: int) -> tuple[AxisGeometry, AxisGeometry] | None:
    """Rows and columns of (U, h, w) spans, united over the units; None if they are no even grid."""
    top, left = (spans[i].amin(dim=0) for i in (0, 2))
    bottom, right = (spans[i].amax(dim=0) for i in (1, 3))
    rows = _find_axis(top, bottom, input_px)
    columns = _find_axis(left.T, right.T, input_px)
    return None if rows is None or columns is None else (rows, columns)


def _find_axis(first: torch.Tensor, last: torch.Tensor, input_px: int) -> AxisGeometry | None:
    """One axis, from the (cells, others) first and last pixels of the fields."""
    if (
        not bool(torch.isfinite(first).all())
        or bool((first != first[:, :1]).any())
        or bool((last != last[:, :1]).any())
    ):
        return None
    low, high = first[:, 0].double(), last[:, 0].double()
    stride = float(low[-1] - low[0]) / (len(low) - 1) if len(low) > 1 else float(input_px)
    if stride <= 0 or any(bool(((one.diff() - stride).abs() > places.ROUNDING).any()) for one in (low, high)):
        return None
    size = float(high[0] - low[0]) + 1
    return AxisGeometry(size=_whole(size), stride=_whole(stride), offset=float(low[0] + high[0]) / 2)


def _whole(value: float) -> float:
    return int(value) if value.is_integer() else value


def window_of(*, module: nn.Module, given: torch.Tensor) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Size, stride and padding, along rows and columns, of a module taken as one window over the map it is given.

    Raises ReceptiveFieldUnknown.
    """
    watcher = Watcher()
    with torch.no_grad(), watcher:
        copy = given.clone()
        watcher.put(copy, places.whole_pixels(given.shape[2], given.shape[3]))
        result = module(copy)
    place = watcher.places.get(id(result)) if isinstance(result, torch.Tensor) and result.ndim == 4 else None
    if place is None or place.reason:
        raise ReceptiveFieldUnknown(place.reason if place else "its operations could not be followed")
    axes = _find_axes([one.expand(result.shape)[0] for one in place.spans], max(given.shape[2:]))
    if axes is None or any(not float(value).is_integer() for axis in axes for value in (axis.size or 0, axis.stride)):
        raise ReceptiveFieldUnknown("it joins branches of different strides")
    rows, columns = ((int(axis.size or 0), int(axis.stride), -int(axis.first)) for axis in axes)
    return rows, columns
