"""The artifact store: named bytes under a file:// or s3:// root, each written whole or not at all.

A name is a relative path with forward slashes. This module knows nothing of torch; the annotator reads through it too.
"""

import errno
import hashlib
import mmap
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import urlsplit

Data = bytes | mmap.mmap
# What the system answers when a disk or a quota is full.
FULL = (errno.ENOSPC, errno.EDQUOT)
# What S3-compatible stores answer when a disk or a quota is full.
S3_FULL = ("XMinioStorageFull", "QuotaExceeded", "InsufficientStorage", "507")

# A silent endpoint holds whoever asks for at most S3_TRIES times their sum and a pause.
S3_CONNECT_SECONDS, S3_READ_SECONDS, S3_TRIES = 3, 10, 2
S3_WRITE_SECONDS, S3_WRITE_TRIES = 60, 4


class StoreError(Exception):
    """The store cannot do what was asked; the message says what and where."""


class NotStored(StoreError):
    """Nothing is stored under that name."""


class StoreFull(StoreError):
    """No space is left; nothing was written, and the work may go on when there is."""


class Store(Protocol):
    @property
    def root(self) -> str: ...

    def read(self, name: str) -> bytes: ...
    def write(self, name: str, data: Data) -> None: ...
    def fetch(self, name: str, *, folder: Path) -> Path:
        """A local file with what is stored: the store's own, or a copy in the folder."""

    def exists(self, name: str) -> bool: ...
    def names(self, prefix: str = "") -> Iterator[str]: ...
    def remove(self, name: str) -> None:
        """No error if nothing is stored under that name."""

    def clear(self) -> None:
        """Removes all that is stored under the root; no error if that is nothing."""


def open_store(root: str) -> Store:
    """A store at `file:///folder` (or a plain folder) or `s3://bucket/prefix`."""
    parts = urlsplit(root)
    if parts.scheme == "s3" and parts.netloc:
        return S3Store(root=root.rstrip("/"))
    if parts.scheme == "file" and not parts.netloc and parts.path:
        return FileStore(root=root.rstrip("/"))
    if parts.scheme == "" and parts.path:
        return FileStore(root=f"file://{Path(root).resolve()}")
    raise StoreError(f"{root!r} is neither file:///folder nor s3://bucket/prefix.")


def _checked(name: str) -> str:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise StoreError(f"{name!r} is no name of an artifact.")
    return str(path)


@dataclass(frozen=True)
class FileStore:
    root: str

    @property
    def folder(self) -> Path:
        # Not as an address: a folder's name may hold # and ?.
        return Path(self.root.removeprefix("file://"))

    def read(self, name: str) -> bytes:
        try:
            return (self.folder / _checked(name)).read_bytes()
        except FileNotFoundError:
            raise NotStored(f"{name} is not in {self.root}.") from None
        except OSError as error:
            raise StoreError(f"{name} could not be read from {self.root}: {error.strerror}.") from error

    def fetch(self, name: str, *, folder: Path) -> Path:
        path = self.folder / _checked(name)
        if not path.is_file():
            raise NotStored(f"{name} is not in {self.root}.")
        return path

    def write(self, name: str, data: Data) -> None:
        """Temporary name, fsync, atomic rename: a reader sees the whole or nothing."""
        target = self.folder / _checked(name)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(target)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            if error.errno in FULL:
                raise StoreFull(f"No space is left for {name} in {self.root}.") from error
            raise StoreError(f"{name} could not be written to {self.root}: {error.strerror}.") from error

    def exists(self, name: str) -> bool:
        try:
            return (self.folder / _checked(name)).is_file()
        except OSError as error:
            raise StoreError(f"{name} could not be looked for in {self.root}: {error.strerror}.") from error

    def remove(self, name: str) -> None:
        try:
            (self.folder / _checked(name)).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{name} could not be removed from {self.root}: {error.strerror}.") from error

    def clear(self) -> None:
        try:
            with suppress(FileNotFoundError):
                shutil.rmtree(self.folder)
        except OSError as error:
            raise StoreError(f"{self.root} could not be removed: {error.strerror}.") from error

    def names(self, prefix: str = "") -> Iterator[str]:
        start = self.folder / _checked(prefix) if prefix else self.folder
        for path in sorted(start.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self.folder).as_posix()


