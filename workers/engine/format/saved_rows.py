"""Saves an array as .npy piece by piece through a file: the arrays of a wide layer are gigabytes."""

import mmap
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engine.format.artifact import Save
from workers.engine.format.spilling import Spill


@dataclass(frozen=True)
class Rows:
    """An array of a shape and kind, in pieces that follow one another."""

    shape: tuple[int, ...]
    kind: type[np.generic]
    pieces: Iterator[NDArray[Any]]


def save_rows(name: str, rows: Rows, *, save: Save, spill: Spill) -> None:
    """Under that name of the artifact."""
    with tempfile.TemporaryFile(dir=spill.folder) as file:
        header = {"descr": np.dtype(rows.kind).str, "fortran_order": False, "shape": rows.shape}
        np.lib.format.write_array_header_1_0(file, header)
        for piece in rows.pieces:
            file.write(piece.astype(rows.kind, copy=False).tobytes())
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            save(name, data)
