"""Another database on the tests' server, what a second installation has; and locks of this one."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from django.db import connection

from tests.conftest import empty_tables


def execute(address: str, statements: str, *values: str) -> None:
    opened = psycopg2.connect(address)
    try:
        opened.autocommit = True
        with opened.cursor() as cursor:
            cursor.execute(statements, values or None)
    finally:
        opened.close()


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """Django's connection of this process leads to that database."""
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own


@contextmanager
def copied(source: str, *, into: str) -> Iterator[str]:
    """The name of a copy of that database; dropped at the end. Django's connection to it is closed."""
    server = urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres").geturl()
    name = f"{into}_{os.getpid()}"
    connection.close()  # a database that somebody is connected to cannot be copied
    # A thread of an earlier test may still hold a connection.
    execute(server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", source)
    execute(server, f"CREATE DATABASE {name} TEMPLATE {source}")
    try:
        yield name
    finally:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def second_installation() -> Iterator[None]:
    """Django's connection leads to an empty database with the tables of this one."""
    with copied(connection.settings_dict["NAME"], into="second") as name, connected_to(name):
        empty_tables()
        yield


def wait_for_lock(other: "Future[Any]") -> None:
    """Until another connection of this database waits for a lock: `other`, which must not end before."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        while True:
            assert not other.done(), "nobody waits"
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw first
            cursor.execute(query)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
