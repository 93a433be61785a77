"""Files that come in pieces over HTTP: each person's own, known by its SHA-256, continued where it broke off.

A piece is accepted where the file ends so far, and nowhere else, so that a piece may come twice.
"""

import fcntl
import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from annotator.refusals import Refusal
from workers.contract import MAX_UPLOAD_BYTES

# What nobody has continued for so long is removed.
KEPT_SECONDS = 86_400
# Of one person at a time.
MAX_FILES = 4


class UploadWrong(Refusal):
    """A piece or a file does not fit; the message says what to do."""


def count_received(*, owner: int, sha256: str) -> int:
    """Bytes that have come so far."""
    path = _find(owner, sha256)
    return path.stat().st_size if path.is_file() else 0


def add_piece(*, owner: int, sha256: str, offset: int, piece: bytes) -> int:
    """Bytes that have come by now; a piece that does not begin where the file ends changes nothing.

    Raises UploadWrong.
    """
    if offset + len(piece) > MAX_UPLOAD_BYTES:
        raise UploadWrong(f"A file has at most {MAX_UPLOAD_BYTES >> 30} GB.")
    path = _find(owner, sha256)
    _tidy(path)
    with _locked(path) as file:
        size = file.seek(0, 2)
        if offset == size:
            file.write(piece)
        return file.tell()


def check_whole(*, owner: int, sha256: str) -> Path:
    """The file, all of which has come. Raises UploadWrong; a file of another digest is removed."""
    path = _find(owner, sha256)
    if not path.is_file():
        raise UploadWrong("Nothing of this file has come yet. Send its pieces first.")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        path.unlink(missing_ok=True)
        raise UploadWrong("What has come is not the file of this SHA-256. It was removed: send it again.")
    return path


def _find(owner: int, sha256: str) -> Path:
    return Path(settings.VAR) / "uploads" / str(owner) / sha256


def _tidy(path: Path) -> None:
    """Make room for the file; the person's old ones, and those of all that nobody continues, go. Raises UploadWrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for other in path.parent.parent.glob("*/*"):
        if other != path and time.time() - other.stat().st_mtime > KEPT_SECONDS:
            other.unlink(missing_ok=True)
    if not path.exists() and len(list(path.parent.iterdir())) >= MAX_FILES:
        raise UploadWrong(f"{MAX_FILES} files are on their way already. Finish one of them first.")
    if shutil.disk_usage(path.parent).free < MAX_UPLOAD_BYTES // 4:
        raise UploadWrong("The server's disk is nearly full.")


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
