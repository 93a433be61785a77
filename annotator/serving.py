"""Runs the Procfile's processes on one machine: `python -m annotator.serving [--prepare | [--stop] --then COMMAND]`.

It starts the services if needed, brings the tables up to date and makes the sandbox's account. Then web, sandbox, web
queue and GPU queue run until Ctrl-C, which ends all of them. What dies is started again, the services too; what dies
again and again is given up, and everything ends with status 2.
"""

import argparse
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from annotator import embedded, postgres
from annotator.commanding import explain
from annotator.processes import ROOT, STOP_SECONDS, Processes, Restarts
from annotator.program import name_command
from annotator.refusals import Refusal

# As shells say of a process that SIGINT ended.
INTERRUPTED = 130


class CannotServe(Refusal):
    """A command failed or a port is taken; the message says which."""


def prepare() -> None:
    """Brings the tables up to date, and keeps our own requester's account at the sandbox among the secrets."""
    (embedded.data_folder() / "static").mkdir(parents=True, exist_ok=True)
    _manage("migrate", "--verbosity", "0")
    account = json.loads(_manage("sandbox_account", "own"))
    for name in ("access_key_id", "secret_access_key"):
        kept = embedded.data_folder() / "secrets" / f"OWN_{name.upper()}"
        embedded.write_privately(kept, account[f"aws_{name}"])


def read_addresses() -> dict[str, str]:
    addresses: dict[str, str] = json.loads(_manage("addresses"))
    return addresses


def _manage(command: str, *arguments: str) -> str:
    """In this process: each command in one of its own would load Django again, a second and more."""
    # The settings are read only now: by embedded.in_environment() they know where the services are.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    import django
    from django.core.management import CommandError, call_command
    from django.db import OperationalError, connections

    django.setup()
    output = io.StringIO()
    try:
        call_command(command, *arguments, stdout=output)
    except CommandError as error:
        raise CannotServe(f"{name_command(command)}: {error}") from error
    except OperationalError as error:
        raise CannotServe(explain(error) or str(error)) from error
    finally:
        connections.close_all()
    return output.getvalue()


def serve(*, log: Path | None = None) -> Processes:
    """The Procfile's four processes, to be entered by `with`. Raises CannotServe if a port is taken."""
    addresses = read_addresses()
    for name in ("dashboard", "sandbox_endpoint"):
        _refuse_taken_port(addresses[name])
    environment = {**os.environ, "UNITSCOPE_VAR": str(embedded.data_folder())}
    return Processes(environment, addresses=addresses, log=log, asked_to_end=_asked_to_end)


def _refuse_taken_port(url: str) -> None:
    parts = urlsplit(url)
    with contextlib.suppress(OSError), socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1):
        raise CannotServe(
            f"Something already answers at {url}. If it is Unitscope, it is up; else set WEB_PORT and SANDBOX_PORT."
        )


# An exception that a signal raises can be lost in a library's clean-up; what is set here is not.
_asked_to_end = threading.Event()


def _ask_to_end(*_: object) -> None:
    _asked_to_end.set()
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m annotator.serving", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prepare", action="store_true", help="only bring tables and accounts up to date")
    parser.add_argument("--then", nargs=argparse.REMAINDER, help="a manage.py command to run while they serve")
    parser.add_argument("--stop", action="store_true", help="end after that command, with its exit status")
    options = parser.parse_args()
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, _ask_to_end)
    try:
        with embedded.in_environment() as services:
            return _serve(options, services)
    except Refusal as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, psycopg2.OperationalError) as error:
        sentence = explain(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        # What serves is ended so, and all is well; a command that was to end by itself has not.
        return INTERRUPTED if options.stop or options.prepare else 0


def _serve(options: argparse.Namespace, services: Sequence[embedded.Service]) -> int:
    prepare()
    if options.prepare:
        return 0
    log = embedded.data_folder() / "logs" / "services.log" if options.then else None
    if log:
        print(f"Starting web, sandbox, web queue and GPU queue; they write to {log}.", flush=True)
    with serve(log=log) as processes:
        look_after = [processes.look_after, *(_Keeper(service).look_after for service in services)]
        if options.then:
            status = _run_beside(options.then, look_after)
            if status or options.stop:
                return status
        print(f"Serving until Ctrl-C:\n{_manage('addresses')}", flush=True)
        while not _asked_to_end.wait(1):
            for look in look_after:
                look()
    return 0


def _run_beside(command: Sequence[str], look_after: Sequence[Callable[[], None]]) -> int:
    """Its exit status. Interrupted, the command ends as well, and is waited for."""
    with subprocess.Popen([sys.executable, "-m", "annotator", *command], cwd=ROOT) as running:
        try:
            while running.poll() is None:
                for look in look_after:
                    look()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait(1)
        except BaseException:
            # Ctrl-C in a terminal reached it already, and a second one would cut its cleaning up short.
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(5)
            if running.poll() is None:
                running.send_signal(signal.SIGINT)
                running.wait(STOP_SECONDS)
            raise
        return running.returncode


class _Keeper:
    """Starts an embedded service again when it has died."""

    def __init__(self, service: embedded.Service) -> None:
        self._service, self._restarts = service, Restarts(service.name, embedded.data_folder())

    def look_after(self) -> None:
        """Raises ProcessFailed when the service is given up."""
        if self._service.lives():
            return
        if self._restarts.due_at is None:
            self._restarts.note_death("ended")
        elif self._restarts.is_due:
            self._restarts.note_start()
            with contextlib.suppress(postgres.EmbeddedServiceFailed):  # counted as a death when it is looked at again
                embedded.start_again(self._service)


if __name__ == "__main__":
    sys.exit(main())
