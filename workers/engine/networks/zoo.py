"""The networks of the papers and the talk: a table (zoo.toml), and their weights fetched, verified, resumed and
kept. No torch: the annotator's command lists and fetches too.

A digest that its publisher states is checked; where none is stated, the one of the first download is kept
beside the file, later downloads are held against it, and it is shown as unverified.
"""

import errno
import hashlib
import re
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from workers.engine.plurals import say_count

TABLE = Path(__file__).with_name("zoo.toml")
# What stands before a name of the table where an architecture is asked for.
ZOO = "zoo:"
Progress = Callable[[int, int | None], None]
PIECE_BYTES = 1 << 20
TIMEOUT_SECONDS = 30


class ZooError(Exception):
    """A network of the table cannot be had; the message says why."""


@dataclass(frozen=True)
class ZooRow:
    """A network of the table. `sha256_starts` is empty where the publisher states no digest."""

    name: str
    trained_on: str
    layers: tuple[str, ...]
    architecture: str = ""
    address: str = ""
    sha256_starts: str = ""
    input: str = "imagenet"
    form: str = "torch"
    keep: str = ""
    note: str = ""


@dataclass(frozen=True)
class Fetched:
    """Weights on disk; `is_verified` only if they match what their publisher states."""

    path: Path
    sha256: str
    is_verified: bool


def read_zoo() -> dict[str, ZooRow]:
    """The table by name, each row with what its group and its architecture state."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {
        name: _read_row(name, {**group, **own}, table["layers"])
        for group in table["groups"]
        for name, own in group["networks"].items()
    }


def _read_row(name: str, row: dict[str, Any], layers: dict[str, list[str]]) -> ZooRow:
    filled = {"file": row.pop("file", ""), "task": name.removeprefix("alexnet-")}
    del row["networks"]
    shown = row.pop("layers", None) or layers[row["architecture"].partition("?")[0]]
    stated = re.search(r"-([0-9a-f]{8,})\.pth?$", filled["file"])
    texts = {key: value.format(**filled) for key, value in row.items()}
    return ZooRow(name=name, layers=tuple(shown), sha256_starts=stated[1] if stated else "", **texts)


def find_row(name: str) -> ZooRow:
    """Raises ZooError with the names that there are."""
    table = read_zoo()
    if name not in table:
        raise ZooError(f"There is no network {name!r} in the table; it has {', '.join(table)}.")
    return table[name]


def find_weights(*, row: ZooRow, folder: Path) -> Path:
    """Where the row's weights lie once they are fetched."""
    return folder / f"{row.name}{Path(urlsplit(row.address).path).suffix}"


def fetch_weights(*, row: ZooRow, folder: Path, progress: Progress = lambda n_done, n_total: None) -> Fetched:
    """The row's weights under the folder, downloaded if need be; `progress` gets bytes so far and bytes in all, if
    stated.

    A download that breaks off is taken up where it ended. Raises ZooError; a file that does not verify is
    removed.
    """
    if row.form == "caffe":
        raise ZooError(
            f"The weights of {row.name} exist only in Caffe's form, which is not read; convert them to PyTorch "
            f"and load the file. {row.note}".rstrip()
        )
    target = find_weights(row=row, folder=folder)
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        _download(row=row, part=part, progress=progress)
        _verify(row, part, target)
        part.replace(target)
    return _verify(row, target, target)


def _verify(row: ZooRow, held: Path, target: Path) -> Fetched:
    """Hold a file against the publisher's digest, or against that of the first download, which is then recorded."""
    with held.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    record = target.with_name(target.name + ".sha256")
    expected = row.sha256_starts or (record.read_text().strip() if record.exists() else digest)
    if not digest.startswith(expected):
        held.unlink()
        source = "their publisher states" if row.sha256_starts else "the first download had"
        raise ZooError(
            f"The weights of {row.name} have digest {digest[:12]}; {source} {expected[:12]}. They were removed."
        )
    record.write_text(digest + "\n")
    return Fetched(path=target, sha256=digest, is_verified=bool(row.sha256_starts))


def _download(*, row: ZooRow, part: Path, progress: Progress) -> None:
    if urlsplit(row.address).scheme not in ("http", "https"):
        raise ZooError(f"The address of {row.name} is neither http nor https.")
    n_held = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(row.address, headers={"Range": f"bytes={n_held}-"} if n_held else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            resumes = answer.status == 206
            with part.open("ab" if resumes else "wb") as file:
                n_done = n_held if resumes else 0
                length = answer.headers.get("Content-Length")
                total = n_done + int(length) if length else None
                n_done = _copy(answer, file, n_done, total, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416 and n_held:
            return  # everything is here already; the digest will tell
        raise ZooError(f"The server of {row.name} answered {error.code} {error.reason}.") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ZooError(
                f"No space is left for the weights of {row.name}. Make room and try again: what has come is kept."
            ) from None
        raise ZooError(
            f"The weights of {row.name} cannot be fetched: {error}. Try again: what has come is kept."
        ) from None
    if total is not None and n_done < total:
        raise ZooError(
            f"The download of {row.name} broke off at {n_done} of {say_count(total, 'byte')}; try again to go on."
        )


def _copy(answer: BinaryIO, file: BinaryIO, n_done: int, total: int | None, progress: Progress) -> int:
    while piece := answer.read(PIECE_BYTES):
        file.write(piece)
        n_done += len(piece)
        progress(n_done, total)
    return n_done
