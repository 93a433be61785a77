"""Which files below a folder are named like images. Links to folders are followed, each folder once."""

import errno
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from stat import S_ISREG

from workers.engine.images.label_table import ImageSetError
from workers.engine.images.passed_over import find_fault, sum_up

SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".jfif", ".jpe", ".avif",
)  # fmt: skip


def list_images(root: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """Sorted paths of all files below root that are named like images, and reason and path of each other file; raises
    ImageSetError if there is no image.
    """
    paths: list[str] = []
    passed: list[tuple[str, str]] = []
    for path, fault in _walk(root):
        fault = fault or find_fault(path) or _find_ending_fault(path) or find_kind_fault(root / path)
        if fault:
            passed.append((fault, path))
        else:
            paths.append(path)
    if not paths:
        others = "".join(f"; {one.words()}" for one in sum_up(passed))
        raise ImageSetError(f"{root.name} holds no images (files named {', '.join(SUFFIXES)}){others}.")
    return sorted(paths), passed


def _find_ending_fault(path: str) -> str:
    if path.lower().endswith(SUFFIXES):
        return ""
    ending = PurePosixPath(path).suffix.lower()
    return f"ending {ending}, which is not read" if ending else "no ending"


def find_kind_fault(file: Path) -> str:
    """Whoever reads a pipe may wait for ever. A link that leads nowhere is a photograph that is missing."""
    try:
        return "" if S_ISREG(file.stat().st_mode) else "pipe, socket or device"
    except OSError as error:
        return "link that leads to itself" if error.errno == errno.ELOOP else ""


def list_folders(root: Path) -> list[Path]:
    """The folders in root, links to folders included; a link that leads to itself is none."""
    found: list[Path] = []
    with os.scandir(root) as entries:
        for entry in entries:
            with suppress(OSError):
                found += [Path(entry.path)] if entry.is_dir() else []
    return sorted(found)


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    """Each file below root by its path from there; what is not followed or cannot be opened, with the reason.

    Folders that lie in root come first, so that links among them change no path; then links, the nearest first.
    """
    seen: set[tuple[int, int]] = {_identity(root)}
    links: deque[Path] = deque()
    yield from _walk_folder(root, root, seen, links)
    while links:
        link = links.popleft()
        shown = link.relative_to(root).as_posix()
        if _identity(link) in seen:
            yield shown, "link to a folder that is read already"
        elif root.resolve().is_relative_to(link.resolve()):
            yield shown, "link to a folder above"
        else:
            seen.add(_identity(link))
            yield from _walk_folder(link, root, seen, links)


def _walk_folder(start: Path, root: Path, seen: set[tuple[int, int]], links: deque[Path]) -> Iterator[tuple[str, str]]:
    """What lies in a folder and below; links to folders are left for later, folders read already are left out."""
    closed: list[OSError] = []
    for folder, subfolders, files in os.walk(start, onerror=closed.append):
        here = Path(folder)
        subfolders.sort()
        links.extend(here / name for name in subfolders if (here / name).is_symlink())
        fresh = [name for name in subfolders if not (here / name).is_symlink() and _identity(here / name) not in seen]
        seen.update(_identity(here / name) for name in fresh)
        subfolders[:] = fresh
        for name in sorted(files):
            yield (here / name).relative_to(root).as_posix(), ""
    for error in closed:
        yield Path(error.filename).relative_to(root).as_posix(), "folder that cannot be opened"


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino
