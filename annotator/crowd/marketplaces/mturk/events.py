"""Which HITs a notification of MTurk names."""

import contextlib
from collections.abc import Iterator
from typing import Any

from annotator.json_texts import read_json

MAX_HITS = 100
MAX_DEPTH = 5


def read_event(document: Any) -> set[str]:
    """The HITs that a document names: MTurk's events, bare or within SNS's envelope."""
    return set(list(_walk(document, depth=0))[:MAX_HITS])


def _walk(document: Any, *, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH or not isinstance(document, dict):
        return
    if isinstance(hit_id := document.get("HITId"), str):
        yield hit_id[:64]
    if isinstance(message := document.get("Message"), str):
        with contextlib.suppress(ValueError):
            yield from _walk(read_json(message), depth=depth + 1)
    events = document.get("Events")
    for event in events if isinstance(events, list) else []:
        yield from _walk(event, depth=depth + 1)
