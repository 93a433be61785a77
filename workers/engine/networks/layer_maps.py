"""What a layer gives, and how it is read as maps: (image, unit, row, column), whatever the order of its axes.

docs/measures.md, Which axis is the unit. map_axes.py finds out how a layer is to be read; here it is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass

import torch

from workers.engine.plurals import say_count


class LayerError(Exception):
    """A layer cannot be dissected; the message says why."""


class LayerShapeUnknown(LayerError):
    """The layer gives something that cannot be read as maps of units, or that can be read in more than one way."""


@dataclass(frozen=True)
class LayerShape:
    """What a layer gives for one image: n_units maps of height x width cells.

    `axes` is the order in which it gives them, one of axis_names.AXES; `item` names the tensor if it gives several; of
    tokens, the `n_first` first and the `n_last` last ones are dropped, the others are the cells row by row. `note`
    says in words how it is read.
    """

    path: str
    n_units: int
    height: int
    width: int
    axes: str = "buhw"
    item: str = ""
    n_first: int = 0
    n_last: int = 0
    note: str = ""

    @property
    def is_plain(self) -> bool:
        """True if the layer's output is its maps, as convolutions give them."""
        return self.axes == "buhw" and not self.item


def list_tensors(output: object, name: str = "") -> dict[str, torch.Tensor]:
    """The tensors in what a module gives, by the place where they stand: "" for a tensor alone, else [0], [name] or
    .name, one after the other.
    """
    if isinstance(output, torch.Tensor):
        return {name: output}
    found: dict[str, torch.Tensor] = {}
    if isinstance(output, Mapping):
        parts = {f"[{key}]": value for key, value in output.items()}
    elif isinstance(output, (tuple, list)):
        parts = {f"[{i}]": value for i, value in enumerate(output)}
    elif is_dataclass(output):
        parts = {f".{one.name}": getattr(output, one.name) for one in fields(output)}
    else:
        parts = {}
    for key, value in parts.items():
        found |= list_tensors(value, name + key)
    return found


def split_key(path: str) -> tuple[str, str]:
    """`backbone:0` is the tensor 0 of what backbone gives; without a key the tensor is not named."""
    name, _, key = path.partition(":")
    return name, key


def spell_key(item: str) -> str:
    """How a person names a tensor of list_tensors: [out] is out, [features][0] is features.0, .logits is logits."""
    return item.replace("]", "").replace("[", ".").lstrip(".")


def spell_shape(shape: tuple[int, ...] | torch.Size) -> str:
    return " x ".join(map(str, shape)) or "a single value"


def as_maps(*, shape: LayerShape, output: object) -> torch.Tensor:
    """(B, U, h, w) maps of a layer's output; raises LayerShapeUnknown if the output is not what the shape says."""
    tensor = list_tensors(output).get(shape.item)
    if tensor is None or tensor.ndim != len(shape.axes):
        given = type(output).__name__ if tensor is None else spell_shape(tensor.shape)
        raise LayerShapeUnknown(f"{shape.path} gives {given} for some images, and another shape for others.")
    maps = order_axes(tensor, shape)
    if maps.shape[1:] != (shape.n_units, shape.height, shape.width):
        raise LayerShapeUnknown(
            f"{shape.path} gives {spell_shape(maps.shape[1:])} for some images, not {say_count(shape.n_units, 'unit')} "
            f"of {shape.height} x {shape.width} as for the others: its size must not depend on the image."
        )
    return maps


def order_axes(tensor: torch.Tensor, shape: LayerShape) -> torch.Tensor:
    """(B, U, h, w) of a tensor whose axes lie in the order that the shape names."""
    if shape.axes == "buhw":
        return tensor
    if shape.axes == "bu":
        return tensor[:, :, None, None]
    if shape.axes == "bhwu":
        return tensor.permute(0, 3, 1, 2)
    tokens = tensor.permute(*(shape.axes.index(axis) for axis in "btu"))
    cells = tokens[:, shape.n_first : tokens.shape[1] - shape.n_last]
    if cells.shape[1] != shape.height * shape.width:
        return cells.mT[..., None]
    return cells.mT.reshape(len(cells), -1, shape.height, shape.width)
