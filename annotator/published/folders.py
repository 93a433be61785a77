"""A folder that appears whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotator.refusals import Refusal


class FolderInTheWay(Refusal):
    """The folder to be written exists already and is not empty."""


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yields a folder to fill beside `target`; renamed when all went well, removed when not. Raises FolderInTheWay."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FolderInTheWay(f"{target} exists and is not an empty folder: name another one.")
    fresh = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    try:
        fresh.mkdir(parents=True)
        yield fresh
        if target.exists():
            target.rmdir()
        os.replace(fresh, target)
    except OSError as error:
        raise FolderInTheWay(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
