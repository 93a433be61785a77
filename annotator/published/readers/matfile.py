"""Reads the MAT-files in which answers of 2015 were published: level 5, cells, text and numbers, nothing more.

Written here so that an import needs no SciPy. The file is a chain of tagged elements, each padded to 8 bytes; an
element may be compressed, and a matrix is an element that holds elements: flags, dimensions, name, then its contents.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from annotator.published.readers.cells import BadFile

HEADER_BYTES = 128
MATRIX, COMPRESSED = 14, 15
CELL, CHARACTERS = 1, 4
# Element types of numbers and of text, as struct and Python know them.
NUMBERS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
MAX_ELEMENTS = 1_000_000
# A few compressed bytes can unpack to gigabytes.
MAX_UNPACKED_BYTES = 16 << 20


@dataclass(frozen=True)
class Array:
    """Values in column-major order: text for characters, a list of Arrays for cells, a list of numbers else."""

    shape: tuple[int, ...]
    values: Any

    def row(self, index: int) -> list[Any]:
        """Of a table of two dimensions."""
        n_rows = self.shape[0]
        return [self.values[index + n_rows * column] for column in range(self.shape[1])]


class _Element(NamedTuple):
    kind: int
    body: bytes


def read_mat(content: bytes, *, file: str) -> dict[str, Array]:
    """The file's variables by name. Raises BadFile, also for a type that this reader does not know."""
    if len(content) < HEADER_BYTES or not content.startswith(b"MATLAB 5.0"):
        raise BadFile(f"{file}: it is no MAT-file of level 5.")
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise BadFile(f"{file}: its byte order is not marked.")
    try:
        elements = _unpack(content[HEADER_BYTES:], order)
        return dict(_read_matrix(element.body, order) for element in elements if element.kind == MATRIX)
    except (struct.error, zlib.error, UnicodeDecodeError, ValueError, IndexError, KeyError, StopIteration) as error:
        raise BadFile(f"{file}: it is damaged or cut short.") from error


def _unpack(content: bytes, order: str) -> Iterator[_Element]:
    """The elements of a block, compressed ones unpacked."""
    at = 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, at)
        if kind >> 16:  # small: the size stands in the upper half, the body in the next four bytes
            yield _Element(kind & 0xFFFF, content[at + 4 : at + 4 + (kind >> 16)])
            at += 8
            continue
        body = content[at + 8 : at + 8 + size]
        if len(body) < size:
            raise ValueError("cut short")
        if kind == COMPRESSED:
            yield from _unpack(_decompress(body), order)
            at += 8 + size
        else:
            yield _Element(kind, body)
            at += 8 + size + (-size % 8)


def _decompress(body: bytes) -> bytes:
    unpacked = zlib.decompressobj().decompress(body, MAX_UNPACKED_BYTES)
    if len(unpacked) == MAX_UNPACKED_BYTES:
        raise ValueError("too large")
    return unpacked


def _read_matrix(body: bytes, order: str) -> tuple[str, Array]:
    parts = _unpack(body, order)
    flags, dimensions, name = next(parts), next(parts), next(parts)
    shape = tuple(_numbers(dimensions, order))
    kind = flags.body[0] if order == "<" else flags.body[3]
    if prod(shape) > MAX_ELEMENTS:
        raise ValueError("too large")
    return name.body.decode("ascii"), Array(shape=shape, values=_read_values(kind, prod(shape), parts, order))


def _read_values(kind: int, n: int, parts: Iterator[_Element], order: str) -> Any:
    if n == 0:
        return "" if kind == CHARACTERS else []
    if kind == CELL:
        return [_read_matrix(next(parts).body, order)[1] for _ in range(n)]
    element = next(parts)
    if kind == CHARACTERS:
        encoding = TEXTS[element.kind]
        wide = encoding in ("utf-16", "utf-32")
        return element.body.decode(f"{encoding}-{'le' if order == '<' else 'be'}" if wide else encoding)
    values = _numbers(element, order)
    if len(values) != n:
        raise ValueError("values missing")
    return values


def _numbers(element: _Element, order: str) -> list[Any]:
    code = NUMBERS[element.kind]
    return list(struct.unpack(f"{order}{len(element.body) // struct.calcsize(code)}{code}", element.body))
