"""A folder beside what is being made: it is removed whatever happens, after a kill -9 by the next one who makes it."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_workplace(target: Path) -> Iterator[Path]:
    """A new folder that nobody else reads, on the target's disk. Move out of it what is to stay. Raises OSError.

    Who works in it holds a lock on it, and so do processes that are forked meanwhile.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    folder = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _sweep(target: Path) -> None:
    """Removes what killed processes left for this target."""
    for left in target.parent.iterdir():
        name, _, token = left.name.removeprefix(".").rpartition(".")
        if not (left.name.startswith(".") and name == target.name and len(token) == 8 and left.is_dir()):
            continue
        lock = os.open(left, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except BlockingIOError:
            pass  # somebody works in it
        finally:
            os.close(lock)
