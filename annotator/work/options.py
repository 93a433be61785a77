"""A step's options, declared once: read from the command line and from a form, and kept in a job's row."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, asdict, field, fields
from typing import Any, Literal

from django.http import QueryDict

from annotator.refusals import Refusal

# everywhere: commands and forms. command: a form cannot give it. secret: nor does a row or the audit log keep it.
Reach = Literal["everywhere", "command", "secret"]


class BadOption(Refusal):
    """A value that a form sent cannot be read."""


def option(
    help: str,
    *,
    default: Any = MISSING,
    type: Any = str,
    choices: Sequence[str] | None = None,
    metavar: str | None = None,
    reach: Reach = "everywhere",
) -> Any:
    """A field of a frozen options dataclass.

    type: reads the text of one value; bool makes a switch. A tuple as default: the option may be given several times.
    reach: who may give it, and whether it is kept, see `Reach`.
    """
    argument = {"help": help, "type": type, "choices": choices, "metavar": metavar}
    return field(default=default, metadata={"argument": argument, "reach": reach})


def _fields(options: type | None) -> tuple[Field[Any], ...]:
    return fields(options) if options is not None else ()


def add_arguments(parser: argparse._ActionsContainer, options: type | None) -> None:
    """One --argument per field; one that has no default is required."""
    for one in _fields(options):
        name, argument = f"--{one.name.replace('_', '-')}", dict(one.metadata["argument"])
        if argument["type"] is bool:
            parser.add_argument(name, action="store_true", help=argument["help"])
        elif isinstance(one.default, tuple):
            parser.add_argument(name, action="append", default=[], **argument)
        elif one.default is MISSING:
            parser.add_argument(name, required=True, **argument)
        else:
            parser.add_argument(name, default=one.default, **argument)


def fill_options(options: type | None, given: Mapping[str, Any]) -> Any:
    """The options from what the command line was parsed to, or from what `write_options` wrote.

    Others than the options are passed over. What is not there is at its default; a list becomes a tuple.
    """
    values = {one.name: given[one.name] for one in _fields(options) if one.name in given}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return options(**values) if options is not None else None


def read_form(options: type | None, form: QueryDict) -> Any:
    """The options from a form's texts; an empty or absent field is at its default. Raises BadOption."""
    values: dict[str, Any] = {}
    for one in _fields(options):
        texts = (
            [text.strip() for text in form.getlist(one.name) if text.strip()]
            if one.metadata["reach"] == "everywhere"
            else []
        )
        if not texts and one.default is MISSING:
            raise BadOption(f"{one.name} is missing.")
        if texts:
            read = tuple(_read(one, text) for text in texts)
            values[one.name] = read if isinstance(one.default, tuple) else read[-1]
    return options(**values) if options is not None else None


def _read(one: Field[Any], text: str) -> Any:
    argument = one.metadata["argument"]
    try:
        value = True if argument["type"] is bool else argument["type"](text)
    except (ValueError, argparse.ArgumentTypeError):
        raise BadOption(f"{one.name} cannot be {text[:40]!r}.") from None
    if argument["choices"] is not None and value not in argument["choices"]:
        raise BadOption(f"{one.name} is one of {', '.join(argument['choices'])}.")
    return value


def write_options(options: Any) -> dict[str, Any]:
    """What a job's row and the audit log keep: each value that is not at its default and no secret."""
    if options is None:
        return {}
    kept = {one.name: one.default for one in fields(options) if one.metadata["reach"] != "secret"}
    return {name: value for name, value in asdict(options).items() if name in kept and value != kept[name]}