def _connect(*, read_seconds: int, n_tries: int) -> Any:
    import boto3  # slow to import, and not needed where the store is a folder
    from botocore.config import Config

    retries = {"mode": "standard", "total_max_attempts": n_tries}
    config = Config(connect_timeout=S3_CONNECT_SECONDS, read_timeout=read_seconds, retries=retries)
    return boto3.client("s3", config=config)


@dataclass(frozen=True)
class StoredObject:
    """An object of an S3 store: `version` is its ETag, which another content has not."""

    name: str
    version: str
    n_bytes: int


@dataclass(frozen=True)
class S3Store:
    """Any S3-compatible store; boto3 reads its keys and AWS_ENDPOINT_URL_S3 from the environment."""

    root: str

    @property
    def bucket(self) -> str:
        return urlsplit(self.root).netloc

    def _key(self, name: str) -> str:
        prefix = urlsplit(self.root).path.strip("/")
        return f"{prefix}/{_checked(name)}" if prefix else _checked(name)

    @cached_property
    def _client(self) -> Any:
        """For reading: somebody waits."""
        return _connect(read_seconds=S3_READ_SECONDS, n_tries=S3_TRIES)

    @cached_property
    def _writer(self) -> Any:
        """A store may take long until it has put together what was sent in parts."""
        return _connect(read_seconds=S3_WRITE_SECONDS, n_tries=S3_WRITE_TRIES)

    def read(self, name: str) -> bytes:
        return self.read_version(name)[0]

    @contextmanager
    def _failing(self, name: str, what: str) -> Iterator[None]:
        """Raises what S3 answers as NotStored, StoreFull, or StoreError with the words `what`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except BotoCoreError as error:
            raise StoreError(f"{what}: {error}.") from error
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("NoSuchKey", "404"):
                raise NotStored(f"{name} is not in {self.root}.") from None
            if code in S3_FULL:
                raise StoreFull(f"No space is left for {name} in {self.root}.") from error
            raise StoreError(f"{what}: {error}.") from error

    def read_version(self, name: str) -> tuple[bytes, str]:
        """The object and its ETag, of one moment."""
        with self._failing(name, f"{name} could not be read from {self.root}"):
            answer = self._client.get_object(Bucket=self.bucket, Key=self._key(name))
            return bytes(answer["Body"].read()), str(answer["ETag"])

    def fetch(self, name: str, *, folder: Path) -> Path:
        """The copy is named by a digest: names may hold slashes."""
        target = folder / hashlib.sha256(name.encode()).hexdigest()
        with self._failing(name, f"{name} could not be read from {self.root}"):
            self._client.download_file(self.bucket, self._key(name), str(target))
        return target

    def write(self, name: str, data: Data) -> None:
        """S3 puts an object whole or not at all."""
        with self._failing(name, f"{name} could not be written to {self.root}"):
            if isinstance(data, mmap.mmap):  # in parts: one put takes at most 5 GB
                self._writer.upload_fileobj(data, self.bucket, self._key(name))
            else:
                self._writer.put_object(Bucket=self.bucket, Key=self._key(name), Body=data)

    def exists(self, name: str) -> bool:
        try:
            self.find_object(name)
        except NotStored:
            return False
        return True

    def find_object(self, name: str) -> StoredObject:
        """The object as it is now; raises NotStored, StoreError."""
        with self._failing(name, f"{self.root} does not answer"):
            found = self._client.head_object(Bucket=self.bucket, Key=self._key(name))
            return StoredObject(name=name, version=str(found["ETag"]), n_bytes=int(found["ContentLength"]))

    def remove(self, name: str) -> None:
        """S3 takes it as done if there is no such object."""
        with self._failing(name, f"{name} could not be removed from {self.root}"):
            self._writer.delete_object(Bucket=self.bucket, Key=self._key(name))

    def clear(self) -> None:
        for name in list(self.names()):
            self.remove(name)

    def names(self, prefix: str = "") -> Iterator[str]:
        return (item.name for item in self.list_objects(prefix))

    def list_objects(self, prefix: str = "") -> Iterator[StoredObject]:
        """What lies under the prefix; a name is relative to the root. Raises StoreError."""
        own = urlsplit(self.root).path.strip("/")
        start = f"{own}/{prefix}" if own else prefix
        with self._failing(prefix, f"{self.root} does not answer"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start):
                for item in page.get("Contents", []):
                    name = item["Key"][len(own) :].lstrip("/")
                    if name and not name.endswith("/"):
                        yield StoredObject(name=name, version=item["ETag"], n_bytes=item["Size"])
