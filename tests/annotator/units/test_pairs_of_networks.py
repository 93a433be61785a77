"""Which networks of before become one: never two whose artifacts tell different weights."""

import importlib
import json
from pathlib import Path

import pytest

merging = importlib.import_module("annotator.units.migrations.0009_merge_networks")


@pytest.fixture
def tell(tmp_path: Path) -> dict[str, str | None]:
    """Digest -> an artifact that tells it."""
    artifacts: dict[str, str | None] = {"": None}
    for digest in ("d1", "d2"):
        (tmp_path / digest).mkdir()
        (tmp_path / digest / "manifest.json").write_text(json.dumps({"network": {"weights_sha256": digest}}))
        artifacts[digest] = f"file://{tmp_path / digest}"
    return artifacts


@pytest.mark.parametrize(
    ("weights", "digests", "expected"),
    [
        ("best.pth", ("", "d1", "d2"), []),
        ("best.pth", ("d1", "", "d2"), []),
        ("best.pth", ("d1", "d2", "d1"), [(3, 1)]),
        ("best.pth", ("", "d1", "d1"), [(2, 1), (3, 1)]),
        ("best.pth", ("", "", ""), [(2, 1), (3, 1)]),
        ("", ("d1", "d2"), []),
        ("", ("d1", "d1"), [(2, 1)]),
    ],
)
def test_networks_of_other_weights_stay_apart(
    tell: dict[str, str | None], weights: str, digests: tuple[str, ...], expected: list[tuple[int, int]]
) -> None:
    rows = [(pk, "unitscope:test", weights, None, tell[digest]) for pk, digest in enumerate(digests, start=1)]
    assert [pair for pair in merging.find_pairs(rows) if pair[0] != pair[1]] == expected
