"""The process that reads an uploaded file: `python -m annotator.published.upload_process BYTES SECONDS`, its bounds.

An Upload as JSON comes in; a Taken or a refusal goes out.
"""

import faulthandler
import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from typing import Any

import django
from django.db import OperationalError, connection

from annotator.refusals import Refusal

# For removing what was begun.
GRACE_SECONDS = 20
# What another process holds is waited for so long.
LOCK_SECONDS = 20
# PostgreSQL's names of errors: a statement that took too long, and a lock that did not come.
QUERY_CANCELED, LOCK_NOT_AVAILABLE = "57014", "55P03"


class HeldElsewhere(Refusal):
    """Another process writes what the file needs."""


class TimeOver(BaseException):
    """The time of an upload is over; no handler of errors in a file may keep it."""


def main() -> int:
    n_bytes, n_seconds = map(int, sys.argv[1:])
    bound_process(n_bytes, n_seconds)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    from annotator.published.uploads import TOO_MUCH

    try:
        django.setup()
        bound_connection(n_seconds)
        json.dump(take_in_or_refuse(json.load(sys.stdin)), sys.stdout)
    except (MemoryError, TimeOver):
        return TOO_MUCH
    except OperationalError as error:
        if _read_state(error) != QUERY_CANCELED:
            raise
        return TOO_MUCH
    finally:
        faulthandler.cancel_dump_traceback_later()
    return 0


def bound_process(n_bytes: int, n_seconds: int) -> None:
    """The alarm is heard between two steps of Python. Code in C that waits may never come to one: a thread that needs
    no Python then ends the process.
    """
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, _end_in_order)
    signal.alarm(n_seconds)  # also if nobody waits for it any more
    faulthandler.dump_traceback_later(n_seconds + 2 * GRACE_SECONDS, exit=True)


def bound_connection(n_seconds: int) -> None:
    """The database ends what takes longer, also after this process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [f"{max(1, n_seconds)}s"])
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{int(1000 * LOCK_SECONDS)}ms"])


def _end_in_order(number: int, frame: object) -> None:
    """Transactions end and new files are removed; what does not end soon after is killed by the second alarm."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(GRACE_SECONDS)
    raise TimeOver


def take_in_or_refuse(told: dict[str, Any]) -> dict[str, Any]:
    """`told`: an Upload; returns a Taken, or what was refused and whether it is a name."""
    from annotator.names import NameRefused

    try:
        return _take_in(told)
    except Refusal as refusal:
        return {"refused": str(refusal), "is_name": isinstance(refusal, NameRefused)}


def _take_in(told: dict[str, Any]) -> dict[str, Any]:
    """Raises HeldElsewhere and what `take_in` raises."""
    from annotator.published.taking_in import take_in
    from annotator.published.uploads import Upload

    try:
        return asdict(take_in(Upload(**told)))
    except OperationalError as error:
        if _read_state(error) != LOCK_NOT_AVAILABLE:
            raise
        raise HeldElsewhere(
            "Another import or change writes what this file needs. Nothing was imported. Upload it again when that is "
            "done."
        ) from None


def _read_state(error: OperationalError) -> str:
    """PostgreSQL's name of the error; empty if the error is not its own."""
    return str(getattr(error.__cause__, "pgcode", None) or "")


if __name__ == "__main__":
    sys.exit(main())
