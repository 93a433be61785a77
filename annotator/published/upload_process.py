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


def main() -> int:
    _bound_itself(*map(int, sys.argv[1:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    django.setup()
    from annotator.published.uploads import TOO_MUCH

    try:
        json.dump(_take_in(json.load(sys.stdin)), sys.stdout)
    except MemoryError:
        return TOO_MUCH
    return 0


def _bound_itself(n_bytes: int, n_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(n_seconds)  # also if nobody waits for it any more


def _take_in(told: dict[str, Any]) -> dict[str, Any]:
    from annotator.names import NameRefused
    from annotator.published.taking_in import take_in
    from annotator.published.uploads import Upload

    try:
        return asdict(take_in(Upload(**told)))
    except Refusal as refusal:
        return {"refused": str(refusal), "is_name": isinstance(refusal, NameRefused)}


if __name__ == "__main__":
    sys.exit(main())
