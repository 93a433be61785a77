"""Which tokens of a layer belong to no place in the image (docs/measures.md, Which axis is the unit).

Evidence, in this order: what the user names; which tokens come from no part of the image; a square grid; the network's
own parameters and counts of such tokens.
"""

from dataclasses import replace
from math import isqrt

import torch
from torch import nn

from workers.engine.networks.axis_names import DROP_FIRST, DROP_LAST, KEEP
from workers.engine.networks.layer_maps import LayerShape, LayerShapeUnknown
from workers.engine.networks.places import Place
from workers.engine.plurals import say_count

# Parameters that hold tokens which stand for no part of the image, by the end of their names.
TOKEN_NAMES = (
    "cls_token", "class_token", "class_embedding", "cls_embedding", "dist_token", "distillation_token", "reg_token",
    "reg_tokens", "register_tokens", "registers", "storage_tokens", "prefix_tokens", "prompt_tokens",
)  # fmt: skip
TOKEN_COUNTS = ("num_prefix_tokens", "n_prefix_tokens")
# A single token more than a square is taken for a class token from this number of tokens on: 5 = 4 + 1 is too common.
MIN_GUESSED = 9


def drop_tokens(shape: LayerShape, n_tokens: int, network: nn.Module, asked: str, place: Place | None) -> LayerShape:
    """The tokens that are cells of a square grid, without those that belong to no place. `asked`: --tokens, or empty.

    Raises LayerShapeUnknown.
    """
    names, n_named = _find_token_names(network)
    choices: list[tuple[int, int] | None] = [
        _dropped_as_asked(asked),
        _dropped_by_place(shape, n_tokens, place),
        (0, 0) if isqrt(n_tokens) ** 2 == n_tokens else None,
        (n_named, 0) if n_named else None,
        (1, 0) if n_tokens > MIN_GUESSED else None,
    ]
    for first, last in (one for one in (choices[:1] if asked else choices[1:]) if one is not None):
        rest = n_tokens - first - last
        if rest > 0 and isqrt(rest) ** 2 == rest:
            side = isqrt(rest)
            note = "; ".join([shape.note, *_spell_dropped(first, last, names)])
            return replace(shape, height=side, width=side, n_first=first, n_last=last, note=note)
    side = isqrt(n_tokens)
    raise LayerShapeUnknown(
        f"{shape.path} gives {say_count(n_tokens, 'token')} per image, which is no square grid"
        + (f" without those of --tokens {asked}" if asked else "")
        + f"; the next smaller one is {side} x {side}. Say how many tokens at the start belong to no place: --tokens "
        f"{n_tokens - side * side}."
    )


def _find_token_names(network: nn.Module) -> tuple[list[str], int]:
    """The names of parameters that hold tokens of no place, and how many tokens the network puts before the others."""
    held = {name: one for name, one in network.named_parameters() if name.rpartition(".")[2] in TOKEN_NAMES}
    stated = [
        int(value) for part in network.modules() for name in TOKEN_COUNTS
        if isinstance(value := getattr(part, name, None), int)
    ]  # fmt: skip
    counted = sum(one.shape[-2] if one.ndim > 1 else 1 for one in held.values())
    return sorted({name.rpartition(".")[2] for name in held}), stated[0] if stated else counted


def _dropped_as_asked(tokens: str) -> tuple[int, int]:
    known = {DROP_FIRST: (1, 0), DROP_LAST: (0, 1), KEEP: (0, 0)}
    return known[tokens] if tokens in known else (int(tokens or 0), 0)


def _dropped_by_place(shape: LayerShape, n_tokens: int, place: Place | None) -> tuple[int, int] | None:
    """How many tokens at the start and at the end come from no part of the image."""
    if place is None or place.is_nowhere:
        return None
    axis = shape.axes.index("t")
    rows, columns = (
        ~torch.isinf(place.spans[i].movedim(axis, 0).flatten(1)).all(dim=1).expand(n_tokens) for i in (0, 2)
    )
    if not bool(rows.any()) or not bool(columns.any()):
        seen, lost = ("rows", "column") if bool(rows.any()) else ("columns", "row")
        raise LayerShapeUnknown(
            f"{shape.path} gives {say_count(n_tokens, 'token')} per image that are {seen} of the image, each over "
            f"every {lost}: they make no grid of cells. Name a layer before the values are averaged."
        )
    lost_tokens = (~(rows | columns)).tolist()
    first = lost_tokens.index(False)
    return first, lost_tokens[::-1].index(False)


def _spell_dropped(first: int, last: int, names: list[str]) -> list[str]:
    """What is dropped, in words; nothing if no token is."""
    called = f" ({', '.join(names)})" if names else ""
    ends = [(first, "first"), (last, "last")]
    return [
        f"the {end} token{called} is dropped" if n == 1 else f"the {end} {n} tokens{called} are dropped"
        for n, end in ends
        if n
    ]
