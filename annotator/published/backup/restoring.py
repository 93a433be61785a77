"""Makes an empty installation what another one was when its backup was written.

Artifacts and secrets come first, the database last and at once: after an interruption the database is still empty, and
the same command does all of it again.
"""

import mmap
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from annotator.accounts.auditing import verify_audit_log
from annotator.embedded import write_privately
from annotator.labels.wordnet import FILES
from annotator.published.backup.archive import ARTIFACTS, CHUNK_BYTES, DUMP, SECRETS, WORDNET, Backup, open_backup
from annotator.published.backup.backing_up import digest_key, list_secrets
from annotator.published.backup.dumping import load_database
from annotator.refusals import Refusal
from annotator.units.models import Dissection, name_artifact
from workers.engine.plurals import say_count
from workers.leases import connect
from workers.store import StoreError, open_store
from workers.workplaces import open_workplace

# What `make setup` writes: rows here do not make an installation one that is used.
PREPARED = {
    "auth_permission", "django_content_type", "django_migrations", "sandbox_requester", "sandbox_ledgerentry",
}  # fmt: skip
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
# Says one line to whoever waits at a terminal.
Tell = Callable[[str], None]


class CannotRestore(Refusal):
    """The installation is not empty, is running, or does not fit the backup; nothing was changed."""


@dataclass(frozen=True)
class Restored:
    n_audit_entries: int
    n_artifacts: int
    # Ids of dissections whose artifacts are not in this installation's store.
    without_artifact: tuple[str, ...]


def restore(*, path: Path, tell: Tell = lambda line: None) -> Restored:
    """Raises BadFile, CannotRestore, CannotDump."""
    with open_backup(path) as backup:
        _check(backup)
        try:
            with open_workplace(settings.VAR / "restored") as scratch:
                file = scratch / "file"
                n_artifacts = _take_artifacts(backup, file, tell)
                _take_secrets(backup, file)
                _take_wordnet(backup, tell)
                backup.extract(DUMP, file)
                tell("The database is loaded.")
                load_database(file)
        except StoreError as error:
            raise CannotRestore(f"An artifact cannot be written. {error}") from error
        except OSError as error:
            raise CannotRestore(f"The backup cannot be written here: {error.strerror}.") from error
        _bring_up_to_date(backup)
        return Restored(verify_audit_log().n_entries, n_artifacts, _find_missing())


def _check(backup: Backup) -> None:
    """Raises CannotRestore before anything is changed."""
    loader = MigrationLoader(connection)
    known = set(loader.disk_migrations)
    if newer := [f"{app}.{name}" for app, name in backup.manifest["migrations"] if (app, name) not in known]:
        raise CannotRestore(f"A later Unitscope wrote {backup.name} ({newer[-1]} is not known here): restore there.")
    with connection.cursor() as cursor:
        if used := _find_used(connection.introspection.table_names(cursor)):
            raise CannotRestore(
                f"This installation holds data already ({', '.join(used)}). Restore into an empty one: set "
                "UNITSCOPE_VAR to a new folder, or DATABASE_URL to a new database."
            )
        cursor.execute(OTHERS)
        if cursor.fetchone()[0]:
            raise CannotRestore("Unitscope is running, or something else uses its database. End it first.")
    _check_keys(backup)


def _find_used(tables: list[str]) -> list[str]:
    used = []
    with connection.cursor() as cursor:
        for table in sorted(set(tables) - PREPARED):
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608  its own tables
            if cursor.fetchone():
                used.append(table)
    return used[:3]


def _check_keys(backup: Backup) -> None:
    """People's pseudonyms hang on the key; secrets that the environment gives cannot be replaced here."""
    is_given = bool(os.environ.get("PSEUDONYM_KEY")) or settings.DEPLOYED
    takes_it = "PSEUDONYM_KEY" in backup.list_files(SECRETS) and not is_given
    if not takes_it and digest_key(settings.PSEUDONYM_KEY) != backup.manifest["pseudonym_key_sha256"]:
        raise CannotRestore(
            "PSEUDONYM_KEY here is not the one of the backed-up installation: set it (and SECRET_KEY) to what they "
            f"were there, then restore again. `unzip -p {backup.name} {SECRETS}/PSEUDONYM_KEY` prints it if the "
            "backup holds secrets."
        )


def _take_artifacts(backup: Backup, scratch: Path, tell: Tell) -> int:
    store, names = open_store(settings.ARTIFACT_ROOT), backup.list_files(ARTIFACTS)
    for name in names:
        backup.extract(f"{ARTIFACTS}/{name}", scratch)
        if scratch.stat().st_size < CHUNK_BYTES:
            store.write(name, scratch.read_bytes())
            continue
        with scratch.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            store.write(name, content)
    tell(f"{say_count(len(names), 'file of artifacts is', 'files of artifacts are')} in {settings.ARTIFACT_ROOT}.")
    return len(names)


def _take_secrets(backup: Backup, scratch: Path) -> None:
    for name in set(backup.list_files(SECRETS)) & set(list_secrets()):
        if not os.environ.get(name) and not settings.DEPLOYED:
            backup.extract(f"{SECRETS}/{name}", scratch)
            write_privately(settings.VAR / "secrets" / name, scratch.read_text())


def _take_wordnet(backup: Backup, tell: Tell) -> None:
    folder = settings.VAR / "wordnet"
    for name in set(backup.list_files(WORDNET)) & set(FILES):
        folder.mkdir(exist_ok=True)
        backup.extract(f"{WORDNET}/{name}", folder / name)
    if folder.is_dir():
        tell(f"Labels were made with WordNet's tables, which are in {folder} now: set WORDNET_FOLDER to it.")


def _bring_up_to_date(backup: Backup) -> None:
    """Tables of an earlier Unitscope are migrated; artifacts that lay in another store lie in this one now."""
    call_command("migrate", verbosity=0)
    taken = {"/".join(name.split("/")[:2]) for name in backup.list_files(ARTIFACTS)}
    for dissection in Dissection.objects.filter(artifact_name__contains="://"):
        if (name := name_artifact(dissection.pk)) in taken:
            dissection.artifact_name = name
            dissection.save(update_fields=["artifact_name"])
    _empty_cache()


def _empty_cache() -> None:
    """What it holds is of the rows that were here. Others may use the same Valkey, so its other keys stay."""
    with suppress(redis.RedisError), connect(settings.REDIS_URL) as client:
        for key in client.scan_iter(match=f"{settings.CACHES['default']['KEY_PREFIX']}:{cache.version}:*"):
            client.delete(key)


def _find_missing() -> tuple[str, ...]:
    done = Dissection.objects.filter(state=Dissection.State.DONE)
    return tuple(str(one.pk) for one in done if next(open_store(one.artifact).names(), None) is None)
