"""Checks a call's input against the shapes of API version 2017-01-17, which botocore contains, and of what is added."""

import datetime as dt
import functools
import re
from collections.abc import Callable
from typing import Any

import botocore.loaders
import botocore.model
from django.conf import settings

from annotator.json_texts import read_json
from annotator.sandbox.rules.refusals import Code, Malformed, Refused, bad_parameter

API_VERSION = "2017-01-17"
TARGET_PREFIX = "MTurkRequesterServiceV20170117"
_INT_BITS = {"integer": 31, "long": 63}
_EARLIEST, _LATEST = 0, 253_402_300_799  # 1970 to 9999, in epoch seconds


@functools.cache
def service() -> botocore.model.ServiceModel:
    """The whole API, with what is added. Raises botocore's UnknownServiceError if botocore no longer contains mturk."""
    loader = botocore.loaders.Loader(extra_search_paths=[settings.MTURK_ADDITIONS])
    return botocore.model.ServiceModel(loader.load_service_model("mturk", "service-2", API_VERSION), "mturk")


def read_input(operation: str, body: bytes) -> dict[str, Any]:
    """The checked input, timestamps as datetimes. Raises Malformed for wrong types, Refused for wrong values."""
    shape = service().operation_model(operation).input_shape
    parsed = _parse(body)
    if not isinstance(parsed, dict):
        raise Malformed("SerializationException", "The body must be a JSON object.")
    return _structure(shape, parsed, at="")


def _parse(body: bytes) -> Any:
    try:
        return read_json(body or b"{}", parse_constant=_refuse_constant)
    except ValueError:
        raise Malformed("SerializationException", "The body is not valid JSON.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _structure(shape: Any, value: dict[str, Any], *, at: str) -> dict[str, Any]:
    """Members that the shape does not have are ignored, as AWS does. Null means absent."""
    given = {name: value[name] for name in shape.members if value.get(name) is not None}
    for name in shape.required_members:
        if name not in given:
            raise Refused(Code.MISSING_PARAMETER, f"The required parameter {_join(at, name)} is missing.")
    return {name: _value(shape.members[name], member, at=_join(at, name)) for name, member in given.items()}


def _value(shape: Any, value: Any, *, at: str) -> Any:
    kinds, wanted, read = _TYPES[shape.type_name]
    # For Python, but not for JSON, a boolean is a number.
    if not isinstance(value, kinds) or isinstance(value, bool) != (kinds is bool):
        raise Malformed("SerializationException", f"{at} must be {wanted}.")
    return read(shape, value, at=at)


def _read_list(shape: Any, value: list[Any], *, at: str) -> list[Any]:
    return [_value(shape.member, member, at=f"{at}[{i}]") for i, member in enumerate(value)]


def _read_string(shape: Any, value: str, *, at: str) -> str:
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise bad_parameter(f"{at} contains a character that no text can have.")
    enum, pattern = shape.enum, shape.metadata.get("pattern")
    if enum and value not in enum:
        raise _constraint(at, value, f"enum value set: [{', '.join(enum)}]")
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if len(value) < least or (most is not None and len(value) > most):
        raise _constraint(at, value, f"length between {least} and {most}")
    if pattern and not re.fullmatch(pattern, value, flags=re.ASCII):
        raise _constraint(at, value, f"regular expression pattern: {pattern}")
    return value


def _read_integer(shape: Any, value: int, *, at: str) -> int:
    limit = 2 ** _INT_BITS[shape.type_name]
    if not -limit <= value < limit:
        raise Malformed("SerializationException", f"{at} must be a {shape.type_name}.")
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and value < least) or (most is not None and value > most):
        raise _constraint(at, value, f"value between {least} and {most}")
    return value


def _read_boolean(shape: Any, value: bool, *, at: str) -> bool:
    return value


def _read_timestamp(shape: Any, value: float, *, at: str) -> dt.datetime:
    if not _EARLIEST <= value <= _LATEST:
        raise bad_parameter(f"{at} must lie between the years 1970 and 9999.")
    return dt.datetime.fromtimestamp(value, dt.UTC)


# By the shape's type: Python's types, what a message calls it, the reader.
_TYPES: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "structure": (dict, "a structure", _structure),
    "list": (list, "a list", _read_list),
    "string": (str, "a string", _read_string),
    "integer": (int, "a integer", _read_integer),
    "long": (int, "a long", _read_integer),
    "boolean": (bool, "a boolean", _read_boolean),
    "timestamp": ((int, float), "a timestamp in epoch seconds", _read_timestamp),
}


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _constraint(at: str, value: object, constraint: str) -> Refused:
    shown = str(value) if len(str(value)) <= 80 else f"{str(value)[:80]}..."
    return bad_parameter(
        f"1 validation error detected: Value '{shown}' at '{at}' failed to satisfy constraint: "
        f"Member must satisfy {constraint}.",
    )
