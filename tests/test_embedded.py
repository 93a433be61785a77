"""The embedded services serve several users at once, outlive a killed one, and stop with the last."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from annotator import embedded

USER = (
    "import os, sys; from annotator import embedded\n"
    "with embedded.in_environment():\n"
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
        and process.status() != psutil.STATUS_ZOMBIE
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


@pytest.mark.slow
def test_a_killed_user_is_not_counted(tmp_path: Path) -> None:
    victim = User(tmp_path)
    victim.die()
    next_one = User(tmp_path)
    assert next_one.addresses == victim.addresses, "the services outlived the killed user"
    next_one.leave()
    assert servers(tmp_path) == []


def test_the_database_is_postgresql(db: None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT version()")
        row = cursor.fetchone()
    assert row is not None
    assert row[0].startswith("PostgreSQL 18")
