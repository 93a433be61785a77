"""A long drill in parts: the result of each is stored when it ends, so that after an interruption the rest is run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def run_in_pieces(kept_at: Path, *, total: int, size: int, run: Callable[[int, int], T]) -> list[T]:
    """The results of `run(first, n)` over `total` rounds, `size` at a time. A later call runs everything again.

    What `run` returns must survive JSON.
    """
    kept_at.parent.mkdir(parents=True, exist_ok=True)
    kept: dict[str, T] = json.loads(kept_at.read_text()) if kept_at.exists() else {}
    pieces = {str(first): min(size, total - first) for first in range(0, total, size)}
    for first, n in pieces.items():
        if first not in kept:
            kept[first] = run(int(first), n)
            kept_at.write_text(json.dumps(kept))
    kept_at.unlink()
    return [kept[first] for first in pieces]
