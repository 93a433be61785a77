"""Finds the photographs that a file of labels names among the images of a folder."""

import os
import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workers.engine.images.label_table import ImageSetError
from workers.engine.images.passed_over import find_hidden, find_path_fault
from workers.engine.plurals import say_count

# How a name fits a photograph: it is its path below the folder; its path ends so; the path of the folder and it end so;
# the name ends with its path, whatever stands before.
OWN, ENDING, CONFIRMED, LONGER = range(4)


@dataclass(frozen=True)
class Photographs:
    """The images below `root` by their paths from there; hidden ones are there for who names their whole path."""

    root: Path
    paths: tuple[str, ...]

    def find(self, names: Iterable[str]) -> dict[str, str]:
        """The path of each name's image; names that fit none are left out.

        A photograph that a name fits as its own is no other name's. Names with more folders than the photograph has are
        taken if the path of `root` ends like them; if it does for none of them, and each fits another photograph, then
        all are. Raises ImageSetError if several images fit a name.
        """
        fits = {name: fit for name in dict.fromkeys(names) if (fit := self._fit(name)) is not None}
        taken = {path for kind, path in fits.values() if kind == OWN}
        fits = {name: (kind, path) for name, (kind, path) in fits.items() if kind == OWN or path not in taken}
        if not self._is_sure(fits):
            fits = {name: (kind, path) for name, (kind, path) in fits.items() if kind != LONGER}
        return {name: path for name, (_, path) in fits.items()}

    def _is_sure(self, fits: Mapping[str, tuple[int, str]]) -> bool:
        """True if names that are longer than the paths of their images may be trusted."""
        longer = [path for kind, path in fits.values() if kind == LONGER]
        if not longer or any(kind == CONFIRMED for kind, _ in fits.values()):
            return not longer
        named = defaultdict[str, set[str]](set)
        for name, (_, path) in fits.items():
            named[path].add(_normalize(name))
        return all(len(named[path]) == 1 for path in longer)

    def place(self, names: Iterable[str]) -> dict[str, str]:
        """The same; a photograph that is not there keeps the name it is given, without `/` or `../` before it, and is
        quarantined when it is read. Names that no image can have are left out.
        """
        listed = tuple(dict.fromkeys(names))
        found = self.find(listed)
        kept = {name: _normalize(name) for name in listed if name not in found}
        return found | {name: path for name, path in kept.items() if is_inside(path)}

    def has(self, path: str) -> bool:
        return path in self._all or (bool(find_hidden(path)) and is_inside(path) and (self.root / path).is_file())

    def _fit(self, name: str) -> tuple[int, str] | None:
        own = next((path for path in (name, _slashed(name)) if self.has(path)), None)
        if own is not None:
            return OWN, own
        wanted = _normalize(name)
        last = posixpath.basename(wanted)
        # Names of photographs may be given without their ending; two photographs may then have one name.
        alike = {path: [path] for path in self._by_name.get(last, [])}
        if not alike:
            for path in self._by_stem.get(last, []):
                alike.setdefault(posixpath.splitext(path)[0], []).append(path)
            if _slashed(name) in alike:
                return OWN, _choose_one(name, alike[_slashed(name)])
        if not alike:
            # Tables of other systems: capitals do not count there, and accents are composed in another way.
            wanted = _fold(wanted)
            for path in self._by_folded.get(posixpath.basename(wanted), []):
                alike.setdefault(_fold(path), []).append(path)
        ending = [path for shown, paths in alike.items() if f"/{shown}".endswith(f"/{wanted}") for path in paths]
        if ending:
            return ENDING, _choose_one(name, ending)
        longer = max((shown for shown in alike if wanted.endswith(f"/{shown}")), key=len, default=None)
        if longer is None:
            return None
        is_confirmed = any(f"{folder}/{longer}".endswith(f"/{wanted}") for folder in self._folders)
        return CONFIRMED if is_confirmed else LONGER, _choose_one(name, alike[longer])

    @cached_property
    def _folders(self) -> tuple[str, ...]:
        return os.path.abspath(self.root), os.path.realpath(self.root)

    @cached_property
    def _all(self) -> frozenset[str]:
        return frozenset(self.paths)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        named = defaultdict[str, list[str]](list)
        for path in self.paths:
            named[posixpath.basename(path)].append(path)
        return dict(named)

    @cached_property
    def _by_folded(self) -> dict[str, list[str]]:
        named = defaultdict[str, list[str]](list)
        for path in self.paths:
            named[_fold(posixpath.basename(path))].append(path)
        return dict(named)

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        named = defaultdict[str, list[str]](list)
        for path in self.paths:
            named[posixpath.splitext(posixpath.basename(path))[0]].append(path)
        return dict(named)


def _choose_one(name: str, fitting: Sequence[str]) -> str:
    """Raises ImageSetError if there are several."""
    if len(fitting) > 1:
        raise ImageSetError(
            f"{name} may be {fitting[0]} or {fitting[1]}: give --images the folder of one of them, or the path in full."
        )
    return fitting[0]


def is_inside(path: str) -> bool:
    """True if a file of this path can lie below a folder and be one of a set."""
    is_below = path and not path.startswith("/") and ".." not in path.split("/") and "\0" not in path
    return bool(is_below) and not find_path_fault(path)


def _slashed(name: str) -> str:
    """Folders of any system between slashes, none before the first."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    return "/".join(parts)


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _normalize(name: str) -> str:
    """A path without what leads out of a folder before it: `/a/1.jpg` and `../a/1.jpg` are `a/1.jpg`."""
    path = _slashed(name)
    while path == ".." or path.startswith("../"):
        path = path[3:]
    return path


def demand_found(paths: Iterable[str], photographs: Photographs, *, file: str) -> None:
    """Raises ImageSetError if a file of labels names no photograph that is there."""
    named = sorted(paths)
    if not any(map(photographs.has, named)):
        first = f", the first of them {named[0]}" if named else ""
        raise ImageSetError(
            f"None of {say_count(len(named), 'photograph')} that {file} names{first}, lies in "
            f"{photographs.root.name}: give --images the folder that holds them."
        )


def list_passed(
    passed: Iterable[tuple[str, str]], photographs: Photographs, named: Iterable[str], *, file: str
) -> list[tuple[str, str]]:
    """Reason and path of the files that a file of labels does not name: those passed over before, and photographs."""
    known = set(named)
    unnamed = ((f"not named by {file}", path) for path in photographs.paths)
    return [(reason, path) for reason, path in (*passed, *unnamed) if path not in known]
