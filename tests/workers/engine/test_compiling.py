"""Where compiled loops are kept."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from numba.core import caching, config

from workers.engine.compiling import CAN_COMPILE, compiled


def make_loop() -> Any:
    """As a new process makes it."""

    @compiled
    def double(value: int) -> int:
        return 2 * value

    return double


def test_the_tests_run_with_compiled_loops() -> None:
    assert CAN_COMPILE


def test_loops_are_compiled_though_no_folder_can_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that is read-only."""
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    loop = make_loop()
    assert loop(4) == 8
    assert not loop.stats.cache_path


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("n_bytes", [0, 20])
def test_a_kept_loop_that_is_damaged_is_compiled_and_kept_anew(
    kind: str, n_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    assert make_loop()(4) == 8
    (kept,) = tmp_path.rglob(f"*.{kind}")
    kept.write_bytes(kept.read_bytes()[:n_bytes])
    assert make_loop()(4) == 8
    loop = make_loop()
    assert loop(4) == 8
    assert loop.stats.cache_hits


def test_loops_are_compiled_though_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that is full."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "kept"))
    loop = make_loop()
    shutil.rmtree(tmp_path / "kept")
    (tmp_path / "kept").write_text("")
    assert loop(4) == 8


def test_a_damaged_numba_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "numba.py").write_text("raise OSError('Could not find/load shared object file')")
    seen = "import workers.engine.compiling as c; print(c.CAN_COMPILE)"
    path = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
    done = subprocess.run([sys.executable, "-c", path + seen], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
