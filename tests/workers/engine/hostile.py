"""Makes damaged and hostile images, index and label files, and checkpoints, by seed."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image


def valid_images(rng: Generator) -> dict[str, bytes]:
    """One small image of each kind that is decoded differently."""
    rgb = rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)
    pictures = {
        "photo.jpg": Image.fromarray(rgb),
        "cmyk.jpg": Image.fromarray(rgb).convert("CMYK"),
        "plain.png": Image.fromarray(rgb),
        "deep.png": Image.fromarray(rng.integers(0, 65536, (20, 20), dtype=np.uint16)),
        "palette.gif": Image.fromarray(rgb).convert("P"),
        "clear.png": Image.fromarray(np.dstack([rgb, rgb[..., :1]])),
        "bits.png": Image.fromarray(rgb).convert("1"),
        "photo.webp": Image.fromarray(rgb),
        "flat.bmp": Image.fromarray(rgb),
        "page.tiff": Image.fromarray(rgb),
    }
    return {name: _encode(picture, Path(name).suffix) for name, picture in pictures.items()}


def _encode(picture: Image.Image, suffix: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format={".jpg": "JPEG"}.get(suffix, suffix[1:].upper()))
    return buffer.getvalue()


RGB, GRAY_AND_ALPHA = 2, 4  # kinds of pixels, as a PNG's header numbers them


def png_claiming(width: int, height: int, *, kind: int = RGB) -> bytes:
    """A PNG whose header states a size that its few bytes of data do not hold."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that unpacks to side x side pixels."""
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, format="PNG")
    return buffer.getvalue()


def mutate(data: bytes, rng: Generator) -> bytes:
    """Cut, overwrite, lengthen or exchange parts of a file."""
    raw = bytearray(data)
    kind = rng.integers(0, 5)
    if kind == 0:
        return bytes(raw[: rng.integers(0, len(raw))])
    if kind == 1:
        for place in rng.integers(0, len(raw), rng.integers(1, 20)):
            raw[place] = rng.integers(0, 256)
        return bytes(raw)
    if kind == 2:
        # Huge or negative numbers in the first bytes, where sizes stand.
        place = rng.integers(0, min(64, len(raw) - 4))
        raw[place : place + 4] = rng.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0"])
        return bytes(raw)
    if kind == 3:
        cut = int(rng.integers(0, len(raw)))
        return bytes(raw[cut:] + raw[:cut])
    return bytes(raw[: rng.integers(0, len(raw))] + rng.bytes(int(rng.integers(1, 3000))))


class Executed(Exception):
    """Code hidden in a file was run."""


def _explode() -> None:
    raise Executed


class _Bait:
    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return _explode, ()


def checkpoints(state: dict[str, torch.Tensor], rng: Generator) -> dict[str, bytes]:
    """Hostile, truncated and ill-fitting checkpoints by name."""
    from safetensors.torch import save

    def saved(content: object) -> bytes:
        buffer = io.BytesIO()
        torch.save(content, buffer)
        return buffer.getvalue()

    good, safe = saved(state), save(state)
    lying = struct.pack("<Q", 2**62) + safe[8:]
    deep: dict[str, object] = {}
    for _ in range(50):
        deep = {"state_dict": deep}
    made = {
        "bait.pth": pickle.dumps({"weight": _Bait()}),
        "bait-inside.pth": saved({**state, "extra": _Bait()}),
        "bait.pth.tar": saved({"state_dict": _Bait()}),
        "whole-module.pth": saved(torch.nn.Linear(2, 2)),
        "empty.pth": b"",
        "empty.safetensors": b"",
        "text.pth": b"not a checkpoint\n",
        "list.pth": saved([1, 2, 3]),
        "number.pth": saved(3),
        "names-only.pth": saved({"a": "b"}),
        "nested.pth": saved(deep),
        "missing.pth": saved(dict(list(state.items())[1:])),
        "unexpected.pth": saved({**state, "more": torch.zeros(3)}),
        "misshapen.pth": saved({key: value.flatten() for key, value in state.items()}),
        "lying.safetensors": lying,
        "zip.pth": _zip({"archive/data.pkl": pickle.dumps(_Bait())}),
        "bomb.pth": _zip({"archive/data.pkl": b"\0" * 5_000_000}),
    }
    while len(made) < 50:
        whole, suffix = (good, ".pth") if len(made) % 2 else (safe, ".safetensors")
        made[f"cut-{len(made)}{suffix}"] = whole[: int(rng.integers(0, len(whole) - 1))]
    return made


def _zip(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return buffer.getvalue()
