"""What stands for arrays and numbers of numpy while a checkpoint is read.

numpy's own reader is not used: a file could have it take bytes for the addresses of objects. Here bytes are numbers, of
the few kinds that torch has, too, and as many as their shape says.
"""

import math
import pickle
import re
from typing import Any

import numpy as np
import torch

from workers.engine.plurals import say_count

# Signed, unsigned, real and complex numbers and booleans, as numpy spells them for pickles.
_NUMBERS = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|c8|c16)")
# Kinds whose bytes are, or can hold, addresses; numpy writes none of them as one number.
_ADDRESSES = ("O", "V", "T")


class NumberType:
    """Stands for numpy.dtype. `dtype` is None for what are no numbers: texts, dates, objects, records."""

    def __init__(self, spelled: object = "", *flags: object) -> None:
        self.spelled = spelled if isinstance(spelled, str) else ""
        self.dtype = np.dtype(self.spelled) if _NUMBERS.fullmatch(self.spelled) else None

    def __setstate__(self, state: object) -> None:
        """The second entry is the order of bytes; the rest describes types that are no numbers."""
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else "|"
        if self.dtype is not None and order in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(">" if order == ">" else "<")

    def read(self, data: object, count: int) -> np.ndarray | None:
        """count numbers; None for what are no numbers. Raises pickle.UnpicklingError."""
        if self.dtype is None:
            return None
        if count == 0:
            # Pickles write no bytes as a call, and not as bytes.
            return np.empty(0, self.dtype)
        if not isinstance(data, (bytes, bytearray)) or len(data) != count * self.dtype.itemsize:
            raise pickle.UnpicklingError(f"{say_count(count, 'number')} of type {self.dtype} do not have their size.")
        if self.dtype.kind == "b":
            return np.frombuffer(data, np.uint8).astype(np.bool_)
        return np.frombuffer(data, self.dtype)


class Array:
    """Stands for numpy.ndarray. `numbers` is None as long as it holds none."""

    def __init__(self, *given: object) -> None:
        self.numbers: np.ndarray | None = None

    def __setstate__(self, state: object) -> None:
        """Version, shape, type, whether columns come first, bytes. Raises pickle.UnpicklingError."""
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], NumberType):
            raise pickle.UnpicklingError("An array does not state its shape, type and numbers.")
        _, shape, kind, is_fortran, data = state
        if not isinstance(shape, tuple) or not all(type(side) is int and 0 <= side < 2**40 for side in shape):
            raise pickle.UnpicklingError("An array has a shape that is no list of sizes.")
        numbers = kind.read(data, math.prod(shape))
        self.numbers = None if numbers is None else numbers.reshape(shape, order="F" if is_fortran is True else "C")

    def as_tensor(self) -> torch.Tensor | None:
        """A copy; None for what holds no real numbers."""
        if self.numbers is None or self.numbers.dtype.kind == "c":
            return None
        return torch.from_numpy(self.numbers.astype(self.numbers.dtype.newbyteorder("=")))


def make_array(*given: object) -> Array:
    """Stands for numpy's _reconstruct: an array that is filled afterwards."""
    return Array()


def read_number(kind: Any, data: object = b"") -> Any:
    """Stands for numpy's scalar: a number of Python; None for a text or a date. Raises pickle.UnpicklingError."""
    if not isinstance(kind, NumberType) or kind.spelled.lstrip("<>|=")[:1] in _ADDRESSES:
        raise pickle.UnpicklingError("A single value of numpy is of a type that is no number.")
    numbers = kind.read(data, 1)
    return None if numbers is None else numbers[0].item()


ARRAYS: dict[str, Any] = {
    "numpy.dtype": NumberType,
    "numpy.ndarray": Array,
    **{f"numpy.{core}.multiarray._reconstruct": make_array for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": read_number for core in ("core", "_core")},
}
