"""Keep large arrays in unnamed temporary files instead of memory; the system reads their pages back as needed."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)
# Smaller arrays are not worth a file.
MIN_BYTES = 1 << 16


@dataclass(frozen=True)
class Spill:
    """Where kept arrays go: files in `folder`, or memory if there is none. A file ends with its array."""

    folder: Path | None = None

    def empty(self, n: int, kind: type[Number]) -> NDArray[Number]:
        """(n,) array to be filled."""
        n_bytes = n * np.dtype(kind).itemsize
        if self.folder is None or n_bytes < MIN_BYTES:
            return np.empty(n, dtype=kind)
        with tempfile.TemporaryFile(dir=self.folder) as file:
            # Taken at once: a page that finds no space later would end the process without a word.
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            return np.memmap(file, dtype=kind, mode="r+", shape=(n,))

    def keep(self, array: NDArray[Number]) -> NDArray[Number]:
        """The (n,) array's values, out of memory."""
        if self.folder is None:
            return array
        return self.joined([array], array.dtype.type)

    def joined(self, parts: Sequence[NDArray[Number]], kind: type[Number]) -> NDArray[Number]:
        """(n,) the parts one after the other."""
        out = self.empty(sum(map(len, parts)), kind)
        done = 0
        for part in parts:
            out[done : done + len(part)] = part
            done += len(part)
        return out


IN_MEMORY = Spill()
