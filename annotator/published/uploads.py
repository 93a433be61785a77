"""Uploaded files are read in a process of their own, whose memory and time are bounded.

A few bytes may unpack to gigabytes or take hours to read: that ends this process, and pages are served meanwhile. It
takes in all of a file or nothing of it.
"""

import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from django.db import connection

from annotator.refusals import Refusal

log = logging.getLogger(__name__)

MAX_MEMORY_BYTES = 2 << 30
MAX_SECONDS = 300
# The process ends itself at MAX_SECONDS and tidies up; one that does not is killed so much later.
LATER_SECONDS = 30
PROGRAM = "annotator.published.upload_process"
ROOT = Path(__file__).resolve().parents[2]
# The exit status of a process that got no more memory.
TOO_MUCH = 3
# Any fixed number. Whoever reads an upload holds this lock, so that one is read at a time.
_LOCK = 7_312_027
# Threads of numerical libraries take address space that no import needs.
_FEW_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Upload:
    """`kind`: one of `taking_in.KINDS`; `values`: what the form says beside the file; `actor`: the person's id."""

    kind: str
    path: str
    values: Mapping[str, str]
    actor: int


@dataclass(frozen=True)
class Taken:
    """What an upload became: a campaign, automatic labels of a network's layer, or a dissection, and a sentence for the
    person.
    """

    sentence: str
    campaign: str = ""
    network: str = ""
    layer: str = ""
    dissection: str = ""


class UploadRefused(Refusal):
    """`is_name`: a name in the form is refused, and not the file."""

    def __init__(self, sentence: str, *, is_name: bool = False) -> None:
        super().__init__(sentence)
        self.is_name = is_name


class UploadBusy(UploadRefused):
    """Nothing is wrong with the file; another one is being read."""


class UploadFailed(Exception):
    """The process ended by a defect; the message is what it wrote."""


def take_in_apart(upload: Upload) -> Taken:
    """Reads the file in a process of its own and waits for it. Raises UploadRefused."""
    with _one_at_a_time():
        try:
            done = subprocess.run(
                [sys.executable, "-m", PROGRAM, str(MAX_MEMORY_BYTES), str(MAX_SECONDS)],
                input=json.dumps(asdict(upload)), cwd=ROOT, env=os.environ | _FEW_THREADS,
                capture_output=True, text=True, timeout=MAX_SECONDS + LATER_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise _tell_too_much(upload) from None
    if done.returncode < 0 or done.returncode == TOO_MUCH:  # a signal: of the alarm, or of a system without memory
        raise _tell_too_much(upload)
    if done.returncode:
        raise UploadFailed(done.stderr)
    if done.stderr:
        log.info("%s", done.stderr)
    told = json.loads(done.stdout)
    if "refused" in told:
        raise UploadRefused(told["refused"], is_name=told["is_name"])
    return Taken(**told)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise UploadBusy("Another file is being read now. Upload this one again when that is done.")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _tell_too_much(upload: Upload) -> UploadRefused:
    return UploadRefused(
        f"{Path(upload.path).name} takes more than {MAX_MEMORY_BYTES >> 30} GB of memory or {MAX_SECONDS} s to read. "
        "Nothing was imported. If it is a file that you trust, import it by a command on the server."
    )
