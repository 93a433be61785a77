"""Find which axis of what a layer gives holds its units, which tokens belong to no place, and which tensor is meant.

docs/measures.md, Which axis is the unit. Evidence, in this order: what the user names; along which axes the places in
the image differ; the width of the last module with parameters that ran (a convolution's channels, the features of a
linear or normalizing layer), if it gives square maps; maps of square images are square. What stays open is refused with
every reading shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isqrt

from torch import nn

from workers.engine.networks.axis_names import AXES
from workers.engine.networks.dropped_tokens import MIN_GUESSED, drop_tokens
from workers.engine.networks.layer_maps import (
    LayerShape,
    LayerShapeUnknown,
    order_axes,
    spell_key,
    spell_shape,
    split_key,
)
from workers.engine.networks.places import Place
from workers.engine.plurals import say_count

NAMES = {"b": "image", "u": "unit", "h": "row", "w": "column", "t": "token"}
# Of several tensors, the one that carries the features by the names that libraries use.
ITEM_NAMES = ("[last_hidden_state]", ".last_hidden_state", "[out]", "[x]")

Tensors = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Asked:
    """What the user names: `axes`, one of AXES, and `tokens`: drop-first, drop-last, keep, or how many are dropped at
    the start. Empty: to be found.
    """

    axes: str = ""
    tokens: str = ""


@dataclass(frozen=True)
class Given:
    """What a layer gave for n blank images: shapes of its tensors by name, and `last`, the last module with
    parameters of its own that had run by then.
    """

    path: str
    module: nn.Module
    tensors: Tensors
    last: nn.Module | None
    n_images: int

    def spell(self, sizes: tuple[int, ...]) -> str:
        return f"{self.path} gives {spell_shape(sizes)} for {say_count(self.n_images, 'image')}"


def read_axes(
    *, given: Given, network: nn.Module, asked: Asked, find_place: Callable[[str], Place | None]
) -> LayerShape:
    """How the layer is to be read. `find_place` traces the network, and is called only if it is needed.

    Raises LayerShapeUnknown.
    """
    item = _choose_item(given)
    sizes = given.tensors[item]
    possible = _list_possible(given, sizes)
    if len(asked.axes) == len(sizes):
        if asked.axes not in possible:
            raise LayerShapeUnknown(
                f"{given.spell(sizes)}, which --axes {asked.axes} does not fit: its axis of the images has another "
                "length."
            )
        axes, place = asked.axes, find_place(item) if len(sizes) > 2 else None
    else:
        axes, place = _find_axes(given, item, possible, find_place)
    length = dict(zip(axes, sizes, strict=True))
    shape = LayerShape(
        given.path, length["u"], length.get("h", 1), length.get("w", 1), axes=axes, item=item, note=_spell_axes(axes)
    )
    if "t" in axes:
        shape = drop_tokens(shape, length["t"], network, asked.tokens, place)
    _check_order(given, sizes, shape, place)
    return shape


def _find_axes(
    given: Given, item: str, possible: list[str], find_place: Callable[[str], Place | None]
) -> tuple[str, Place | None]:
    """The order of the axes, and the place of the tensor if it had to be traced."""
    sizes = given.tensors[item]
    if len(sizes) == 2:
        return possible[0], None
    place = find_place(item)
    if found := _axes_by_place(given, sizes, place):
        return found, place
    axes = _axes_by_width(given, sizes)
    is_sure = _is_square(axes, sizes) if len(sizes) == 4 else place is None and _is_sure(axes, sizes)
    return axes if is_sure else _axes_by_square(given, sizes, possible, axes), place


def read_saved_axes(*, path: str, sizes: tuple[int, ...], asked: Asked) -> LayerShape:
    """How a saved array of that size, images first, is to be read. Raises LayerShapeUnknown."""
    possible = [axes for axes in AXES if len(axes) == len(sizes) and axes[0] == "b"]
    if asked.axes and asked.axes not in possible:
        raise LayerShapeUnknown(
            f"{path} is {spell_shape(sizes)}; --axes {asked.axes} does not fit, but {_list(possible)}."
        )
    readings = []
    for axes in [asked.axes] if asked.axes else possible:
        length = dict(zip(axes, sizes, strict=True))
        shape = LayerShape(path, length["u"], length.get("h", 1), length.get("w", 1), axes=axes, note=_spell_axes(axes))
        try:
            read = drop_tokens(shape, length["t"], nn.Identity(), asked.tokens, None) if "t" in axes else shape
        except LayerShapeUnknown:
            if asked.axes:
                raise
            continue
        if asked.axes or read.height == read.width:
            readings.append(read)
    if len(readings) == 1:
        return readings[0]
    shown = " or ".join(_spell_reading(dict(zip(axes, sizes, strict=True))) for axes in possible)
    raise LayerShapeUnknown(
        f"{path} is {spell_shape(sizes)}, images first: {shown}? Cells must make a square grid. Give {_list(possible)}"
        + (", and --tokens if some belong to no place." if len(sizes) == 3 else ".")
    )


def _list(possible: list[str]) -> str:
    return " or ".join(f"--axes {axes}" for axes in possible)


def _choose_item(given: Given) -> str:
    """The tensor that the path names; else the only one, or the one that is known to carry the features."""
    maps = [item for item, sizes in given.tensors.items() if 2 <= len(sizes) <= 4]
    if key := split_key(given.path)[1]:
        return _find_item(given, maps, key)
    if isinstance(given.module, nn.MultiheadAttention):
        return "[0]"
    if len(maps) == 1:
        return maps[0]
    for name in ITEM_NAMES:
        if name in maps:
            return name
    named = f"Name one, such as {given.path}:{spell_key(maps[0])}" if maps else "Name a layer inside it"
    raise LayerShapeUnknown(
        f"{_list_items(given)}, of which none is clearly the map of units. {named}, or save the values that you mean "
        "and dissect the saved array (--activations)."
    )


def _find_item(given: Given, maps: list[str], key: str) -> str:
    """The tensor of that key. Raises LayerShapeUnknown."""
    found = [item for item in maps if key in (item, spell_key(item))]
    if len(found) == 1:
        return found[0]
    if maps == [""]:
        raise LayerShapeUnknown(f"{split_key(given.path)[0]} gives one tensor: name it without :{key}.")
    name, keys = split_key(given.path)[0], ", ".join(map(spell_key, maps))
    raise LayerShapeUnknown(
        f"{_list_items(given)}, and none of units is called {key}: "
        + (f"give {name}: and one of {keys}." if keys else "name a layer inside it.")
    )


def _list_items(given: Given) -> str:
    listed = ", ".join(f"{spell_key(item) or 'a tensor'} {spell_shape(sizes)}" for item, sizes in given.tensors.items())
    return f"{split_key(given.path)[0]} gives {listed or 'no tensor'} for {say_count(given.n_images, 'image')}"


def _list_possible(given: Given, sizes: tuple[int, ...]) -> list[str]:
    """Orders of axes in which the axis of the images has their number."""
    if not 2 <= len(sizes) <= 4:
        raise LayerShapeUnknown(
            f"{given.spell(sizes)}; units need (image, unit), (image, token, unit) or "
            "(image, unit, row, column), in whatever order. Name another layer."
        )
    possible = [axes for axes in AXES if len(axes) == len(sizes) and sizes[axes.index("b")] == given.n_images]
    if not possible:
        raise LayerShapeUnknown(
            f"{given.spell(sizes)}: no axis holds one entry per image (windows or "
            "tokens are counted as images). Name the block or the network's layer around it."
        )
    return possible


def _axes_by_width(given: Given, sizes: tuple[int, ...]) -> str:
    """The order that the width of the last module with parameters leaves; "" if it leaves more than one or none."""
    last = given.last
    first_width = next((getattr(last, name) for name in ("out_channels", "num_features", "num_channels")
                        if isinstance(getattr(last, name, None), int)), 0)  # fmt: skip
    last_width = _last_width(last)
    if len(sizes) == 4:
        if first_width and sizes[1] == first_width != sizes[3]:
            return "buhw"
        if last_width and sizes[3] == last_width != sizes[1]:
            return "bhwu"
    if len(sizes) == 3:
        if last_width and sizes[2] == last_width:
            return "tbu" if sizes[1] == given.n_images != sizes[0] else "btu"
        if first_width and sizes[1] == first_width != sizes[2]:
            return "but"
    return ""


def _last_width(last: nn.Module | None) -> int:
    """The number of features of a module that works on the last axis."""
    if isinstance(last, nn.Linear):
        return last.out_features
    if isinstance(last, nn.MultiheadAttention):
        return int(last.embed_dim)
    # Subclasses of LayerNorm may normalize another axis.
    if last is None or type(last) is not nn.LayerNorm:
        return 0
    return int(last.normalized_shape[-1])


def _axes_by_place(given: Given, sizes: tuple[int, ...], place: Place | None) -> str:
    """The order that follows from the axes along which rows and columns of the image differ."""
    if place is None or place.is_nowhere:
        return ""
    rows, columns = place.axes()
    if not rows and not columns:
        return ""
    known = {"buhw": (2, 3), "bhwu": (1, 2), "btu": (1, 1), "but": (2, 2), "tbu": (0, 0)}
    fitting = [
        axes
        for axes, pair in known.items()
        if len(axes) == len(sizes)
        # Units of different branches may see more or less of the image. Rows or columns may have lost their place (a
        # sum over a whole column), not both.
        and all(not found or axis in found for found, axis in zip((rows, columns), pair, strict=True))
        and {*rows, *columns} <= {*pair, axes.index("u")}
        and all(other not in found for found, axis, other in ((rows, *pair), (columns, *pair[::-1])) if axis != other)
    ]
    if len(fitting) != 1:
        raise LayerShapeUnknown(
            f"{given.spell(sizes)}, and its values are no maps of units over the "
            "image (attention weights, windows, or rows and columns exchanged, perhaps). Name the block around it, or "
            "save maps and dissect the saved array (--activations)."
        )
    return fitting[0]


def _is_square(axes: str, sizes: tuple[int, ...]) -> bool:
    """True if the order found by width gives square maps. A width alone may be that of a gate's two halves, or the
    length of a row that a linear layer mixes.
    """
    return bool(axes) and sizes[axes.index("h")] == sizes[axes.index("w")]


def _is_sure(axes: str, sizes: tuple[int, ...]) -> bool:
    """True if the order found by width cannot be meant the other way, where no graph could be followed: what counts as
    tokens may also be the channels of a mixer's token layer.
    """
    if axes not in ("btu", "but"):
        return bool(axes)
    n_tokens, n_units = (sizes[1], sizes[2]) if axes == "btu" else (sizes[2], sizes[1])
    return _may_be_cells(n_tokens) and not _may_be_cells(n_units)


def _may_be_cells(n: int) -> bool:
    """True if n tokens are a square grid, perhaps with a class token."""
    return isqrt(n) ** 2 == n or (n > MIN_GUESSED and isqrt(n - 1) ** 2 == n - 1)


def _axes_by_square(given: Given, sizes: tuple[int, ...], possible: list[str], by_width: str) -> str:
    """A square image gives square maps: the only order with square maps, if the width names no other; else every
    reading is shown.
    """
    readings = {axes: dict(zip(axes, sizes, strict=True)) for axes in possible}
    square = [axes for axes, size in readings.items() if "h" in axes and size["h"] == size["w"]]
    if len(square) == 1 and by_width in ("", square[0]):
        return square[0]
    shown = " or ".join(_spell_reading(size) for size in readings.values())
    raise LayerShapeUnknown(f"{given.spell(sizes)}: {shown}? Give {_list(list(readings))}.")


def _spell_reading(size: Mapping[str, int]) -> str:
    if "t" in size:
        return f"{say_count(size['u'], 'unit')} at {say_count(size['t'], 'token')}"
    return f"{say_count(size['u'], 'unit')} of {size['h']} x {size['w']}"


def _spell_axes(axes: str) -> str:
    return "" if axes in ("buhw", "bu") else "axes: " + ", ".join(NAMES[axis] for axis in axes)


def _check_order(given: Given, sizes: tuple[int, ...], shape: LayerShape, place: Place | None) -> None:
    """Refuse cells whose known rows or columns do not run down and to the right: their masks would be mirrored,
    transposed or scrambled.
    """
    if place is None or place.is_nowhere or len(sizes) == 2:
        return
    of_one = [1 if axis == "b" else n for axis, n in zip(shape.axes, sizes, strict=True)]
    spans = [order_axes(one.expand(of_one), shape)[0] for one in place.spans]
    for words, first, axis in (("rows", 0, 1), ("columns", 2, 2)):
        centers = spans[first] + spans[first + 1]
        if bool((centers.diff(dim=axis) < 0).any()) or bool((centers.diff(dim=3 - axis).abs() > 0).any()):
            raise LayerShapeUnknown(
                f"{given.spell(sizes)}, and its cells do not follow the {words} of the image in order (they are "
                "flipped, rolled, transposed or sorted by windows, perhaps). Name a layer before they are moved or "
                "after they are moved back, or save maps in order and dissect the saved array (--activations)."
            )
