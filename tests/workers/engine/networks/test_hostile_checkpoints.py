"""Checkpoints that were made to do harm: refused in words, whatever their bytes would have been taken for."""

from __future__ import annotations

import collections
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from workers.engine.networks.checkpoints import CheckpointUnreadable, read_checkpoint, read_class_names

ROOT = Path(__file__).parents[4]
TENSORS = {"fc.weight": torch.ones(2)}


class Reduced:
    """Is pickled as the call and the state that are given."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> Any:
        return self.reduced


def scalar(kind: object, data: bytes) -> Reduced:
    return Reduced(np._core.multiarray.scalar, (kind, data))  # type: ignore[attr-defined]


def array(shape: Any, kind: object, data: object) -> Reduced:
    made = np._core.multiarray._reconstruct  # type: ignore[attr-defined]
    return Reduced(made, (np.ndarray, (0,), b"b"), (1, shape, kind, False, data))


def kind_of(spelled: str, order: str = "|") -> Reduced:
    return Reduced(np.dtype, (spelled, False, True), (3, order, None, None, None, -1, -1, 0))


def save(tmp_path: Path, content: object) -> Path:
    torch.save(content, tmp_path / "a.pth")
    return tmp_path / "a.pth"


def test_bytes_are_never_taken_for_the_address_of_an_object(tmp_path: Path) -> None:
    path = save(tmp_path, {**TENSORS, "extra": scalar(kind_of("O8"), b"AAAAAAAA")})
    program = (
        "import sys, pathlib\n"
        "from workers.engine.networks.checkpoints import CheckpointUnreadable, read_checkpoint\n"
        "try:\n    read_checkpoint(pathlib.Path(sys.argv[1]))\n"
        "except CheckpointUnreadable as error:\n    print(error)\n"
    )
    # What goes wrong here ends the process that reads.
    ran = subprocess.run(
        [sys.executable, "-c", program, path], env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "a.pth holds more than tensors and settings" in ran.stdout
    assert "a type that is no number" in ran.stdout


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (scalar(kind_of("V8"), b"AAAAAAAA"), "no number"),
        (scalar(kind_of("f8"), b"AAAA"), "do not have their size"),
        (scalar(b"f8", b"AAAAAAAA"), "no number"),
        (array((2, 3), kind_of("f4"), bytes(20)), "do not have their size"),
        (array((2**39, 2**39), kind_of("f4"), bytes(8)), "do not have their size"),
        (array((-1, -2), kind_of("f4"), bytes(8)), "no list of sizes"),
        (array((2,), "f4", bytes(8)), "does not state"),
        (array((2,), kind_of("f4"), [1, 2]), "do not have their size"),
        (Reduced(np.ndarray, ((2,), "O")), "no tensors by name"),
    ],
)
def test_numbers_of_numpy_that_do_not_fit_are_refused(tmp_path: Path, odd: Reduced, words: str) -> None:
    path = save(tmp_path, {"odd": odd})
    with pytest.raises(CheckpointUnreadable, match=words):
        read_checkpoint(path)


def test_numbers_and_settings_of_every_kind_are_read(tmp_path: Path) -> None:
    numbers = {
        f"{kind}{order}": np.asarray(np.arange(6).reshape(2, 3), kind, order=order)
        for kind in ("?", "u1", "i2", "i8", ">i4", "f2", ">f4", "f8")
        for order in ("C", "F")
    }
    settings = collections.defaultdict(dict, {"lr": {"base": np.float32(0.5), "best": np.bool_(True)}})
    beside = {
        "names": np.array(["a", "bc"]), "name": np.str_("abc"), "day": np.datetime64("2026-01-01"),
        "mixed": np.array([1, None], dtype=object), "records": np.zeros(2, [("a", "f4")]), "none": np.zeros((0, 3)),
        "random": np.random.RandomState(3).get_state(), "phase": np.ones(2, np.complex64), "wide": np.longdouble(1),
    }  # fmt: skip
    path = save(tmp_path, {"model": numbers, "settings": settings, "args": beside})
    groups = read_checkpoint(path)
    for name, array in numbers.items():
        native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
        assert torch.equal(groups["model"][name], torch.from_numpy(native)), name
    assert {name: list(one) for name, one in groups.items() if name != "model"} == {"args": ["none"]}


def test_a_network_that_holds_itself_or_what_is_no_part_is_refused(tmp_path: Path) -> None:
    ring = nn.Sequential(nn.Linear(2, 2))
    ring._modules["again"] = ring
    with pytest.raises(CheckpointUnreadable, match="holds itself"):
        read_checkpoint(save(tmp_path, {"model": ring}))
    odd = nn.Linear(2, 2)
    odd.__dict__["_modules"] = 5
    assert set(read_checkpoint(save(tmp_path, odd))[""]) == {"weight", "bias"}


def test_a_small_file_that_names_billions_of_entries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.engine.networks.checkpoints.MAX_ENTRIES", 20_000)
    part: nn.Module = nn.ReLU()
    for _ in range(40):
        part = nn.Sequential(part, part)
    rows: list[Any] = [1] * 1000
    for _ in range(2):
        rows = [rows] * 1000
    for content in (part, {"rows": rows}):
        with pytest.raises(CheckpointUnreadable, match="more than 20,000 entries"):
            read_checkpoint(save(tmp_path, content))


@pytest.mark.filterwarnings("ignore:Sparse invariant", "ignore:Validating sparse")
def test_tensors_without_numbers_or_of_endless_size_are_refused(tmp_path: Path) -> None:
    endless = torch.sparse_coo_tensor(torch.zeros(2, 1, dtype=torch.long), torch.ones(1), (10**7, 10**7))
    with pytest.raises(CheckpointUnreadable, match="once it is spread out"):
        read_checkpoint(save(tmp_path, {"fc.weight": endless}))
    with pytest.raises(CheckpointUnreadable, match="a shape but no numbers"):
        read_checkpoint(save(tmp_path, {"fc.weight": torch.ones(2, device="meta")}))


def twice_each(n: int) -> tuple[Any, ...]:
    made: tuple[Any, ...] = ()
    for _ in range(n):
        made = (made, made)
    return made


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("key", ["chain", "twice"])
def test_a_key_that_cannot_be_hashed_is_never_hashed(tmp_path: Path, key: str, is_zip: bool) -> None:
    # The place of the key is taken by hand: to pickle such a mapping, one would have to hash the key.
    content = {"fc.weight": torch.ones(2), "KEY": 1} if key == "chain" else [twice_each(40), TENSORS]
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=is_zip)
    if key == "chain":
        put_in_place(tmp_path / "a.pth", b"X\x03\0\0\0KEY", b")" + b"\x85" * 300_000)
    with pytest.raises(CheckpointUnreadable, match="nest too deep"):
        read_checkpoint(tmp_path / "a.pth")


def put_in_place(path: Path, old: bytes, new: bytes) -> None:
    if not zipfile.is_zipfile(path):
        path.write_bytes(path.read_bytes().replace(old, new))
        return
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data.replace(old, new))


def test_names_of_classes_that_nest_without_end_are_none(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(TENSORS, tmp_path / "a.safetensors", metadata={"classes": "[" * 100_000})
    assert read_class_names(tmp_path / "a.safetensors") == ()
