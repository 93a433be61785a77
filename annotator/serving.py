"""Runs the Procfile's processes on one machine: `python -m annotator.serving [--prepare | [--stop] --then COMMAND]`.

The services are attached or started, the tables brought up to date and the sandbox's account made; then web, sandbox,
web queue and GPU queue run under honcho until Ctrl-C, which ends all of them.
"""

import argparse
import contextlib
import ctypes
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from annotator import embedded, env

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120
STOP_SECONDS = 40
# Linux, prctl(2).
PR_SET_PDEATHSIG = 1


class CannotServe(Exception):
    """A process did not start or a port is taken; the message says which."""


def prepare() -> None:
    """Tables brought up to date, and our own requester's account at the sandbox kept among the checkout's secrets."""
    (embedded.data_folder() / "static").mkdir(parents=True, exist_ok=True)
    _manage("migrate", "--verbosity", "0")
    account = json.loads(_manage("sandbox_account", "own"))
    for name, value in (
        ("OWN_ACCESS_KEY_ID", account["aws_access_key_id"]),
        ("OWN_SECRET_ACCESS_KEY", account["aws_secret_access_key"]),
    ):
        kept = embedded.data_folder() / "secrets" / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(value)


def read_addresses() -> dict[str, str]:
    addresses: dict[str, str] = json.loads(_manage("addresses"))
    return addresses


def _manage(command: str, *arguments: str) -> str:
    """In this process: each command in one of its own would load Django anew, a second and more."""
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
        raise CannotServe(f"manage.py {command}: {error}") from error
    except OperationalError as error:
        raise CannotServe(f"The database does not answer: {str(error).splitlines()[0]}") from error
    finally:
        connections.close_all()
    return output.getvalue()


@contextlib.contextmanager
def processes(*, log: Path | None = None) -> Iterator[None]:
    """The Procfile's four processes, answering, writing to `log` if given; ended with the block, however it ends."""
    addresses = read_addresses()
    urls = [addresses["dashboard"].rstrip("/"), addresses["sandbox_endpoint"]]
    for url in urls:
        _refuse_taken_port(url)
    defaults = {
        "WEB_BIND": urlsplit(urls[0]).netloc,
        "SANDBOX_BIND": urlsplit(urls[1]).netloc,
        "BEAT_SCHEDULE": str(embedded.data_folder() / "beat-schedule"),
        "PYTHONUNBUFFERED": "1",
        # Celery and whitenoise remark on root and on folders that only a deployment has.
        "PYTHONWARNINGS": "ignore",
    }
    # The Procfile says `python`: this one.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("ab")) if log else None
        honcho = subprocess.Popen(
            [sys.executable, "-m", "honcho", "-f", str(ROOT / "Procfile"), "start"],
            cwd=ROOT,
            env={**defaults, **os.environ, "PATH": path},
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
        stack.callback(_end, honcho)
        _wait_for_health(urls, honcho)
        yield


def _refuse_taken_port(url: str) -> None:
    parts = urlsplit(url)
    with contextlib.suppress(OSError), socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1):
        raise CannotServe(
            f"Something already answers at {url}. If it is Unitscope, it is up; else set WEB_PORT and SANDBOX_PORT."
        )


def _wait_for_health(urls: list[str], honcho: "subprocess.Popen[bytes]") -> None:
    from workers.app import app

    deadline = time.monotonic() + START_SECONDS
    waiting = {f"{url}/healthz" for url in urls}
    while waiting or len(app.control.ping(timeout=1) or []) < 2:
        if _asked_to_end.is_set():
            raise KeyboardInterrupt
        if honcho.poll() is not None:
            raise CannotServe("A process ended while starting; its last words stand above or in var/logs.")
        if time.monotonic() > deadline:
            raise CannotServe(f"Not all processes answered within {START_SECONDS} s: {', '.join(waiting) or 'queues'}.")
        waiting = {url for url in waiting if not is_healthy(url)}
        time.sleep(0.2)


def is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310  an address from our settings
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _end_with_parent() -> None:
    """Run in the child: were this process killed with -9, honcho would serve on with nobody to stop it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(honcho: "subprocess.Popen[bytes]") -> None:
    """honcho passes the signal on to its processes and ends after them."""
    if honcho.poll() is None:
        honcho.send_signal(signal.SIGTERM)
        try:
            honcho.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(honcho.pid, signal.SIGKILL)
            honcho.wait()


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
        with embedded.in_environment():
            return _serve(options)
    except (CannotServe, env.BadSetting, embedded.EmbeddedServiceFailed) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


def _serve(options: argparse.Namespace) -> int:
    prepare()
    if options.prepare:
        return 0
    log = embedded.data_folder() / "logs" / "services.log" if options.then else None
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        print(f"Starting web, sandbox, web queue and GPU queue; they write to {log}.", flush=True)
    with processes(log=log):
        if options.then:
            status = subprocess.run(
                [sys.executable, str(ROOT / "manage.py"), *options.then], cwd=ROOT, check=False
            ).returncode
            if status or options.stop:
                return status
        print(f"Serving until Ctrl-C:\n{_manage('addresses')}", flush=True)
        while not _asked_to_end.wait(1):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
