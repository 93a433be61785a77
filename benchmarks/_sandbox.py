"""A sandbox of its own for a measurement: a fresh database, the Procfile's server, both gone afterwards."""

import contextlib
import json
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from annotator import embedded

ROOT = Path(__file__).parent.parent
START_SECONDS = 300


@dataclass(frozen=True)
class RunningSandbox:
    address: str
    account: dict[str, str]
    environment: dict[str, str]

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return _manage(*words, environment=self.environment)


@contextlib.contextmanager
def running_sandbox() -> Iterator[RunningSandbox]:
    with embedded.in_environment(), _database(f"sandbox_measured_{os.getpid()}") as url:
        port = _free_port()
        environment = {
            **os.environ, "DATABASE_URL": url, "UNITSCOPE_SITE": "sandbox", "SANDBOX_PORT": str(port),
            "SANDBOX_BIND": f"127.0.0.1:{port}",
        }  # fmt: skip
        _manage("migrate", "-v0", "--run-syncdb", environment=environment)
        account = json.loads(_manage("sandbox_account", "measured", environment=environment).stdout)
        server = subprocess.Popen(_command(environment), cwd=ROOT, env=environment)
        try:
            _wait(f"http://127.0.0.1:{port}/healthz")
            yield RunningSandbox(f"http://127.0.0.1:{port}", account, environment)
        finally:
            server.terminate()
            server.wait()


def _command(environment: dict[str, str]) -> list[str]:
    """The `sandbox` line of the Procfile, run by this Python."""
    line = next(one for one in (ROOT / "Procfile").read_text().splitlines() if one.startswith("sandbox:"))
    words = shlex.split(line.partition(":")[2].replace("${SANDBOX_BIND}", environment["SANDBOX_BIND"]))
    return [sys.executable, *words[1:]] if words[0] == "python" else words


@contextlib.contextmanager
def _database(name: str) -> Iterator[str]:
    parts = urlsplit(os.environ["DATABASE_URL"])
    _execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        _execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(statement: str) -> None:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _manage(*words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=20):  # noqa: S310  our own address
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
