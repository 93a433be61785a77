"""A folder beside what is being made: it is removed whatever happens, after a kill -9 by the next one who makes
something there, whatever that is called: the backup of each night has another name.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".unitscope-workplace-"


@contextmanager
def open_workplace(target: Path) -> Iterator[Path]:
    """A new folder that nobody else reads, on the target's disk. Move out of it what is to stay. Raises OSError.

    Who works in it holds a lock on it, and so do processes that are forked meanwhile.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    folder, lock = _make_locked(target.parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _make_locked(place: Path) -> tuple[Path, int]:
    """Another process may sweep the folder before it is locked; then another one is made."""
    while True:
        folder = place / f"{PREFIX}{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.is_dir():
                return folder, lock
            os.close(lock)


def _sweep(place: Path) -> None:
    """Removes what killed processes left there."""
    for left in place.glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError, PermissionError):  # swept by another process, or another user's
            lock = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            except BlockingIOError:
                pass  # somebody works in it
            finally:
                os.close(lock)
