"""Activation vectors as Parquet: one row per image, with its path, and lists by unit of maxima and means."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workers.engine.measures.activation_vectors.arrays import IMAGES, MAXIMA, MEANS

# Images per row group, of 2,048 units some 16 MB.
ROWS_AT_ONCE = 1000


def write_vectors(files: Mapping[str, bytes], *, paths: Sequence[str], path: Path) -> None:
    """`files`: the three .npy of a layer by name; `paths`: of all images of the set, by index. Numbers are float32."""
    images, maxima, means = (np.load(io.BytesIO(files[name]), allow_pickle=False) for name in (IMAGES, MAXIMA, MEANS))
    numbers = pa.list_(pa.float32(), maxima.shape[1])
    kinds = pa.schema([("image", pa.int32()), ("path", pa.string()), ("maxima", numbers), ("means", numbers)])
    with pq.ParquetWriter(path, kinds) as writer:
        for first in range(0, len(images), ROWS_AT_ONCE):
            end = first + ROWS_AT_ONCE
            some = images[first:end]
            columns = [
                pa.array(some, pa.int32()),
                pa.array([paths[index] for index in some]),
                _list_rows(maxima[first:end]),
                _list_rows(means[first:end]),
            ]
            writer.write_table(pa.table(columns, schema=kinds))


def _list_rows(values: NDArray[np.float16]) -> "pa.FixedSizeListArray":
    return pa.FixedSizeListArray.from_arrays(pa.array(values.astype(np.float32).ravel()), values.shape[1])
