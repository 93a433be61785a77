"""An npz whose arrays are used where they lie in the file, so that files larger than memory can be read.

Plain npz files (no compression, no pickles), each array at a multiple of ALIGNMENT bytes. Anything that reads npz reads
them.
"""

import mmap
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from workers.engine.format.artifact import Arrays

ALIGNMENT = 64
# Sizes of a zip entry's fixed header, and of the field that states sizes in 64 bits.
LOCAL_HEADER, SIZES_FIELD = 30, 20
# An extra field that readers of zip files pass over (its number is in common use for this purpose).
PADDING_FIELD = 0xD935


def write_npz(arrays: Arrays, path: Path) -> None:
    """Write the arrays one after the other, none of them copied whole."""
    with path.open("wb") as target, zipfile.ZipFile(target, "w") as file:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            before = target.tell() + LOCAL_HEADER + len(entry.filename.encode()) + SIZES_FIELD
            padding = -(before + 4) % ALIGNMENT
            entry.extra = struct.pack("<HH", PADDING_FIELD, padding) + bytes(padding)
            with file.open(entry, "w", force_zip64=True) as inner:
                np.lib.format.write_array(inner, array, allow_pickle=False)


def map_npz(path: Path) -> Arrays:
    """The arrays of an uncompressed npz by name, read-only; raises OSError, ValueError or BadZipFile."""
    arrays: Arrays = {}
    with path.open("rb") as source, zipfile.ZipFile(source) as file:
        # One mapping, and so one file handle, for all arrays of the file.
        whole = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)
        for entry in file.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{entry.filename} is compressed")
            with file.open(entry) as inner:
                version = np.lib.format.read_magic(inner)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, is_fortran, kind = read(inner)
                header = inner.tell()
            n_values = int(np.prod(shape, dtype=np.int64))
            if kind.hasobject or n_values * kind.itemsize != entry.file_size - header:
                raise ValueError(f"{entry.filename} is not what its header says")
            array = np.frombuffer(whole, kind, n_values, _data_offset(source, entry) + header)
            arrays[entry.filename.removesuffix(".npy")] = array.reshape(shape, order="F" if is_fortran else "C")
    return arrays


def _data_offset(source: BinaryIO, entry: zipfile.ZipInfo) -> int:
    """Where an entry's bytes begin, by its own header."""
    source.seek(entry.header_offset)
    header = source.read(LOCAL_HEADER)
    if len(header) < LOCAL_HEADER:
        raise ValueError(f"{entry.filename} is cut off")
    name_length, extra_length = struct.unpack("<HH", header[26:30])
    return int(entry.header_offset + LOCAL_HEADER + name_length + extra_length)
