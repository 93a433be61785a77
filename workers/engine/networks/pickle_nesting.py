"""Find tuples in a pickle that would end or hold up the process that reads it.

A key of a mapping is hashed, which follows tuples in tuples: a chain of 100,000 of them overflows the stack, and 40 of
which each holds the one before twice take years.
"""

import pickletools
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

MAX_DEPTH = 1000
MAX_MEMBERS = 10_000_000
# How torch tells its archives from what it wrote before 1.6.
ARCHIVE_START = b"PK\x03\x04"
# What torch wrote before 1.6: magic number, version, system, content, keys of the storages.
N_OLD_PICKLES = 5


class TooNested(Exception):
    """Tuples of the file nest too deep to be read."""


# Depth and, with those of its members counted, number of members.
_Nested = tuple[int, int]
_PLAIN: _Nested = (0, 1)
_N_MEMBERS = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_N_TAKEN = {"APPEND": 1, "SETITEM": 2, "BUILD": 1}


def demand_flat(path: Path) -> None:
    """Raises TooNested; what is wrong in any other way is left to the reader."""
    for file in _open_pickles(path):
        with suppress(ValueError, IndexError, KeyError):
            _follow(file)


def _open_pickles(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        if file.read(len(ARCHIVE_START)) == ARCHIVE_START:
            with zipfile.ZipFile(file) as archive:
                for entry in archive.infolist():
                    if entry.filename.endswith("data.pkl"):
                        with archive.open(entry) as inner:
                            yield inner
            return
        file.seek(0)
        for _ in range(N_OLD_PICKLES):
            yield file


def _follow(file: IO[bytes]) -> None:
    """Raises TooNested, and ValueError, IndexError or KeyError for what is no pickle."""
    stack: list[_Nested] = []
    marks: list[list[_Nested]] = []
    memo: dict[object, _Nested] = {}
    for code, argument, _ in pickletools.genops(file):
        name = code.name
        if name == "MARK":
            marks.append(stack)
            stack = []
        elif name in ("TUPLE", "APPENDS", "SETITEMS"):
            members, stack = stack, marks.pop()
            if name == "TUPLE":
                stack.append(_join(members))
        elif name in _N_MEMBERS:
            members = [stack.pop() for _ in range(_N_MEMBERS[name])]
            stack.append(_join(members))
        elif name in ("REDUCE", "NEWOBJ"):
            # What is called may give a tuple of what it is given.
            given = stack.pop()
            stack[-1] = given
        elif name in _N_TAKEN:
            del stack[-_N_TAKEN[name] :]
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "BINPERSID":
            stack[-1] = _PLAIN
        elif name not in ("PROTO", "STOP"):
            stack.append(_PLAIN)


def _join(members: list[_Nested]) -> _Nested:
    """Raises TooNested."""
    depth = 1 + max((one[0] for one in members), default=0)
    n_members = 1 + sum(one[1] for one in members)
    if depth > MAX_DEPTH or n_members > MAX_MEMBERS:
        raise TooNested("tuples of the file nest too deep.")
    return depth, n_members
