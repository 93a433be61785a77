"""One row of a table as JSON, and back: exact floats, times with their microseconds, money and ids as text."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import NOT_PROVIDED, Field, ForeignKey

from annotator.json_texts import read_json
from annotator.names import validate_name
from annotator.published.bundle.shapes import find_misfit
from annotator.published.bundle.tables import Table
from annotator.published.readers.cells import BadFile

Row = dict[str, Any]


class BadRow(Exception):
    """A row that does not fit its table; the message names the field."""


def write_row(row: Mapping[str, Any]) -> bytes:
    return (json.dumps(row, ensure_ascii=False, default=_write_value, allow_nan=False) + "\n").encode()


def _write_value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a bundle.")


def read_lines(lines: Iterable[bytes], *, file: str) -> Iterator[Row]:
    """Raises BadFile."""
    for number, line in enumerate(lines, start=1):
        try:
            row = read_json(line, parse_constant=_refuse_constant)
        except ValueError:
            raise BadFile(f"{file}, row {number}: not JSON.") from None
        if not isinstance(row, dict):
            raise BadFile(f"{file}, row {number}: not an object.")
        yield row


def _refuse_constant(text: str) -> float:
    raise ValueError(text)


def read_row(row: Row, table: Table, numbers: Mapping[Any, list[Any]]) -> Row:
    """The values of a new instance, by attribute. `numbers`: by model, the primary keys of its rows. Raises BadRow."""
    known = {one.name for one in table.fields} | set(table.added)
    if unknown := sorted(set(row) - known):
        raise BadRow(f"{unknown[0]} is not known here")
    values: Row = {}
    for one in table.fields:
        if one.name in row:
            value = _read_value(one, row[one.name], numbers)
            values[one.attname] = table.coming[one.name](value) if one.name in table.coming else value
        elif one.name in table.key or (one.default is NOT_PROVIDED and not one.null and not one.blank):
            raise BadRow(f"{one.name} is missing")
    return values


def _read_value(one: "Field[Any, Any]", value: Any, numbers: Mapping[Any, list[Any]]) -> Any:
    if value is None:
        if not one.null:
            raise BadRow(f"{one.name} is empty")
        return None
    if isinstance(one, ForeignKey):
        rows = numbers[one.related_model]
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < len(rows):
            raise BadRow(f"{one.name} leads to no row")
        return rows[value]
    if one.get_internal_type() == "JSONField":
        return _read_json(one, value)
    return _read_plain(one, value)


def _read_json(one: "Field[Any, Any]", value: Any) -> Any:
    if misfit := find_misfit(f"{one.model.__name__}.{one.name}", value):
        raise BadRow(f"{one.name} is of another shape ({misfit:.200})")
    return value


def _check_plain(one: "Field[Any, Any]", read: Any) -> None:
    """As the field checks, but rows may be older than the rule of names. Raises ValidationError, UnicodeEncodeError."""
    if isinstance(read, str):
        read.encode()
    if read not in one.empty_values:
        for check in one.validators:
            if check is not validate_name:
                check(read)


def _read_plain(one: "Field[Any, Any]", value: Any) -> Any:
    try:
        read = one.to_python(value)
        _check_plain(one, read)
    except (ValidationError, TypeError, ValueError, OverflowError) as error:
        raise BadRow(f"{one.name} cannot be read") from error
    if isinstance(read, float) and not math.isfinite(read):
        raise BadRow(f"{one.name} is not finite")
    if isinstance(read, str) and "\0" in read:
        raise BadRow(f"{one.name} holds a NUL character")
    if one.choices and read != "" and read not in dict(one.flatchoices):
        raise BadRow(f"{one.name} is not one of {', '.join(map(str, dict(one.flatchoices)))}")
    return read
