"""What a machine fails in is said in one sentence, by whichever command; a defect keeps its traceback."""

import errno
from collections.abc import Callable

import kombu.exceptions
import psycopg2
import psycopg2.errors
import pytest
import redis
from django.db import DatabaseError, OperationalError, connection

from annotator.commanding import explain
from workers.store import StoreFull


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def silent() -> psycopg2.OperationalError:
    return psycopg2.OperationalError("connection to server on socket failed: refused\nIs it running?")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: OSError(errno.ENOSPC, "No space left on device", "report.html"), "No space is left for report.html"),
        (lambda: OSError(errno.EDQUOT, "Disk quota exceeded"), "No space is left. Free space"),
        (lambda: caused(OperationalError("refused"), silent()), "The database does not answer: connection to server"),
        (lambda: caused(DatabaseError("no such table"), psycopg2.errors.UndefinedTable()), "manage.py migrate"),
        (lambda: redis.ConnectionError("refused"), "Valkey does not answer"),
        (lambda: kombu.exceptions.OperationalError("refused"), "Valkey does not answer"),
        (lambda: StoreFull("No space is left for tiles in file:///x."), "No space is left for tiles"),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(make: Callable[[], Exception], said: str) -> None:
    sentence = explain(make())
    assert sentence is not None
    assert said in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "error", [ValueError("a defect"), OSError(errno.EACCES, "denied"), caused(DatabaseError("x"), ValueError("y"))]
)
def test_a_defect_is_not_explained_away(error: Exception) -> None:
    assert explain(error) is None


@pytest.mark.django_db
def test_the_databases_full_disk_is_told_by_its_code() -> None:
    with connection.cursor() as cursor, pytest.raises(OperationalError) as caught:
        cursor.execute("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$")
    assert explain(caught.value) == "The disk of the database is full. Free space, then run it again."
