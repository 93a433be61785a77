"""The base of the project's commands, and what a command says when the machine fails it."""

import errno
import os
from typing import Any

import kombu.exceptions
import psycopg2
import psycopg2.errorcodes
import psycopg2.errors
import redis
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotator.program import IN_CHECKOUT, PROGRAM, name_command
from annotator.refusals import Refusal
from workers.store import FULL, StoreError

# The code asks for tables or columns that are not there.
OLDER_TABLES = (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedColumn)


class ProjectCommand(BaseCommand):
    """A refusal becomes one sentence on stderr and exit status 2, without a traceback."""

    requires_system_checks = []  # checked by `make lint`; loading every page takes seconds
    # Django's own options work; --help and docs/commands.md list a command's own.
    suppressed_base_arguments = {
        "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color",
    }  # fmt: skip

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Examples in the help are called as commands are called here."""
        self.help = self.help.replace(IN_CHECKOUT, PROGRAM)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except Refusal as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal


def explain(error: BaseException) -> str | None:
    """One sentence for what a person can mend: a full disk, services and stores that do not answer. None: a defect."""
    causes = [error, error.__cause__] if error.__cause__ else [error]
    for one in causes:
        if isinstance(one, psycopg2.OperationalError):
            return _explain_database(one)
        if isinstance(one, OLDER_TABLES):
            return (
                f"The tables are those of an older version, or there are none: run `{name_command('migrate')}` first."
            )
        if isinstance(one, OSError) and one.errno in (*FULL, errno.EFBIG):
            return f"No space is left{f' for {one.filename}' if one.filename else ''}. Free space, then run it again."
        if isinstance(one, redis.ConnectionError | redis.TimeoutError | kombu.exceptions.OperationalError):
            return f"Valkey does not answer ({one}). When it does, run this again."
        if isinstance(one, StoreError):
            return str(one)
    return None


def _explain_database(error: psycopg2.OperationalError) -> str | None:
    """An error without a code comes from the connection, not from the server."""
    if error.pgcode == psycopg2.errorcodes.DISK_FULL or os.strerror(errno.ENOSPC) in str(error):
        return "The disk of the database is full. Free space, then run it again."
    said = (str(error).splitlines() or ["it has ended"])[0]
    return None if error.pgcode else f"The database does not answer: {said.rstrip('.')}."
