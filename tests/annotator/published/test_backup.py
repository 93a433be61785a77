"""A backup of a filled installation restored into an empty one: every page, file and report is the same."""

import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone
from pytest_django import Settings

from annotator.evidence.models import Question
from annotator.labels.models import UnitLabel
from annotator.published.backup import backing_up
from annotator.published.backup.archive import open_backup
from annotator.published.backup.backing_up import add_artifacts, add_folders
from annotator.published.backup.dumping import dump_database, one_moment
from annotator.published.bundle.archive import PackedFiles
from annotator.published.readers.cells import BadFile
from annotator.units.managing import CannotChange, delete_dissection
from annotator.units.models import Dissection
from tests.annotator.crowd.making import make_dissection
from tests.annotator.dashboard.addresses import PAGES, PARTS, WORK_PAGES, Shown
from tests.databases import connected_to, execute
from tests.test_legacy import DATABASE, ROOT, SHOWN, legacy, read, run_command
from workers.store import open_store

__all__ = ["legacy"]

EMPTY = f"restored_{os.getpid()}"
# A page's own token for forms differs at each request.
TOKEN = re.compile(rb'(csrfmiddlewaretoken" value="|X-CSRFToken": ")[^"]+')
REPORT = "report.json"


@dataclass(frozen=True)
class Installation:
    """What the processes of an installation are told; `say` runs one of its commands."""

    folder: Path
    database: str

    @property
    def environment(self) -> dict[str, str]:
        address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{self.database}").geturl()
        own = {"DATABASE_URL": address, "UNITSCOPE_VAR": str(self.folder), "ARTIFACT_ROOT": self.artifacts}
        return {**os.environ, **own}

    @property
    def artifacts(self) -> str:
        return f"file://{self.folder}/artifacts"

    def say(self, *words: str, status: int = 0, **variables: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment | variables,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout if status == 0 else done.stderr


@contextmanager
def empty_installation(folder: Path) -> Iterator[Installation]:
    """Its database has no tables yet."""
    server = os.environ["DATABASE_URL"]
    execute(server, f"CREATE DATABASE {EMPTY}")
    try:
        yield Installation(folder, EMPTY)
    finally:
        execute(server, f"DROP DATABASE {EMPTY} WITH (FORCE)")


def read_everything(client: Client) -> dict[str, bytes]:
    """Every page and file by its address."""
    shown = Shown(label=UnitLabel.objects.earliest("pk"), dissection=Dissection.objects.get(), **SHOWN)
    addresses = [a for some in (PAGES | PARTS | WORK_PAGES).values() for a in shown.fill_in(some)]
    addresses += [f"/campaigns/demo/{name}" for name in ("report.csv", "figures/precision-by-layer.csv", REPORT)]
    unit = shown.dissection.dissected_units.get(unit__layer__path="_blocks.15", unit__index=2)
    addresses += [f"/crops/{shown.dissection.pk}/{unit.strip}{ending}" for ending in (".jpg", ".svg")]
    return {address: TOKEN.sub(rb"\1", read(client, address)) for address in addresses}


@pytest.fixture(scope="module")
def original(legacy: Client, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The installation of then, with a data folder of its own."""
    folder = tmp_path_factory.mktemp("original")
    root = Dissection.objects.get().artifact.removeprefix("file://").partition("/dissections/")[0]
    (folder / "artifacts").symlink_to(root)
    return Installation(folder, DATABASE)


@pytest.fixture(scope="module")
def file(original: Installation) -> Path:
    written = original.folder / "backup.zip"
    assert "with secrets" in original.say("backup", str(written))
    return written


def test_every_page_and_report_is_the_same_after_a_restore(
    legacy: Client, original: Installation, file: Path, tmp_path: Path, valkey: redis.Redis
) -> None:
    valkey.flushdb()  # pages show the last signs of life of other tests' GPU processes
    before = read_everything(legacy)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with empty_installation(tmp_path / "restored") as restored:
        assert "entries of the audit log are unchanged" in restored.say("restore", str(file))
        keys = [(one.folder / "secrets" / "PSEUDONYM_KEY").read_text() for one in (original, restored)]
        assert keys[0] == keys[1]
        valkey.flushdb()
        with connected_to(EMPTY), override_settings(ARTIFACT_ROOT=restored.artifacts):
            assert Dissection.objects.get().artifact.startswith(restored.artifacts)
            after = read_everything(legacy)
            report = run_command("report", "demo", format="json")
    assert [address for address in before if before[address] != after[address]] == []
    assert json.loads(report) == json.loads(before[f"/campaigns/demo/{REPORT}"])


@pytest.mark.django_db
def test_photographs_that_people_tried_are_in_the_file_where_they_lie(tmp_path: Path, settings: Settings) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'artifacts'}"
    kept, gone = (Question.objects.create(kind="explain", asked_at=timezone.now()) for _ in range(2))
    open_store(kept.folder).write("photograph.png", b"a picture")
    with zipfile.ZipFile(tmp_path / "file.zip", "w") as archive:
        assert add_folders(PackedFiles(archive), [kept, gone]) == 1
        (name,) = archive.namelist()
    assert name.removeprefix("artifacts/") == kept.folder.removeprefix(f"{settings.ARTIFACT_ROOT}/") + "/photograph.png"


@pytest.mark.django_db
def test_what_was_measured_afresh_and_what_can_be_tried_again_is_in_the_file(
    tmp_path: Path, settings: Settings
) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}/artifacts"
    names = {}
    for state, folder in (("done", "dissections/{}.2"), ("canceled", "dissections/{}"), ("failed", "dissections/{}.3")):
        one = make_dissection(tmp_path, name=state)
        one.state, one.artifact_name = state, folder.format(one.pk)
        one.save()
        names[state] = f"artifacts/{one.artifact_name}"
        for name in ("shards/tally-00001.npz", "results/00001.json"):
            open_store(one.artifact).write(name, b"{}")
    with zipfile.ZipFile(tmp_path / "backup.zip", "w") as archive:
        add_artifacts(PackedFiles(archive), tmp_path, Dissection.objects.all(), with_content=True)
        assert set(archive.namelist()) == {
            *(f"{folder}/results/00001.json" for folder in names.values()),
            *(f"{names[state]}/shards/tally-00001.npz" for state in ("canceled", "failed")),
        }


@pytest.mark.django_db(transaction=True)
def test_what_is_begun_or_deleted_while_a_backup_is_written_does_not_part_rows_from_files(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARTIFACT_ROOT = f"file://{tmp_path}/artifacts"
    first = make_dissection(tmp_path, name="first")
    said: list[str] = []

    def interfere() -> None:
        try:
            delete_dissection(first)
        except CannotChange as refusal:
            said.append(str(refusal))
        finally:
            make_dissection(tmp_path, name="second")
            connection.close()

    def dump_then_interfere(target: Path, *, moment: str) -> None:
        dump_database(target, moment=moment)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(interfere).result(timeout=60)

    monkeypatch.setattr(backing_up, "dump_database", dump_then_interfere)
    done = backing_up.back_up(path=tmp_path / "b.zip", with_artifacts=True, with_secrets=False, now=timezone.now())
    assert said == ["A backup is being written, and needs the files: try again when it is done."]
    with open_backup(tmp_path / "b.zip") as backup:
        assert set(backup.manifest["artifacts"]) == {str(first.pk)}
        assert len(backup.list_files("artifacts")) == done.n_artifacts == len(list(open_store(first.artifact).names()))
    delete_dissection(first)


def rewrite(file: Path, folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    changed = folder / f"changed-{name}.zip"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w") as new:
        for one in old.namelist():
            new.writestr(one, content if one == name else old.read(one))
    return changed


def test_what_cannot_be_restored_is_refused_before_anything_changes(
    original: Installation, file: Path, tmp_path: Path
) -> None:
    foreign, cut = tmp_path / "foreign.zip", tmp_path / "cut.zip"
    foreign.write_bytes(b"PK no")
    cut.write_bytes(file.read_bytes()[:-100])
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("backup.json"))
    manifest["migrations"].append(["units", "9999_later"])
    later = rewrite(file, tmp_path, "backup.json", json.dumps(manifest).encode())
    manifest["files"]["secrets/../../x"] = {"bytes": 0, "sha256": ""}
    outside = rewrite(file, tmp_path / "two", "backup.json", json.dumps(manifest).encode())
    refused = {
        outside: "names files outside its folders",
        tmp_path / "no.zip": "cannot be read",
        tmp_path: "cannot be read",
        foreign: "no backup",
        cut: "no backup",
    }
    for path, said in (refused | {later: "later Unitscope"}).items():
        with pytest.raises(CommandError, match=said):
            call_command("restore", path)
    # In a process of its own: this one may have been told to make tables without migrations, and would know none.
    assert "holds data already" in original.say("restore", str(file), status=2)
    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", file)


def test_damage_is_noticed_before_a_file_is_used(file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        dump = archive.read("database.dump")
    damaged = rewrite(file, tmp_path, "database.dump", dump[:-1] + bytes([dump[-1] ^ 1]))
    with open_backup(damaged) as backup, pytest.raises(BadFile, match="damaged"):
        backup.extract("database.dump", tmp_path / "dump")


def test_a_backup_without_secrets_needs_the_key(original: Installation, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    original.say("backup", str(file), "--without-secrets", "--without-artifacts")
    key = (original.folder / "secrets" / "PSEUDONYM_KEY").read_text()
    with zipfile.ZipFile(file) as archive:
        assert set(archive.namelist()) == {"database.dump", "backup.json"}
    with empty_installation(tmp_path / "restored") as restored:
        assert "PSEUDONYM_KEY" in restored.say("restore", str(file), status=2)
        assert "has no artifact in this store" in restored.say("restore", str(file), PSEUDONYM_KEY=key)


def test_a_full_disk_is_said_and_leaves_no_half_written_file(
    original: Installation, file: Path, tmp_path: Path
) -> None:
    """A limit on the size of files stands for the full disk."""
    limit = file.stat().st_size - 100_000
    command = f"ulimit -f {limit // 1024} && exec {sys.executable} manage.py backup {tmp_path}/full.zip"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=original.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no space is left" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_no_secret_of_the_database_stands_in_a_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody on the machine reads command lines."""
    run, seen = subprocess.run, []

    def note(command: list[str], **options: Any) -> Any:
        seen.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", note)
    options = connection.settings_dict["OPTIONS"] | {"sslpassword": "of = the key", "connect_timeout": "7"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    with one_moment() as moment:
        dump_database(tmp_path / "dump", moment=moment)
    assert (tmp_path / "dump").read_bytes().startswith(b"PGDMP")
    (words,) = seen
    assert words[1] == "--dbname=service=unitscope"
    assert not [word for word in words if "the key" in word]
