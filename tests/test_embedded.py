"""The embedded services serve several users at once, outlive a killed one, and stop with the last."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from annotator import embedded, postgres
from tests.processes import is_alive, kill

USER = (
    "import os, sys; from annotator import embedded\n"
    "with embedded.in_environment():\n"
    "    from workers import config  # tasks are sent to the broker that runs, not to the usual address\n"
    "    assert config.broker_url == os.environ['REDIS_URL'], config.broker_url\n"
    "    print(os.environ['DATABASE_URL'], os.environ['REDIS_URL'], flush=True)\n"
    "    sys.stdin.read()\n"
)


class User:
    """A process of its own that uses the services until told to leave."""

    def __init__(self, var: Path) -> None:
        environment = {**os.environ, "UNITSCOPE_VAR": str(var)}
        for name in ("DATABASE_URL", "REDIS_URL"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.addresses = self.process.stdout.readline().split()

    def leave(self) -> None:
        self.process.communicate(timeout=60)

    def die(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=60)


def servers(var: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] in ("postgres", "valkey-server")
        and is_alive(process)
        and any(str(var) in word for word in process.info["cmdline"] or [])
    ]


def valkey_answers(var: Path) -> bool:
    note = var / "valkey" / "address.json"
    if not note.exists():
        return False
    return embedded.answers(embedded.VALKEY_URL.format(**json.loads(note.read_text())))


@pytest.mark.slow
def test_two_users_share_the_services_and_the_last_one_stops_them(tmp_path: Path) -> None:
    first, second = User(tmp_path), User(tmp_path)
    assert first.addresses == second.addresses
    assert len(first.addresses) == 2
    first.leave()
    assert servers(tmp_path)
    assert valkey_answers(tmp_path)
    second.leave()
    assert servers(tmp_path) == []
    assert not valkey_answers(tmp_path)


# Linux, prctl(2): orphans become children of this process, which collects none of them.
WITHOUT_INIT = (
    "import ctypes, subprocess, sys\n"
    "ctypes.CDLL(None).prctl(36, 1)\n"  # PR_SET_CHILD_SUBREAPER
    "subprocess.run([sys.executable, '-c', sys.argv[1]], stdin=subprocess.DEVNULL, timeout=60, check=True)\n"
)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="prctl")
def test_services_stop_at_once_where_nobody_collects_orphans_as_in_many_containers(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment["UNITSCOPE_VAR"] = str(tmp_path)
    subprocess.run([sys.executable, "-c", WITHOUT_INIT, USER], env=environment, check=True, capture_output=True)
    assert servers(tmp_path) == []


@pytest.mark.slow
def test_half_made_files_are_made_again_and_a_killed_user_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18")  # as kill -9 of the first start leaves them
    (tmp_path / "postgres.half-made").touch()
    victim = User(tmp_path)
    victim.die()
    next_one = User(tmp_path)
    assert next_one.addresses == victim.addresses, "the services outlived the killed user"
    next_one.leave()
    assert servers(tmp_path) == []


def valkey_of(user: User) -> psutil.Process:
    with redis.Redis.from_url(user.addresses[1]) as client:
        return psutil.Process(client.info("server")["process_id"])


def served(user: User) -> None:
    """Both answer at the addresses that the user was given."""
    database, valkey = user.addresses
    with contextlib.closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert embedded.answers(valkey)


@pytest.mark.slow
def test_killed_services_start_again_at_the_same_addresses_for_those_who_use_them(tmp_path: Path) -> None:
    user = User(tmp_path)
    for server in [valkey_of(user), *servers(tmp_path)]:
        kill(server)
    another = User(tmp_path)
    assert another.addresses == user.addresses
    served(user)
    user.leave()
    another.leave()
    assert servers(tmp_path) == []


@pytest.mark.slow
def test_a_valkey_that_is_slow_is_waited_for_and_no_second_one_is_started(tmp_path: Path) -> None:
    user = User(tmp_path)
    valkey = valkey_of(user)
    valkey.suspend()
    threading.Timer(8, valkey.resume).start()  # longer than a connection waits for an answer
    another = User(tmp_path)
    assert another.addresses == user.addresses
    assert valkey_of(another) == valkey
    user.leave()
    another.leave()
    assert not is_alive(valkey)


@pytest.mark.slow
def test_a_copy_of_the_data_folder_has_services_of_its_own(tmp_path: Path) -> None:
    original, copied = tmp_path / "it's #1 & more", tmp_path / "copied"
    user = User(original)
    subprocess.run(["cp", "-a", original, copied], check=True)
    other = User(copied)
    assert not set(user.addresses) & set(other.addresses)
    served(user)
    served(other)
    other.leave()
    served(user)
    user.leave()
    assert servers(tmp_path) == []


REFUSED = (
    "import os, resource, sys; from annotator import embedded; from pathlib import Path\n"
    "{limit}\n"
    "try:\n"
    "    with embedded.in_environment(): pass\n"
    "except embedded.EmbeddedServiceFailed as refusal: print(refusal)\n"
)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))", "may open only 60 files"),
        ("import pwd; pwd.getpwuid = lambda number: {}[number]", "who has no name here: add one to /etc/passwd"),
        ("Path(os.environ['UNITSCOPE_VAR']).chmod(0o500); os.geteuid() or os.seteuid(65534)", "set UNITSCOPE_VAR"),
    ],
)
def test_a_machine_that_does_not_let_services_start_is_said(limit: str, said: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    done = subprocess.run(
        [sys.executable, "-c", REFUSED.format(limit=limit)],
        env=environment | {"UNITSCOPE_VAR": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_full_disk_is_the_reason_whatever_postgresql_says_last(tmp_path: Path) -> None:
    said = ["FATAL:  could not write: No space left on device\nPANIC:  cannot abort transaction 1"]
    assert "disk of" in postgres._tell_reason(tmp_path, said, OSError("pg_ctl"))
    assert "wrong ownership" in postgres._tell_reason(tmp_path, ["FATAL:  it has wrong ownership"], OSError("pg_ctl"))


def test_the_database_is_postgresql(db: None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT version()")
        row = cursor.fetchone()
    assert row is not None
    assert row[0].startswith("PostgreSQL 18")
