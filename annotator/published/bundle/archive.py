"""The file of a bundle: a ZIP with a manifest that names every other file with its size and SHA-256.

The same content gives the same files: the manifest alone says when it was written.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.published.readers.cells import BadFile

FORMAT = "unitscope-bundle"
# Raised when an earlier Unitscope could not read the file; a new field does not raise it.
VERSION = 1
MANIFEST = "manifest.json"
REPORT = "report.json"
# Not content: a later version may write the report of the same rows otherwise.
NOT_CONTENT = frozenset({MANIFEST, REPORT})
MAX_MANIFEST_BYTES = 16 << 20
MAX_FILE_BYTES = 2 << 30
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
# What the standard library raises for a damaged archive.
_UNREADABLE = (
    KeyError, RuntimeError, NotImplementedError, EOFError, OSError, ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class NewerBundle(BadFile):
    """The bundle was written by a later Unitscope than this one."""


class PackedFiles:
    """What has been written into an archive so far."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, chunks: Iterable[bytes], **facts: Any) -> None:
        info = zipfile.ZipInfo(name, date_time=_FIXED_TIME)
        info.compress_type = zipfile.ZIP_DEFLATED if name.endswith((".json", ".jsonl")) else zipfile.ZIP_STORED
        digest, n_bytes = hashlib.sha256(), 0
        with self._archive.open(info, "w", force_zip64=True) as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                n_bytes += len(chunk)
        self.files[name] = {"sha256": digest.hexdigest(), "bytes": n_bytes, **facts}


def digest_content(files: Mapping[str, Mapping[str, Any]]) -> str:
    """Of the names and digests of a bundle's files, without those that hold no content."""
    kept = {name: facts["sha256"] for name, facts in files.items() if name not in NOT_CONTENT}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Bundle:
    """An opened bundle whose manifest was checked; its files are checked as they are read."""

    name: str
    manifest: Mapping[str, Any]
    archive: zipfile.ZipFile

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        files: Mapping[str, Mapping[str, Any]] = self.manifest["files"]
        return files

    @property
    def content_sha256(self) -> str:
        return digest_content(self.files)

    def read(self, name: str) -> bytes:
        """Raises BadFile."""
        if name not in self.files:
            raise BadFile(f"{self.name} is damaged: {name} is missing.")
        content = _read_member(self.archive, name, most=int(self.files[name]["bytes"]), file=self.name)
        if hashlib.sha256(content).hexdigest() != self.files[name]["sha256"]:
            raise BadFile(f"{self.name} is damaged: {name} is not what the manifest says.")
        return content


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Raises BadFile, NewerBundle."""
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise BadFile(f"{path.name} is no bundle of Unitscope, or it is cut short: it is not a ZIP file.") from None
    with archive:
        yield Bundle(name=path.name, manifest=_read_manifest(archive, path.name), archive=archive)


def _read_manifest(archive: zipfile.ZipFile, file: str) -> Mapping[str, Any]:
    if MANIFEST not in archive.namelist():
        raise BadFile(f"{file} is no bundle of Unitscope: it has no {MANIFEST}. `export` writes bundle.zip.")
    try:
        manifest = json.loads(_read_member(archive, MANIFEST, most=MAX_MANIFEST_BYTES, file=file))
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BadFile(f"{file} is no bundle of Unitscope: its {MANIFEST} says something else.")
    version = manifest.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise NewerBundle(
            f"{file} was written by a newer Unitscope (bundle version {version}, {VERSION} is read here): upgrade."
        )
    if not _is_list_of_files(manifest.get("files")) or not isinstance(manifest.get("campaign"), str):
        raise BadFile(f"{file} is damaged: its {MANIFEST} does not list the files.")
    return manifest


def _is_list_of_files(files: Any) -> bool:
    return isinstance(files, dict) and all(
        isinstance(facts, dict) and _is_size(facts.get("bytes")) and isinstance(facts.get("sha256"), str)
        for facts in files.values()
    )


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _read_member(archive: zipfile.ZipFile, name: str, *, most: int, file: str) -> bytes:
    """Never more than `most` bytes, whatever a few compressed ones would unpack to."""
    if most > MAX_FILE_BYTES:
        raise BadFile(f"{file}: {name} is larger than {MAX_FILE_BYTES >> 30} GB.")
    try:
        with archive.open(name) as member:
            content = member.read(most + 1)
    except _UNREADABLE as error:
        raise BadFile(f"{file} is damaged: {name} cannot be read.") from error
    if len(content) > most:
        raise BadFile(f"{file}: {name} is larger than the manifest says.")
    return content
