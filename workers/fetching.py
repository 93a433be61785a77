"""What a GPU process reads from s3://, kept in its cache: fetched again if the store holds another version of it.

An address has a folder, and beside it a list of each file's version (ETag) and size. Addresses that were used longest
ago are removed when what is kept would exceed a limit.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from workers.store import FileStore, NotStored, S3Store, StoredObject, StoreError


def fetch_file(
    address: str, *, cache: Path, max_bytes: int, beside: Callable[[Path], Iterable[Path]] = lambda path: ()
) -> Path:
    """A local path for a file's address: the path itself, or the s3:// object as it is now. Raises StoreError.

    `beside`: the files of the same folder that belong to it; those that the store has come with it.
    """
    if urlsplit(address).scheme != "s3":
        return Path(address.removeprefix("file://"))
    folder, _, name = address.rpartition("/")
    source, kept = S3Store(root=folder), _Kept(cache, address)
    items = [source.find_object(name)]
    path = _fetch(source, items, kept, max_bytes, is_all=False) / name
    for other in sorted({one.name for one in beside(path)} - {name}):
        with suppress(NotStored):
            items.append(source.find_object(other))
    _fetch(source, items, kept, max_bytes)
    return path


def fetch_folder(address: str, *, cache: Path, max_bytes: int) -> Path:
    """A local folder for a folder's address: itself, or all objects under the s3:// prefix as they are now.

    Raises StoreError.
    """
    if urlsplit(address).scheme != "s3":
        return Path(address.removeprefix("file://"))
    source = S3Store(root=address.rstrip("/"))
    return _fetch(source, list(source.list_objects()), _Kept(cache, address), max_bytes)


def is_fetched(address: str, *, cache: Path) -> bool:
    """True for a folder of this machine, and for a prefix all of whose objects were fetched before."""
    return urlsplit(address).scheme != "s3" or _Kept(cache, address).versions_file.is_file()


def fetch_some(address: str, *, is_wanted: Callable[[str], bool], cache: Path, max_bytes: int) -> Path:
    """A folder with the wanted objects under an s3:// prefix, by their names below it. For each other object an empty
    file stands there, so that the layout can be seen. Raises StoreError.
    """
    source, kept = S3Store(root=address.rstrip("/")), _Kept(cache, f"{address}#some")
    listed = list(source.list_objects())
    wanted = [one for one in listed if is_wanted(one.name)]
    _fetch(source, wanted, kept, max_bytes, is_all=False)
    names = {one.name for one in wanted}
    for one in listed:
        path = kept.folder / one.name
        if one.name not in names and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return kept.folder


class _Kept:
    """What the cache holds of one address."""

    def __init__(self, cache: Path, address: str) -> None:
        self.cache = cache
        self.folder = cache / hashlib.sha256(address.encode()).hexdigest()
        self.versions_file = self.folder.with_suffix(".json")

    def read_versions(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(self.versions_file.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def write_versions(self, versions: dict[str, str]) -> None:
        FileStore(root=f"file://{self.cache}").write(self.versions_file.name, json.dumps(versions).encode())

    def holds(self, item: StoredObject) -> bool:
        path = self.folder / item.name
        return path.is_file() and path.stat().st_size == item.n_bytes


def _fetch(source: S3Store, items: Sequence[StoredObject], kept: _Kept, max_bytes: int, *, is_all: bool = True) -> Path:
    """Bring the address's folder up to date. `is_all`: what else is kept of it is not wanted any more."""
    _make_room(kept, sum(item.n_bytes for item in items), max_bytes)
    known = kept.read_versions()
    target = FileStore(root=f"file://{kept.folder}")
    versions: dict[str, str] = {} if is_all else dict(known)
    try:
        for item in items:
            if known.get(item.name) != item.version or not kept.holds(item):
                data, versions[item.name] = source.read_version(item.name)
                target.write(item.name, data)
            else:
                versions[item.name] = item.version
    finally:
        # What has come is not fetched again; the list's own time says when the address was last used.
        kept.write_versions(versions)
    for name in set(target.names()) - versions.keys() if is_all else ():
        (kept.folder / name).unlink(missing_ok=True)
    return kept.folder


def _make_room(kept: _Kept, n_needed: int, max_bytes: int) -> None:
    """Remove what was used longest ago, until the address fits; raises StoreError if it never can."""
    if n_needed > max_bytes:
        raise StoreError(
            f"It takes {n_needed / 1e9:,.1f} GB, and UNITSCOPE_CACHE_GB allows {max_bytes / 1e9:,.0f} GB of downloads. "
            "Raise the limit or copy it to a folder."
        )
    others = [path for path in kept.cache.glob("*") if _is_address(path) and path != kept.folder]
    sizes = {path: _measure(path) for path in others}
    for path in sorted(others, key=_find_last_use):
        if sum(sizes.values()) + n_needed <= max_bytes:
            return
        path.with_suffix(".json").unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)
        sizes.pop(path)


def _is_address(path: Path) -> bool:
    return path.is_dir() and len(path.name) == 64


def _find_last_use(folder: Path) -> float:
    listed = folder.with_suffix(".json")
    return listed.stat().st_mtime if listed.exists() else 0.0


def _measure(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(Path(here, name).lstat().st_size for here, _, files in os.walk(folder) for name in files)
