"""Keep large arrays in unnamed temporary files instead of memory; the system reads their pages back as needed."""

import mmap
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)
# Smaller arrays are not worth a file.
MIN_BYTES = 1 << 16
# Bytes of kept cells that are taken into memory at a time, if they lie in files.
AT_ONCE_BYTES = 1 << 30


@dataclass(frozen=True)
class Spill:
    """Where kept arrays go: files in `folder`, or memory if there is none. A file ends with its array.

    `at_once`: bytes of spilled cells that may be in memory at the same time.
    """

    folder: Path | None = None
    at_once: int = AT_ONCE_BYTES

    def empty(self, shape: int | tuple[int, ...], kind: type[Number]) -> NDArray[Number]:
        """An array of the shape, to be filled."""
        n_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
        if self.folder is None or n_bytes < MIN_BYTES:
            return np.empty(shape, dtype=kind)
        with tempfile.TemporaryFile(dir=self.folder) as file:
            # Taken at once: a page that finds no space later would end the process without a word.
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            return np.memmap(file, dtype=kind, mode="r+", shape=shape)

    def keep(self, array: NDArray[Number]) -> NDArray[Number]:
        """The (n,) array's values, out of memory."""
        if self.folder is None:
            return array
        return self.joined([array], array.dtype.type)

    def joined(self, parts: Sequence[NDArray[Number]], kind: type[Number]) -> NDArray[Number]:
        """(n,) the parts one after the other."""
        growing = Growing(self, kind)
        for part in parts:
            growing.add(part)
            let_go(part)
        return growing.finish()

    def within(self, n_bytes: int) -> bool:
        """True if that many bytes of spilled cells may be in memory at the same time."""
        return self.folder is None or n_bytes <= self.at_once


class Growing(Generic[Number]):
    """A (n,) array whose length is not known before its last part has come."""

    def __init__(self, spill: Spill, kind: type[Number]) -> None:
        self._spill, self._kind = spill, kind
        self._waiting: list[NDArray[Number]] = []
        self._n_waiting, self._n_written = 0, 0
        self._file: IO[bytes] | None = None

    def add(self, part: NDArray[Any]) -> None:
        self._waiting.append(np.asarray(part, dtype=self._kind))
        self._n_waiting += self._waiting[-1].nbytes
        if self._spill.folder is not None and self._n_waiting >= MIN_BYTES:
            self._write()

    def finish(self) -> NDArray[Number]:
        """The whole array; nothing can be added afterwards."""
        if self._file is None:
            return np.concatenate([np.zeros(0, dtype=self._kind), *self._waiting])
        self._write()
        with self._file as file:
            file.flush()
            return np.memmap(file, dtype=self._kind, mode="r+", shape=(self._n_written,))

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._spill.folder)  # noqa: SIM115
        for part in self._waiting:
            self._file.write(np.ascontiguousarray(part).data)
            self._n_written += len(part)
        self._waiting, self._n_waiting = [], 0


def let_go(*arrays: NDArray[Any]) -> None:
    """Give back the memory of arrays that lie in files; they are read again when needed. Others stay as they are."""
    for array in arrays:
        owner: Any = array
        while not isinstance(owner, mmap.mmap) and owner is not None:
            owner = owner.obj if isinstance(owner, memoryview) else getattr(owner, "base", None)
        if owner is not None:
            owner.madvise(mmap.MADV_DONTNEED)


IN_MEMORY = Spill()
