"""Writes an installation into one file: the database, artifacts, secrets and word tables.

The database is read first, at one moment. Artifacts are written once and never changed, and nobody may delete one
while the file is written: those that the database named at that moment are there.
"""

import errno
import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from annotator.crowd.models import HITImage
from annotator.evidence.models import Question
from annotator.labels.labeling import find_own_wordnet
from annotator.labels.wordnet import FILES
from annotator.published.backup.archive import (
    ARTIFACTS,
    CHUNK_BYTES,
    DUMP,
    FORMAT,
    MANIFEST,
    SECRETS,
    VERSION,
    WORDNET,
)
from annotator.published.backup.dumping import dump_database, one_moment
from annotator.published.bundle.archive import PackedFiles
from annotator.published.versions import list_versions
from annotator.readouts.models import Readout
from annotator.refusals import Refusal
from annotator.units.managing import keeping_artifacts
from annotator.units.models import Dissection, name_artifact
from annotator.units.photographs import name_tile, read_tile
from workers import contract
from workers.store import FULL, NotStored, Store, StoreError, open_store
from workers.workplaces import open_workplace

# Questions that have photographs.
SHOWN_KINDS = (Question.Kind.EXPLAIN, Question.Kind.READ)
# What the merge joins, and drafts of crops. Nothing reads them in a dissection that is done, and drafts are removed
# then; others go on from them, also when tried again.
LEFT_OUT = ("shards/", f"{contract.CROPS_FOLDER}/")


class CannotBackUp(Refusal):
    """The file cannot be written, or something that belongs into it cannot be read."""


@dataclass(frozen=True)
class BackedUp:
    n_bytes: int
    n_artifacts: int
    # Ids of dissections whose artifact was not in the store.
    without_artifact: tuple[str, ...]


def back_up(*, path: Path, with_artifacts: bool, with_secrets: bool, now: datetime) -> BackedUp:
    """The file appears whole or not at all, and only its owner can read it. Raises CannotBackUp, CannotDump."""
    if path.exists():
        raise CannotBackUp(f"{path} exists already; name another file.")
    with _refusing(path), open_workplace(path) as scratch, keeping_artifacts():
        fresh = scratch / "backup.zip"
        fresh.touch(mode=0o600)
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            done = _fill(archive, scratch, with_artifacts=with_artifacts, with_secrets=with_secrets, now=now)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.rename(path)
    return BackedUp(path.stat().st_size, *done)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise CannotBackUp(f"An artifact cannot be read. {error}") from error
    except OSError as error:
        full = error.errno in FULL or error.errno == errno.EFBIG
        why = "no space is left" if full else error.strerror
        raise CannotBackUp(f"{path} cannot be written: {why}.") from error


def _fill(
    archive: zipfile.ZipFile, scratch: Path, *, with_artifacts: bool, with_secrets: bool, now: datetime
) -> tuple[int, tuple[str, ...]]:
    packed, dump = PackedFiles(archive), scratch / DUMP
    with one_moment() as moment:
        dissections = list(Dissection.objects.order_by("created_at", "id"))
        questions = list(Question.objects.filter(kind__in=SHOWN_KINDS).only("id").order_by("asked_at", "id"))
        readouts = list(Readout.objects.only("id").order_by("id"))
        tiles = sorted(set(HITImage.objects.exclude(tile="").values_list("tile", flat=True)))
        migrations = sorted(MigrationRecorder(connection).applied_migrations())
        dump_database(dump, moment=moment)
    packed.add(DUMP, _read(dump))
    dump.unlink()
    stored = add_artifacts(packed, scratch, dissections, with_content=with_artifacts)
    n_of_others = 0
    if with_artifacts:
        n_of_others = add_folders(packed, [*questions, *readouts]) + add_tiles(packed, tiles)
    for name, value in list_secrets().items() if with_secrets else ():
        packed.add(f"{SECRETS}/{name}", [value.encode()])
    if folder := find_own_wordnet():
        for name in FILES:
            packed.add(f"{WORDNET}/{name}", _read(folder / name))
    manifest: dict[str, Any] = {
        "format": FORMAT, "version": VERSION, "versions": list_versions(), "written_at": now.isoformat(),
        "migrations": migrations,
        "pseudonym_key_sha256": digest_key(settings.PSEUDONYM_KEY), "artifacts": stored, "files": packed.files,
    }  # fmt: skip
    archive.writestr(MANIFEST, json.dumps(manifest), zipfile.ZIP_DEFLATED)
    return sum(map(len, stored.values())) + n_of_others, tuple(name for name, files in stored.items() if not files)


def list_secrets() -> dict[str, str]:
    """What a checkout keeps in VAR/secrets, and a server gets from its environment."""
    key_id, key = settings.MARKETPLACE_CREDENTIALS["own"]
    named = {"OWN_ACCESS_KEY_ID": key_id, "OWN_SECRET_ACCESS_KEY": key}
    named |= {"SECRET_KEY": settings.SECRET_KEY, "PSEUDONYM_KEY": settings.PSEUDONYM_KEY}
    return {name: value for name, value in named.items() if value}


def digest_key(key: str) -> str:
    """Tells whether two keys are equal, and nothing else of them."""
    return hashlib.sha256(key.encode()).hexdigest()


def add_artifacts(
    packed: PackedFiles, scratch: Path, dissections: Iterable[Dissection], *, with_content: bool
) -> dict[str, list[str]]:
    """By dissection, the names of its stored files. Raises StoreError, NotStored if one is gone that must be there."""
    stored = {}
    for dissection in dissections:
        # What was measured afresh has a folder of its own; what lay in another store lies in this one after a restore.
        is_elsewhere = "://" in dissection.artifact_name
        folder = name_artifact(dissection.pk) if is_elsewhere else dissection.artifact_name
        store, is_done = open_store(dissection.artifact), dissection.state == Dissection.State.DONE
        names = [name for name in store.names() if not is_done or not name.startswith(LEFT_OUT)]
        for name in list(names) if with_content else ():
            try:
                _add_file(packed, store, name, to=f"{ARTIFACTS}/{folder}/{name}", scratch=scratch)
            except NotStored:
                if is_done:
                    raise
                names.remove(name)  # the work goes on, and replaced its own files
        stored[str(dissection.pk)] = names
    return stored


def add_folders(packed: PackedFiles, owners: Iterable[Question | Readout]) -> int:
    """How many files belong to questions about photographs and to read-outs; what is deleted meanwhile is passed over.
    Pooled units are left out: they can be computed again.
    """
    n_files = 0
    for owner in owners:
        store = open_store(owner.folder)
        for name in list(store.names()):
            with suppress(NotStored):
                packed.add(f"{ARTIFACTS}/{owner.folder_name}/{name}", [store.read(name)])
                n_files += 1
    return n_files


def add_tiles(packed: PackedFiles, tiles: Iterable[str]) -> int:
    """How many pictures of photographs that HITs show; what is gone already is passed over."""
    n_files = 0
    for tile in tiles:
        with suppress(NotStored):
            packed.add(f"{ARTIFACTS}/{name_tile(tile)}", [read_tile(tile)])
            n_files += 1
    return n_files


def _add_file(packed: PackedFiles, store: Store, name: str, *, to: str, scratch: Path) -> None:
    local = store.fetch(name, folder=scratch)
    packed.add(to, _read(local))
    if local.parent == scratch:
        local.unlink()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
