"""Rows and files that many tests begin with are made once in a process and copied from then on."""

import atexit
import dataclasses
import io
import shutil
import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.db import connection, transaction
from django.db.models import Model

P = ParamSpec("P")
Made = TypeVar("Made")


@dataclasses.dataclass(frozen=True)
class _Snapshot:
    """The folder with the files, each table's rows as COPY writes them, and what `make` returned."""

    root: Path
    tables: dict[str, str]
    made: Any

    def copy_to(self, root: Path) -> Any:
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        with connection.cursor() as cursor:
            # Rows that triggers would write are among these, and their order is of no account.
            cursor.execute("SET session_replication_role = replica")
            for table, rows in self.tables.items():
                cursor.copy_expert(f'COPY "{table}" FROM STDIN', io.StringIO(rows.replace(str(self.root), str(root))))
            cursor.execute("SET session_replication_role = DEFAULT")
        return _read_again(self.made)


def made_once(make: Callable[Concatenate[Path, P], Made]) -> Callable[Concatenate[Path, P], Made]:
    """`make` writes rows and, below the folder given first, files; it returns a row, or a dataclass of rows.

    Rows in a table that holds others already may depend on them: then `make` is called as it is.
    """
    kept: dict[Any, _Snapshot] = {}

    @wraps(make)
    def make_or_copy(root: Path, *args: P.args, **options: P.kwargs) -> Made:
        key = (connection.settings_dict["NAME"], args, tuple(sorted(options.items())))
        filled = _list_filled()
        if key not in kept:
            place = Path(tempfile.mkdtemp(prefix="unitscope-made-"))
            atexit.register(shutil.rmtree, place, ignore_errors=True)
            if snapshot := _take(lambda: make(place, *args, **options), place, filled):
                kept[key] = snapshot
        if key not in kept or filled & set(kept[key].tables):
            return make(root, *args, **options)
        made: Made = kept[key].copy_to(root)
        return made

    return cast(Callable[Concatenate[Path, P], Made], make_or_copy)


def _take(make: Callable[[], Any], root: Path, filled: set[str]) -> _Snapshot | None:
    """Makes it and takes it back: the numbers that its rows got are never given again."""
    with transaction.atomic():
        before = _count_writes()
        made = make()
        written = sorted(table for table, n in _count_writes().items() if n > before.get(table, 0))
        tables = {table: _copy_out(table) for table in written}
        transaction.set_rollback(True)
    return None if filled & set(written) else _Snapshot(root, tables, made)


def _count_writes() -> dict[str, int]:
    """How often this transaction wrote into each table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return dict(cursor.fetchall())


def _list_filled() -> set[str]:
    tables = connection.introspection.table_names()
    each = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(each)
        return {table for (table,) in cursor.fetchall()}


def _copy_out(table: str) -> str:
    rows = io.StringIO()
    with connection.cursor() as cursor:
        cursor.copy_expert(f'COPY "{table}" TO STDOUT', rows)
    return rows.getvalue()


def _read_again(made: Any) -> Any:
    if isinstance(made, Model):
        return type(made)._default_manager.get(pk=made.pk)
    return dataclasses.replace(
        made, **{field.name: _read_again(getattr(made, field.name)) for field in dataclasses.fields(made)}
    )
