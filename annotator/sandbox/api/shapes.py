"""Checks a call's input against the shapes of API version 2017-01-17, which botocore contains."""

import datetime as dt
import functools
import json
import re
from typing import Any

import botocore.loaders
import botocore.model

from annotator.sandbox.rules.refusals import Code, Malformed, Refused

API_VERSION = "2017-01-17"
TARGET_PREFIX = "MTurkRequesterServiceV20170117"
_INT_BITS = {"integer": 31, "long": 63}
_EARLIEST, _LATEST = 0, 253_402_300_799  # 1970 to 9999, in epoch seconds


@functools.cache
def service() -> botocore.model.ServiceModel:
    """The whole API. Raises botocore's UnknownServiceError if botocore no longer contains mturk."""
    return botocore.model.ServiceModel(
        botocore.loaders.Loader().load_service_model("mturk", "service-2", API_VERSION), "mturk"
    )


def read_input(operation: str, body: bytes) -> dict[str, Any]:
    """The checked input, timestamps as datetimes. Raises Malformed for wrong types, Refused for wrong values."""
    shape = service().operation_model(operation).input_shape
    parsed = _parse(body)
    if not isinstance(parsed, dict):
        raise Malformed("SerializationException", "The body must be a JSON object.")
    return _structure(shape, parsed, at="")


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
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
    return _READERS[shape.type_name](shape, value, at=at)


def _read_structure(shape: Any, value: Any, *, at: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong_type(at, "a structure")
    return _structure(shape, value, at=at)


def _read_list(shape: Any, value: Any, *, at: str) -> Any:
    if not isinstance(value, list):
        raise _wrong_type(at, "a list")
    return [_value(shape.member, member, at=f"{at}[{i}]") for i, member in enumerate(value)]


def _read_string(shape: Any, value: Any, *, at: str) -> str:
    if not isinstance(value, str):
        raise _wrong_type(at, "a string")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise Refused(Code.PARAMETER_VALIDATION_ERROR, f"{at} contains a character that no text can have.")
    enum, pattern = shape.enum, shape.metadata.get("pattern")
    if enum and value not in enum:
        raise _constraint(at, value, f"enum value set: [{', '.join(enum)}]")
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if len(value) < least or (most is not None and len(value) > most):
        raise _constraint(at, value, f"length between {least} and {most}")
    if pattern and not re.fullmatch(pattern, value, flags=re.ASCII):
        raise _constraint(at, value, f"regular expression pattern: {pattern}")
    return value


def _read_integer(shape: Any, value: Any, *, at: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2 ** _INT_BITS[shape.type_name]) <= value < (
        2 ** _INT_BITS[shape.type_name]
    ):  # fmt: skip
        raise _wrong_type(at, f"a {shape.type_name}")
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and value < least) or (most is not None and value > most):
        raise _constraint(at, value, f"value between {least} and {most}")
    return value


def _read_boolean(shape: Any, value: Any, *, at: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(at, "a boolean")
    return value


def _read_timestamp(shape: Any, value: Any, *, at: str) -> dt.datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(at, "a timestamp in epoch seconds")
    if not _EARLIEST <= value <= _LATEST:
        raise Refused(Code.PARAMETER_VALIDATION_ERROR, f"{at} must lie between the years 1970 and 9999.")
    return dt.datetime.fromtimestamp(value, dt.UTC)


_READERS = {
    "structure": _read_structure,
    "list": _read_list,
    "string": _read_string,
    "integer": _read_integer,
    "long": _read_integer,
    "boolean": _read_boolean,
    "timestamp": _read_timestamp,
}


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _wrong_type(at: str, wanted: str) -> Malformed:
    return Malformed("SerializationException", f"{at} must be {wanted}.")


def _constraint(at: str, value: object, constraint: str) -> Refused:
    shown = str(value) if len(str(value)) <= 80 else f"{str(value)[:80]}..."
    return Refused(
        Code.PARAMETER_VALIDATION_ERROR,
        f"1 validation error detected: Value '{shown}' at '{at}' failed to satisfy constraint: "
        f"Member must satisfy {constraint}.",
    )
