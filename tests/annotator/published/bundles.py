"""Bundles that a test takes in, and how it changes one."""

import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from annotator.published.bundle.archive import MANIFEST
from annotator.published.bundle.tables import TABLES
from annotator.published.bundle.unpacking import Unpacked, import_bundle
from tests.annotator.published.study import NOW, Study


def take_in(study: Study, **options: Any) -> Unpacked:
    return import_bundle(path=study.bundle, now=NOW, **options)


def count_rows() -> dict[str, int]:
    return {table.name: table.model._default_manager.count() for table in TABLES}


def rewrite(path: Path, change: Callable[[dict[str, bytes]], None], *, is_resigned: bool = True) -> Path:
    """The bundle with other files; their digests stand in the manifest, as whoever forges one would write them. A
    manifest that is no JSON is written as it is.
    """
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with suppress(ValueError, RecursionError):
        manifest = json.loads(files[MANIFEST])
        for name in manifest["files"]:
            if is_resigned and name in files:
                manifest["files"][name] |= {"sha256": sha256(files[name]).hexdigest(), "bytes": len(files[name])}
        files[MANIFEST] = json.dumps(manifest).encode()
    changed = path.with_name("changed.zip")
    with zipfile.ZipFile(changed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return changed


def change_rows(file: str, **values: Any) -> Callable[[dict[str, bytes]], None]:
    """Writes these values into the first row of a file."""

    def change(files: dict[str, bytes]) -> None:
        first, *rest = files[file].splitlines()
        files[file] = b"\n".join([json.dumps(json.loads(first) | values).encode(), *rest])

    return change
