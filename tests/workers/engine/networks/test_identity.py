"""A network is its tensors and its code: equal wherever the file lies, another as soon as either differs."""

import sys
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from torch import nn

from tests.workers.engine import making
from workers.engine.networks import code
from workers.engine.networks.identity import hash_tensors
from workers.engine.networks.loading import NetworkError, load_network

TINY = "tests.workers.engine.making:tiny_module"


def save(path: Path, seed: int, **wrapped: object) -> Path:
    torch.save({"state_dict": making.tiny_network(seed=seed).module.state_dict(), **wrapped}, path)
    return path


def test_the_digest_is_that_of_the_tensors_and_not_of_the_file(tmp_path: Path) -> None:
    plain = load_network(architecture=TINY, weights=save(tmp_path / "a.pth", 4))
    wrapped = load_network(architecture=TINY, weights=save(tmp_path / "b.pth", 4, epoch=3))
    other = load_network(architecture=TINY, weights=save(tmp_path / "c.pth", 5))
    assert plain.describe() == wrapped.describe()
    assert plain.weights_sha256 != other.weights_sha256
    assert (plain.weights_from, plain.is_random) == ("file", False)


def test_names_types_shapes_and_bytes_count_and_memory_order_does_not() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3))
    stated = hash_tensors(module)
    assert hash_tensors(module.to(memory_format=torch.channels_last)) == stated  # type: ignore[call-overload]
    assert hash_tensors(nn.ModuleDict({"other": module[0]})) != stated
    assert hash_tensors(module.half()) != stated
    with torch.no_grad():
        module[0].weight[0, 0, 0, 0] = torch.nextafter(module[0].weight[0, 0, 0, 0], torch.tensor(9.0).half())
    assert hash_tensors(module) != stated


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.bool, torch.complex64, torch.int64])
def test_every_type_of_tensor_has_a_digest(kind: torch.dtype) -> None:
    module = nn.Module()
    module.register_buffer("scalar", torch.ones((), dtype=kind))
    module.register_buffer("none", torch.ones((0, 3), dtype=kind))
    assert len(hash_tensors(module)) == 64


def test_weights_drawn_by_the_seed_are_said_to_be_random() -> None:
    assert load_network(architecture=TINY, weights=None).is_random
    assert load_network(architecture="torchvision:squeezenet1_1", weights=None).is_random


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as a person writes one: a function, a helper that it imports late, and a helper's helper."""
    folder = tmp_path / "studied"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "nets.py").write_text(
        dedent("""
        from torch import nn
        def build():
            from .parts import make
            return nn.Sequential(make())
        """)
    )
    (folder / "parts.py").write_text(
        "from torch import nn\nfrom studied import sizes\ndef make(): return nn.Conv2d(3, sizes.UNITS, 3)\n"
    )
    (folder / "sizes.py").write_text("UNITS = 4\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder  # type: ignore[misc]
    for name in [name for name in sys.modules if name.partition(".")[0] == "studied"]:
        del sys.modules[name]


def build() -> tuple[int, str]:
    network = load_network(architecture="studied.nets:build", weights=None)
    return network.module[0].out_channels, network.source_sha256  # type: ignore[index,union-attr,return-value]


def test_a_helper_of_a_helper_that_was_edited_runs_as_it_is_now(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    first, digest = build()
    assert first == 4
    # Of the same size and within the same second: what Python tells compiled files apart by.
    (package / "sizes.py").write_text("UNITS = 7\n")
    second, edited = build()
    assert second == 7
    assert edited != digest
    (package / "sizes.py").write_text("UNITS = 4\n")
    assert build() == (4, digest), "the same code again is the same network again"


def test_a_file_beside_that_nothing_imports_does_not_count(package: Path) -> None:
    _, digest = build()
    (package / "notes.py").write_text("UNITS = 9\n")
    assert build()[1] == digest
    assert set(code.find_files({"studied.nets"})) == {"studied", "studied.nets", "studied.parts", "studied.sizes"}


def test_code_that_fails_is_refused_in_words_and_mended_in_the_same_process(package: Path) -> None:
    (package / "sizes.py").write_text("UNITS = = 4\n")
    with pytest.raises(NetworkError, match=r"studied.nets:build\(\) fails: SyntaxError"):
        build()
    (package / "sizes.py").write_text("UNITS = 5\n")
    assert build()[0] == 5


def test_weights_that_the_code_sets_are_not_called_random(package: Path) -> None:
    (package / "parts.py").write_text(
        "import torch\nfrom torch import nn\ndef make():\n    torch.manual_seed(1)\n    return nn.Conv2d(3, 4, 3)\n"
    )
    network = load_network(architecture="studied.nets:build", weights=None)
    assert (network.weights_from, network.is_random) == ("code", False)
