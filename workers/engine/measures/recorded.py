"""What a measure leaves behind, shared by the engine that computes it and the annotator that ingests it. numpy only.

A record is a frozen dataclass of arrays; a field's name is its key in the artifact's file. Names and types of the
fields are part of the artifact's hash: add new ones, and never rename existing ones.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from workers.engine.format.artifact import Arrays

R = TypeVar("R")


@dataclass(frozen=True)
class Option:
    """How an option is asked for: help text, bounds or choices, and the argument of the command `dissect`.

    `title` labels it in the dashboard's form; without a title the form does not show it.

    `is_open`: the bounds themselves are not allowed. `flag` is empty if it follows from the field's name. `bare` is the
    value if the argument is given without one. `makes_several`: each of several values is a dissection of its own.
    `pattern` is what a text must match as a whole, if it is not empty; `words` says it in words. `chosen` is what a new
    dissection states if nobody asks for anything, where that is not the default: records of before state nothing.
    """

    help: str
    low: float | None = None
    high: float | None = None
    is_open: bool = False
    choices: tuple[str, ...] = ()
    title: str = ""
    flag: str = ""
    bare: Any = None
    makes_several: bool = False
    pattern: str = ""
    words: str = ""
    chosen: Any = None


def option(default: Any, help: str, **stated: Any) -> Any:
    """A field of an options dataclass; see Option."""
    return field(default=default, metadata={"option": Option(help, **stated)})


@dataclass(frozen=True)
class NoOptions:
    """The options of a measure that has none."""


@dataclass(frozen=True)
class UnitRows:
    """What the database keeps of one unit by one measure.

    `columns` of DissectedUnit; by rank, columns of TopImage (`image` is the image's index); columns of its
    AutomaticLabels; `value`: JSON kept in DissectedUnit.values under the measure's name.
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    ranks: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    labels: list[dict[str, Any]] = field(default_factory=list)
    value: Any = None


Ingest = Callable[[Any, Mapping[str, Any]], Iterator[UnitRows]]


@dataclass(frozen=True)
class Recorded:
    """The side of a measure that needs no torch.

    `arrays`: its record of one layer; `options`: its options dataclass. `ingest(record, manifest)` gives the rows of
    each unit, in the order of the units. `check(options)` says what is wrong with the dissection's options, or "".
    `files(place)`: names of the files that it may write for the manifest's layer, beside the layer's arrays.
    """

    name: str
    arrays: type | None = None
    options: type = NoOptions
    ingest: Ingest = lambda record, manifest: iter(())
    check: Callable[[Any], str] = lambda options: ""
    files: Callable[[int], tuple[str, ...]] = lambda place: ()


def to_arrays(record: Any, *, joint: str = "_") -> Arrays:
    """The record's arrays by key; of a record in a field, the field's name goes before. A field that is None is left
    out.
    """
    arrays: Arrays = {}
    for one in fields(record):
        value = getattr(record, one.name)
        if is_dataclass(value):
            arrays.update({f"{one.name}{joint}{key}": array for key, array in to_arrays(value, joint=joint).items()})
        elif value is not None:
            arrays[one.name] = value
    return arrays


def from_arrays(kind: type[R], arrays: Arrays, *, joint: str = "_") -> R | None:
    """The inverse of to_arrays; None if an array of the record is missing. Other arrays are ignored."""
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for one in fields(kind):  # type: ignore[arg-type]
        inner = next((part for part in (hints[one.name], *get_args(hints[one.name])) if is_dataclass(part)), None)
        if inner is None:
            values[one.name] = arrays.get(one.name)
        else:
            start = f"{one.name}{joint}"
            own = {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}
            values[one.name] = from_arrays(inner, own, joint=joint)  # type: ignore[arg-type]
    needed = [name for name in values if type(None) not in get_args(hints[name])]
    if any(values[name] is None for name in needed) or all(value is None for value in values.values()):
        return None
    return kind(**values)
