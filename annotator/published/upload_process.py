"""The process that reads an uploaded file: `python -m annotator.published.upload_process BYTES SECONDS`, its bounds.

An Upload as JSON comes in; a Taken or a refusal goes out.
"""

import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from typing import Any

import django

from annotator.refusals import Refusal

# For removing what was begun.
GRACE_SECONDS = 20


class TimeOver(BaseException):
    """The time of an upload is over; no handler of errors in a file may keep it."""


def main() -> int:
    _bound_itself(*map(int, sys.argv[1:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    from annotator.published.uploads import TOO_MUCH

    try:
        django.setup()
        json.dump(take_in_or_refuse(json.load(sys.stdin)), sys.stdout)
    except (MemoryError, TimeOver):
        return TOO_MUCH
    return 0


def _bound_itself(n_bytes: int, n_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _end_in_order)
    signal.alarm(n_seconds)  # also if nobody waits for it any more


def _end_in_order(number: int, frame: object) -> None:
    """Transactions end and new files are removed; what does not end soon after is killed by the second alarm."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(GRACE_SECONDS)
    raise TimeOver


def take_in_or_refuse(told: dict[str, Any]) -> dict[str, Any]:
    """`told`: an Upload; returns a Taken, or what was refused and whether it is a name."""
    from annotator.names import NameRefused
    from annotator.published.taking_in import take_in
    from annotator.published.uploads import Upload

    try:
        return asdict(take_in(Upload(**told)))
    except Refusal as refusal:
        return {"refused": str(refusal), "is_name": isinstance(refusal, NameRefused)}


if __name__ == "__main__":
    sys.exit(main())
