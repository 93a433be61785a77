"""Checks an answer against botocore's shape, more strictly than its parser, which drops unknown members."""

import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "timestamp": (int, float),
}
# The shape demands an id of Amazon; in Amazon's examples it is the requester's own name of a question.
_LOOSER = {"QuestionId"}


def find_problems(shape: Any, value: Any, *, at: str) -> Iterator[str]:
    """Each member that is unknown, missing, of another type, or outside its limits, with its position."""
    if shape.type_name == "structure":
        yield from _in_structure(shape, value, at=at)
    elif shape.type_name == "list":
        if not isinstance(value, list):
            yield f"{at} is no list"
            return
        for number, member in enumerate(value):
            yield from find_problems(shape.member, member, at=f"{at}[{number}]")
    elif not isinstance(value, _TYPES[shape.type_name]) or (isinstance(value, bool) != (shape.type_name == "boolean")):
        yield f"{at} is no {shape.type_name}"
    elif isinstance(value, str):
        yield from _in_string(shape, value, at=at)


def _in_structure(shape: Any, value: Any, *, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at} is no structure"
        return
    for name in value.keys() - shape.members.keys():
        yield f"{at} has an unknown member {name}"
    for name in shape.required_members:
        if name not in value:
            yield f"{at} has no {name}"
    for name in (value.keys() & shape.members.keys()) - _LOOSER:
        yield from find_problems(shape.members[name], value[name], at=f"{at}.{name}")


def _in_string(shape: Any, value: str, *, at: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{at} is {value!r}, which is none of {shape.enum}"
    pattern, most = shape.metadata.get("pattern"), shape.metadata.get("max")
    if (pattern and not re.fullmatch(pattern, value)) or (most is not None and len(value) > most):
        yield f"{at} is {value!r}, which breaks {pattern or most}"
