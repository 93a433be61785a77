"""Reads JSON that people and other machines wrote: what is nested deeply is refused like what is no JSON."""

import argparse
import json
from collections.abc import Callable
from typing import Any

# Nothing that is read here is nested half as deeply; Python stops at some hundred levels, in the middle of its work.
MAX_DEPTH = 32


def read_json(text: str | bytes, *, parse_constant: Callable[[str], Any] | None = None) -> Any:
    """Raises ValueError. `parse_constant`: what becomes of NaN and Infinity."""
    try:
        document = json.loads(text, parse_constant=parse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [part for one in level for part in _list_parts(one)]
        if not level:
            return document
    raise ValueError("nested too deeply")


def json_argument(text: str) -> Any:
    """The value of a command's option."""
    try:
        return read_json(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"this is not JSON ({error})") from None


def _list_parts(document: Any) -> list[Any]:
    """The lists and objects directly within it."""
    parts = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [part for part in parts if isinstance(part, dict | list)]
