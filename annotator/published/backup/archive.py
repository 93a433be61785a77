"""The file of a backup: a ZIP of an installation with a manifest that names every other file with size and SHA-256."""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from annotator.json_texts import read_json
from annotator.published.readers.cells import BadFile

FORMAT = "unitscope-backup"
# Raised when an earlier Unitscope could not restore the file; a new field does not raise it.
VERSION = 1
MANIFEST = "backup.json"
DUMP = "database.dump"
# Folders within the file.
ARTIFACTS, SECRETS, WORDNET = "artifacts", "secrets", "wordnet"
MAX_MANIFEST_BYTES = 1 << 30
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Backup:
    """An opened backup; its files are checked as they are taken out."""

    name: str
    manifest: Mapping[str, Any]
    archive: zipfile.ZipFile

    def list_files(self, folder: str) -> list[str]:
        """Names below that folder, which they leave out."""
        return [name.partition("/")[2] for name in self.manifest["files"] if name.startswith(f"{folder}/")]

    def extract(self, name: str, target: Path) -> None:
        """Raises BadFile if the content is not what the manifest says, OSError if it cannot be written."""
        stated, digest, n_left = self.manifest["files"][name], hashlib.sha256(), self.manifest["files"][name]["bytes"]
        try:
            with self.archive.open(name) as member, target.open("wb") as file:
                while chunk := member.read(min(CHUNK_BYTES, n_left)):
                    digest.update(chunk)
                    file.write(chunk)
                    n_left -= len(chunk)
        except (KeyError, zipfile.BadZipFile, EOFError) as error:
            raise BadFile(f"{self.name} is damaged: {name} cannot be read.") from error
        if n_left or digest.hexdigest() != stated["sha256"]:
            raise BadFile(f"{self.name} is damaged: {name} is not what was written.")


@contextmanager
def open_backup(path: Path) -> Iterator[Backup]:
    """Raises BadFile if it is no backup, is cut off, or was written by a later version."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield Backup(name=path.name, manifest=_read_manifest(archive, path.name), archive=archive)
    except zipfile.BadZipFile:
        raise BadFile(f"{path.name} is no backup of Unitscope, or it is cut off.") from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise BadFile(f"{error.filename or path} cannot be read: {error.strerror}.") from None


def _lies_within(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and ".." not in parts and not name.startswith("/") and "\0" not in name and "\\" not in name


def _read_manifest(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    try:
        if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST_BYTES:
            raise BadFile(f"{name} is no backup of Unitscope: its manifest is too large.")
        manifest = read_json(archive.read(MANIFEST))
    except (KeyError, ValueError):
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BadFile(f"{name} is no backup of Unitscope.")
    if any(not _lies_within(one) for one in manifest.get("files", {})):
        raise BadFile(f"{name} is no backup of Unitscope: it names files outside its folders.")
    if manifest["version"] > VERSION:
        raise BadFile(f"{name} was written by a later Unitscope ({manifest['versions']['unitscope']}); restore there.")
    return cast(dict[str, Any], manifest)
