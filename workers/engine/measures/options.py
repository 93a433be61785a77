"""What may be chosen of a dissection: options of the run, and those that each measure declares in its folder."""

import json
import re
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from workers.engine.measures.recorded import Option, option
from workers.engine.measures.table import list_recorded
from workers.engine.networks.axis_names import AXES, TOKENS_PATTERN

O = TypeVar("O")  # noqa: E741
# The options of the first version: always stated, because equal statements give equal hashes. A later option is stated
# only if it is not at its default.
ALWAYS_STATED = (
    "n_top", "n_low", "tail", "iou_modes", "batch_size", "tile_px", "segment", "seed", "mean_empirical_px", "rotation",
    "rotation_seed", "occluded_images", "autocast",
)  # fmt: skip
MAX_SEED = 2**63 - 1


class OptionsInvalid(Exception):
    """An option's value is outside what it may be; the message names it."""


@dataclass(frozen=True)
class RunOptions:
    """How the network runs, and the seed from which every measure draws."""

    batch_size: int = option(32, "images per batch", low=1, high=4096, title="Batch size")
    seed: int = option(0, "seed that draws the low crops for planted negatives", low=0, high=MAX_SEED, title="Seed")
    random_weights: int = option(
        0, "seed of random weights to measure in place of the network's; 0: the network's own", low=0, high=MAX_SEED
    )
    autocast: bool = option(
        False, "compute in half precision where torch holds it safe: faster on a GPU, other numbers"
    )
    axes: str = option(
        "", "order of a layer's axes where it is not found: b image, u unit, h row, w column, t token",
        choices=AXES, title="Order of axes",
    )  # fmt: skip
    tokens: str = option(
        "", "tokens that belong to no place: drop-first, drop-last, keep, or how many at the start; else found",
        pattern=TOKENS_PATTERN, words="drop-first, drop-last, keep or a number", title="Tokens without a place",
    )  # fmt: skip


@dataclass(frozen=True)
class DissectionOptions:
    """The options of the run and of each measure, checked; made by make_options."""

    groups: tuple[Any, ...]

    def __post_init__(self) -> None:
        for group in self.groups:
            for one in fields(group):
                _check(one.name, getattr(group, one.name), one.metadata["option"])
        for recorded in list_recorded():
            if wrong := recorded.check(self):
                raise OptionsInvalid(wrong)

    def of(self, kind: type[O]) -> O:
        """The options of one measure, by their dataclass."""
        return next(group for group in self.groups if isinstance(group, kind))

    @cached_property
    def run(self) -> RunOptions:
        return self.of(RunOptions)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "DissectionOptions":
        """The inverse of to_json; absent options keep their defaults. Raises OptionsInvalid."""
        defaults = list_defaults()
        if unknown := data.keys() - defaults:
            raise OptionsInvalid(f"There is no option {min(unknown)!r}; there are {', '.join(sorted(defaults))}.")
        values = {name: _read_value(name, value, defaults[name]) for name, value in data.items()}
        try:
            return cls(
                tuple(
                    kind(**{one.name: values[one.name] for one in fields(kind) if one.name in values})
                    for kind in _list_kinds()
                )
            )
        except TypeError as error:
            raise OptionsInvalid(f"An option has a value of the wrong kind: {error}.") from None

    def to_json(self) -> dict[str, Any]:
        """Plain values that JSON keeps exactly, under the options' names; see ALWAYS_STATED."""
        stated = {name: value for group in self.groups for name, value in asdict(group).items()}
        defaults = list_defaults()
        kept = {name: value for name, value in stated.items() if name in ALWAYS_STATED or value != defaults[name]}
        return json.loads(json.dumps(kept))  # type: ignore[no-any-return]


def list_declared() -> dict[str, Option]:
    """How each option is asked for, by its name."""
    return {one.name: one.metadata["option"] for kind in _list_kinds() for one in fields(kind)}


def list_defaults() -> dict[str, Any]:
    return {one.name: one.default for kind in _list_kinds() for one in fields(kind)}


def list_chosen() -> dict[str, Any]:
    """What a new dissection states unless something else is asked for; see Option."""
    return {name: one.chosen for name, one in list_declared().items() if one.chosen is not None}


def _list_kinds() -> list[type[Any]]:
    return [RunOptions, *(recorded.options for recorded in list_recorded())]


def _read_value(name: str, value: Any, default: Any) -> Any:
    """As JSON keeps it: a whole number may come with a point, and numbers from numpy. Raises OptionsInvalid."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise OptionsInvalid(f"{name} is {value!r}; it must be True or False.")
    elif isinstance(value, bool) and isinstance(default, int | float):
        raise OptionsInvalid(f"{name} is {value}, which is no number.")
    elif isinstance(default, int) and isinstance(value, float):
        if not value.is_integer():
            raise OptionsInvalid(f"{name} is {value}, which is no whole number.")
        return int(value)
    elif isinstance(default, str) and not isinstance(value, str):
        raise OptionsInvalid(f"{name} is {value!r}, which is no text.")
    return value


def _check(name: str, value: Any, stated: Option) -> None:
    if stated.pattern and value and not re.fullmatch(stated.pattern, value):
        raise OptionsInvalid(f"{name} is {value!r}; it must be {stated.words}.")
    if stated.choices and value != "":
        chosen = {value} if isinstance(value, str) else set(value)
        if unknown := chosen - set(stated.choices):
            verb = "is" if isinstance(value, str) else "holds"
            raise OptionsInvalid(f"{name} {verb} {min(unknown)!r}; there are {', '.join(stated.choices)}.")
    if stated.low is None or stated.high is None or value is None:
        return
    if not isinstance(value, int | float):
        raise OptionsInvalid(f"{name} is {value!r}, which is no number.")
    is_within = stated.low < value < stated.high if stated.is_open else stated.low <= value <= stated.high
    if not is_within:
        raise OptionsInvalid(f"{name} is {value}; it must lie between {stated.low} and {stated.high}.")
