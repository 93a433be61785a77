"""A folder that appears whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotator.refusals import Refusal
from workers.workplaces import open_workplace


class FolderInTheWay(Refusal):
    """The folder to be written exists already and is not empty."""


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yields a folder to fill beside `target`; renamed when all went well, removed when not. Raises FolderInTheWay."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FolderInTheWay(f"{target} exists and is not an empty folder: name another one.")
    try:
        with open_workplace(target) as fresh:
            yield fresh
            fresh.chmod(0o755)
            if target.exists():
                target.rmdir()
            os.replace(fresh, target)
    except OSError as error:
        raise FolderInTheWay(f"{target} cannot be written: {error.strerror}.") from error
