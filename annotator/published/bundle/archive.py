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

from annotator.json_texts import read_json
from annotator.published.readers.cells import BadFile
from workers.engine.plurals import say_count

FORMAT = "unitscope-bundle"
# Raised when an earlier Unitscope could not read the file; a new field does not raise it.
VERSION = 1
MANIFEST = "manifest.json"
REPORT = "report.json"
# Not content: a later version may write the report of the same rows otherwise.
NOT_CONTENT = frozenset({MANIFEST, REPORT})
MAX_MANIFEST_BYTES = 16 << 20
MAX_FILE_BYTES = 2 << 30
MAX_LINE_BYTES = 16 << 20
# Rows of a bundle are packed to a tenth or so. More than this many bytes per packed one are a bomb.
MAX_UNPACKED = 100
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
        content = _read_member(self.archive, name, most=self._size(name), file=self.name)
        self._check_digest(name, hashlib.sha256(content))
        return content

    def read_lines(self, name: str) -> Iterator[bytes]:
        """One line after the other. Raises BadFile, for a wrong digest after the last line."""
        most, n_bytes, digest = self._size(name), 0, hashlib.sha256()
        for line in _read_member_lines(self.archive, name, file=self.name):
            n_bytes += len(line)
            if n_bytes > most:
                raise BadFile(f"{self.name}: {name} is larger than the manifest says.")
            digest.update(line)
            yield line
        self._check_digest(name, digest)

    def _size(self, name: str) -> int:
        if name not in self.files:
            raise BadFile(f"{self.name} is damaged: {name} is missing.")
        return int(self.files[name]["bytes"])

    def _check_digest(self, name: str, digest: Any) -> None:
        if digest.hexdigest() != self.files[name]["sha256"]:
            raise BadFile(f"{self.name} is damaged: {name} is not what the manifest says.")


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
        bundle = Bundle(name=path.name, manifest=_read_manifest(archive, path.name), archive=archive)
        _check_sizes(bundle, n_packed=path.stat().st_size)
        yield bundle


def _check_sizes(bundle: Bundle, *, n_packed: int) -> None:
    """Before anything is unpacked; what is unpacked never exceeds what the manifest says."""
    for name, facts in bundle.files.items():
        if facts["bytes"] > MAX_FILE_BYTES:
            raise BadFile(f"{bundle.name}: {name} is larger than {MAX_FILE_BYTES >> 30} GB.")
    total = sum(facts["bytes"] for facts in bundle.files.values())
    if total > MAX_UNPACKED * n_packed:
        raise BadFile(
            f"{bundle.name} would unpack to {say_count(total, 'byte')}, more than {MAX_UNPACKED} times its size: no "
            "export is such."
        )


def _read_manifest(archive: zipfile.ZipFile, file: str) -> Mapping[str, Any]:
    if MANIFEST not in archive.namelist():
        raise BadFile(f"{file} is no bundle of Unitscope: it has no {MANIFEST}. `export` writes bundle.zip.")
    try:
        manifest = read_json(_read_member(archive, MANIFEST, most=MAX_MANIFEST_BYTES, file=file))
    except ValueError:
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
    try:
        with archive.open(name) as member:
            content = member.read(most + 1)
    except _UNREADABLE as error:
        raise BadFile(f"{file} is damaged: {name} cannot be read.") from error
    if len(content) > most:
        raise BadFile(f"{file}: {name} is larger than the manifest says.")
    return content


def _read_member_lines(archive: zipfile.ZipFile, name: str, *, file: str) -> Iterator[bytes]:
    try:
        with archive.open(name) as member:
            while line := member.readline(MAX_LINE_BYTES + 1):
                if len(line) > MAX_LINE_BYTES:
                    raise BadFile(f"{file}: {name} has a row of more than {MAX_LINE_BYTES >> 20} MB.")
                yield line
    except _UNREADABLE as error:
        raise BadFile(f"{file} is damaged: {name} cannot be read.") from error
